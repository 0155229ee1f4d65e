"""Events of Stripe no longer name customers who have no account here: those of erased accounts did, for ever.

An event's own id stays, because it makes a repeat harmless. What such an event waited for, or was parked for, can never come.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

from migrations.row_security import without_force

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with without_force("stripe_events", "profiles"):
        op.execute(
            """
            UPDATE stripe_events
            SET customer_id = NULL, processed_at = coalesce(processed_at, now()), error = 'no account of ours', try_after = NULL
            WHERE customer_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM profiles WHERE stripe_customer_id = stripe_events.customer_id)
            """
        )
    op.execute("CREATE INDEX stripe_events_customer ON stripe_events (customer_id) WHERE customer_id IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX stripe_events_customer")
