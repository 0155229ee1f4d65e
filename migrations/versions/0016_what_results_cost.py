"""What a result cost: the tokens that were cheaper or unseen, and the estimate at the operator's prices.

Of results from before nothing more is known than their input and output tokens: no cost, and no cached or thinking tokens.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE extracted_data
            ADD COLUMN cached_tokens integer NOT NULL DEFAULT 0,
            ADD COLUMN thinking_tokens integer NOT NULL DEFAULT 0,
            ADD COLUMN estimated_cost numeric
        """
    )


def downgrade() -> None:
    op.execute(
        """
        ALTER TABLE extracted_data
            DROP COLUMN cached_tokens,
            DROP COLUMN thinking_tokens,
            DROP COLUMN estimated_cost
        """
    )
