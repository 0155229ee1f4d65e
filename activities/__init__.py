"""The work that workflows order: thin, idempotent by job id."""
