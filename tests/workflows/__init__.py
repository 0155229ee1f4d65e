"""Workflows on a real Temporal server and a real PostgreSQL, with a provider that does what the test says."""
