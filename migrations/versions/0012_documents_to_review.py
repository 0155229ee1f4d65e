"""Documents know whether a person should look at their result, and what that person decided (R85).

Kept on the document, beside the result, because lists are read from documents: the queue is a walk along one small index, whatever
results hold. What was extracted before gets the concerns that its fields and flags show.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

from migrations.row_security import without_force

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BACKFILL = """
UPDATE documents AS document
SET review = result.review,
    concerns = array_remove(ARRAY[
        CASE WHEN result.fields @? '$[*] ? (@.state == "unsupported")' THEN 'unsupported_value' END,
        CASE WHEN document.prompt_source <> 'auto' AND result.fields @? '$[*] ? (@.state == "not_found" && !(@.path like_regex "\\\\["))'
             THEN 'missing_value' END,
        CASE WHEN result.fields @? '$[*] ? (@.state == "supported" && @.confidence < 0.5)' THEN 'low_confidence' END
    ], NULL) || ARRAY(
        SELECT DISTINCT flag ->> 'code' FROM jsonb_array_elements(result.flags) AS flag
        WHERE flag ->> 'code' <> 'instructions_not_applied'
    )
FROM (
    SELECT DISTINCT ON (document_id) document_id, user_id, review, fields, flags
    FROM extracted_data ORDER BY document_id, created_at DESC, id DESC
) AS result
WHERE result.document_id = document.id AND result.user_id = document.user_id
"""


def upgrade() -> None:
    op.execute(
        "ALTER TABLE documents ADD COLUMN concerns text[] NOT NULL DEFAULT '{}', ADD COLUMN review review_decision"
    )
    with without_force("documents", "extracted_data"):
        # The documents themselves did not change just now.
        op.execute("ALTER TABLE documents DISABLE TRIGGER touch_updated_at")
        op.execute(BACKFILL)
        op.execute("ALTER TABLE documents ENABLE TRIGGER touch_updated_at")
    op.execute(
        "CREATE INDEX documents_to_review ON documents (user_id, created_at DESC, id DESC) WHERE concerns <> '{}' AND review IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX documents_to_review")
    op.execute("ALTER TABLE documents DROP COLUMN concerns, DROP COLUMN review")
