"""Data migrations under forced row-level security.

FORCE makes the policies bind the tables' owner too, and the owner has none: its UPDATE changes 0 rows and says so to nobody. A revision
that moves data therefore lifts FORCE around it, within its own transaction. Revisions that landed rely on this file, so what is here
keeps its meaning.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op


@contextmanager
def without_force(*tables: str) -> Iterator[None]:
    """Let the owner see every row of `tables` inside the block; an error rolls the revision back, FORCE included.

    Takes an exclusive lock on each table until the revision commits, so keep the block short or the tables few.
    """
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
