"""PostgreSQL and Temporal from their wheels: start, supervise, stop."""
