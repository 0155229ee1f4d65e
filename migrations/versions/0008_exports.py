"""What exports need as runs: which batch they are of, how far they have come, how large the file is and until when it is kept (R87).

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = {
    "batch_id": "uuid",
    "documents_written": "integer NOT NULL DEFAULT 0 CHECK (documents_written >= 0)",
    "size_bytes": "bigint CHECK (size_bytes >= 0)",
    "expires_at": "timestamptz",
}

INDEXES = (
    # For the foreign key, and for the exports of one batch.
    "CREATE INDEX exports_of_batch ON exports (batch_id)",
    # Files past their time: what upkeep looks for.
    "CREATE INDEX exports_kept ON exports (expires_at) WHERE file_path IS NOT NULL",
)


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.execute(f"ALTER TABLE exports ADD COLUMN {name} {kind}")
    # Ownership is composite, as everywhere; an export outlives its batch as the batch's documents do.
    op.execute(
        """
        ALTER TABLE exports ADD CONSTRAINT exports_batch_id_user_id_fkey
        FOREIGN KEY (batch_id, user_id) REFERENCES extraction_batches (id, user_id) ON DELETE SET NULL (batch_id)
        """
    )
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    for statement in reversed(INDEXES):
        op.execute(f"DROP INDEX {statement.split()[2]}")
    for name in reversed(COLUMNS):
        op.execute(f"ALTER TABLE exports DROP COLUMN {name}")
