"""The business in pure Python."""
