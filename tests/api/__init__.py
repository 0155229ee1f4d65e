"""The front door, from outside."""
