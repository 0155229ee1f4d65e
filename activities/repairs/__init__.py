"""Repairs: each kind of damage with how it is found and how it is mended. Upkeep and `ingestio doctor` use the same list."""
