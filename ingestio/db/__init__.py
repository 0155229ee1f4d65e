"""PostgreSQL: engine, row-level security sessions, models, one query file per noun."""
