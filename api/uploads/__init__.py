"""Uploads: bytes stream to storage while they are hashed and sniffed, and pages are counted behind; never a whole file in memory."""
