"""What upkeep needs: where its long walks are, which shells are still being filled, and indexes for what it looks for (R63, R67).

`receiving_at` is when the last bytes of a one-shot upload arrived, and null once the upload was accepted and for every draft: it tells
the shell of an upload that died from a draft that somebody made on purpose, and guards the objects of one that is still coming in.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = (
    # A handful of rows among millions: what is under way. Each serves one look of every round.
    "CREATE INDEX documents_open ON documents (id) WHERE status IN ('queued_for_processing', 'processing')",
    "CREATE INDEX page_ledger_held ON page_ledger (job_id) WHERE state = 'reserved'",
    "CREATE INDEX extraction_batches_receiving ON extraction_batches (user_id) WHERE receiving_at IS NOT NULL",
)


def upgrade() -> None:
    op.execute("ALTER TABLE extraction_batches ADD COLUMN receiving_at timestamptz")
    # How far each walk has come, and when it last reached the end. No user's: service only.
    op.execute(
        """
        CREATE TABLE upkeep_walks (
            kind text PRIMARY KEY,
            after text,
            ended_at timestamptz
        )
        """
    )
    op.execute("ALTER TABLE upkeep_walks ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE upkeep_walks FORCE ROW LEVEL SECURITY")
    op.execute(
        'CREATE POLICY "Service role full access on upkeep_walks" ON upkeep_walks FOR ALL TO service_role USING (true) WITH CHECK (true)'
    )
    op.execute("REVOKE ALL ON upkeep_walks FROM PUBLIC, anon, authenticated, service_role")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON upkeep_walks TO service_role")
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    for statement in reversed(INDEXES):
        op.execute(f"DROP INDEX {statement.split()[2]}")
    op.execute("DROP TABLE upkeep_walks")
    op.execute("ALTER TABLE extraction_batches DROP COLUMN receiving_at")
