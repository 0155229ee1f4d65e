"""Revisions; each does one thing and is never edited after it landed."""
