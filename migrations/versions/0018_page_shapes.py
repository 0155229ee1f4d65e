"""Documents know the shapes of their pages: a page's place on the screen has its size before its picture is there.

Counted along with the pages. Documents from before have none, and their pages the place of a sheet of A4, as until now.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE documents ADD COLUMN page_shapes real[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE documents DROP COLUMN page_shapes")
