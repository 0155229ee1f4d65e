"""What Stripe drives: a local copy of the subscription, and an inbox that tries again (R53, R54).

`billing_version` counts what was taken over from Stripe. State that was read before the latest count is stale and is read again, so that
two events at once cannot end with the older state. The unique keys become partial indexes: PostgreSQL then does not take them for keys
that others may refer to, and a new subscription does not wait for, or deadlock with, rows that are being inserted for the same user.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

IDS = ("stripe_customer_id", "stripe_subscription_id")


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE profiles
            ADD COLUMN subscription_period_end timestamptz,
            ADD COLUMN subscription_cancel_at timestamptz,
            ADD COLUMN billing_version integer NOT NULL DEFAULT 0
        """
    )
    for column in IDS:
        op.execute(f"ALTER TABLE profiles DROP CONSTRAINT profiles_{column}_key")
        op.execute(f"CREATE UNIQUE INDEX profiles_{column} ON profiles ({column}) WHERE {column} IS NOT NULL")
    op.execute(
        """
        ALTER TABLE stripe_events
            ADD COLUMN attempts integer NOT NULL DEFAULT 0,
            ADD COLUMN try_after timestamptz
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE stripe_events DROP COLUMN attempts, DROP COLUMN try_after")
    for column in IDS:
        op.execute(f"DROP INDEX profiles_{column}")
        op.execute(f"ALTER TABLE profiles ADD CONSTRAINT profiles_{column}_key UNIQUE ({column})")
    op.execute(
        """
        ALTER TABLE profiles
            DROP COLUMN subscription_period_end, DROP COLUMN subscription_cancel_at, DROP COLUMN billing_version
        """
    )
