"""What all processes counted, added up: `GET /metrics` reads it.

No user's: labels are words of ours. A process adds to its rows a few times a minute, so none is hot.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE metric_sums (
            name text NOT NULL,
            labels text NOT NULL,
            sum double precision NOT NULL DEFAULT 0,
            PRIMARY KEY (name, labels)
        )
        """
    )
    op.execute("ALTER TABLE metric_sums ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE metric_sums FORCE ROW LEVEL SECURITY")
    op.execute(
        'CREATE POLICY "Service role full access on metric_sums" ON metric_sums FOR ALL TO service_role USING (true) WITH CHECK (true)'
    )
    op.execute("REVOKE ALL ON metric_sums FROM PUBLIC, anon, authenticated, service_role")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON metric_sums TO service_role")


def downgrade() -> None:
    op.execute("DROP TABLE metric_sums")
