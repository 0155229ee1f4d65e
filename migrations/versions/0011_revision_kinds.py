"""A revision says what it records: a correction, a decision, or what another extraction changed (R85).

Revisions go on counting from one extraction of a document to the next, so that a number names one state of it. Earlier results all had
the number 0.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

from migrations.row_security import without_force

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

RENUMBER = """
UPDATE extracted_data SET revision = numbered.place
FROM (
    SELECT id, row_number() OVER (PARTITION BY document_id ORDER BY created_at, id) - 1 AS place FROM extracted_data
) AS numbered
WHERE numbered.id = extracted_data.id AND numbered.place > 0
"""


def upgrade() -> None:
    op.execute("CREATE TYPE revision_kind AS ENUM ('correction', 'decision', 'kept', 'extraction')")
    op.execute("ALTER TABLE field_revisions ADD COLUMN kind revision_kind NOT NULL DEFAULT 'correction'")
    with without_force("extracted_data"):
        op.execute("ALTER TABLE extracted_data DISABLE TRIGGER touch_updated_at")
        op.execute(RENUMBER)
        op.execute("ALTER TABLE extracted_data ENABLE TRIGGER touch_updated_at")


def downgrade() -> None:
    op.execute("ALTER TABLE field_revisions DROP COLUMN kind")
    op.execute("DROP TYPE revision_kind")
