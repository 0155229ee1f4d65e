"""Documents are found by the words of their values (R88).

A row for each word of a result, in the order of its characters ("C"), so that a beginning is a range of one index. Words are made by the
application; `migrations.words` has the rule as it was, for what was extracted before.

Revision ID: 0013
Revises: 0012
"""

from alembic import op
from sqlalchemy import text

from migrations.row_security import without_force
from migrations.words import words_in

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

AT_ONCE = 200

NEWEST = text(
    "SELECT DISTINCT ON (document_id) document_id, user_id, data FROM extracted_data ORDER BY document_id, created_at DESC, id DESC"
)
WRITE = text(
    "INSERT INTO document_words (user_id, word, document_id) SELECT :user_id, found.word, :document_id "
    "FROM unnest(CAST(:words AS text[])) AS found (word) ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE document_words (
            user_id text NOT NULL,
            word text COLLATE "C" NOT NULL,
            document_id uuid NOT NULL,
            PRIMARY KEY (user_id, word, document_id),
            FOREIGN KEY (document_id, user_id) REFERENCES documents (id, user_id) ON DELETE CASCADE
        )
        """
    )
    connection = op.get_bind()
    with without_force("documents", "extracted_data"):
        for rows in connection.execute(NEWEST.execution_options(yield_per=AT_ONCE)).partitions():
            for row in rows:
                values = {"user_id": row.user_id, "document_id": row.document_id, "words": words_in(row.data)}
                connection.execute(WRITE, values)
    op.execute("CREATE INDEX document_words_of_document ON document_words (document_id)")
    op.execute("CREATE INDEX documents_by_type ON documents (user_id, document_type, created_at DESC, id DESC)")
    op.execute("ALTER TABLE document_words ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE document_words FORCE ROW LEVEL SECURITY")
    op.execute(
        'CREATE POLICY "Service role full access on document_words" ON document_words '
        "FOR ALL TO service_role USING (true) WITH CHECK (true)"
    )
    op.execute(
        'CREATE POLICY "Users can view their own document words" ON document_words '
        "FOR SELECT TO authenticated USING ((SELECT auth.jwt() ->> 'sub') = user_id)"
    )
    op.execute("REVOKE ALL ON document_words FROM PUBLIC, anon, authenticated, service_role")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON document_words TO service_role")
    op.execute("GRANT SELECT ON document_words TO authenticated")


def downgrade() -> None:
    op.execute("DROP INDEX documents_by_type")
    op.execute("DROP TABLE document_words")
