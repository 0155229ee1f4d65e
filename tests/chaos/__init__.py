"""Kill it anywhere: SIGKILL for parts of a real instance, or all of it, at random moments; afterwards the books must balance."""
