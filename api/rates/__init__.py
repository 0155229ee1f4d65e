"""How often somebody may do what: counted per user and plan, in this process or for all of them together (R56)."""
