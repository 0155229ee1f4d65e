"""The business in pure Python: standard library only, no IO, no clock, no randomness."""
