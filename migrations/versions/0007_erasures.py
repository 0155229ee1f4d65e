"""What an erasure under way needs to know, and when somebody of local mode came back (R86).

`user_id` is there until everything of the user is gone: whoever finds it goes on erasing, whatever became of the run. After that only
the hash says that there was somebody. `returned_at`: in local mode a deleted person may sign in anew and begins with nothing; earlier
tokens stay worthless.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE account_tombstones
            ADD COLUMN user_id text UNIQUE,
            ADD COLUMN erased_at timestamptz,
            ADD COLUMN returned_at timestamptz
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE account_tombstones DROP COLUMN user_id, DROP COLUMN erased_at, DROP COLUMN returned_at")
