"""PostgreSQL and Temporal from their wheels, with real processes and real kill -9."""
