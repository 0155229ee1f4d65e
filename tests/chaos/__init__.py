"""Kill it anywhere: SIGKILL for parts of a real instance, or the whole of it, at random moments of a batch; afterwards the books must balance."""
