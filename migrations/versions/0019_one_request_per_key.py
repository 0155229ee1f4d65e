"""An idempotency key is one request, whatever it is for (R63): until now each kind of request had keys of its own.

Of keys that were used for several kinds the newest stays. The primary key stays as it was, because the previous code names its columns
when it claims a key.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

from migrations.row_security import without_force

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with without_force("idempotency_keys"):
        op.execute(
            """
            DELETE FROM idempotency_keys AS older USING idempotency_keys AS newer
            WHERE older.user_id = newer.user_id AND older.key = newer.key
              AND (older.created_at, older.operation) < (newer.created_at, newer.operation)
            """
        )
    op.execute("CREATE UNIQUE INDEX idempotency_keys_one_request ON idempotency_keys (user_id, key)")


def downgrade() -> None:
    op.execute("DROP INDEX idempotency_keys_one_request")
