"""Who is asking: tokens, keys and the local issuer."""
