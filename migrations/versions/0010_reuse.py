"""What a result answers, so that the same question about the same bytes finds it again (R83).

`reuse_key` is a hash over bytes, prompt, options, schema and model; null for results that were made before it existed, which are never
found. The index is partial: a result that was itself taken over is no source.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE extracted_data ADD COLUMN reuse_key text")
    op.execute(
        "CREATE INDEX extracted_data_reusable ON extracted_data (user_id, reuse_key, created_at DESC) "
        "WHERE reuse_key IS NOT NULL AND reused_from IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX extracted_data_reusable")
    op.execute("ALTER TABLE extracted_data DROP COLUMN reuse_key")
