"""The schema: migrated, compared with the requirements, upgraded with rows in it."""
