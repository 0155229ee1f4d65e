"""Business operations on a real PostgreSQL, as the application's own login."""
