"""updated_at moves by itself.

A trigger and not the application, for two reasons: a user may update four columns and updated_at is none of them, so their statement
cannot set it; and the one-statement updates of the quota are written in SQL, where it would be forgotten sooner or later.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "users",
    "profiles",
    "user_usage",
    "page_ledger",
    "extraction_batches",
    "documents",
    "extraction_jobs",
    "extracted_data",
    "exports",
    "webhook_endpoints",
    "webhook_deliveries",
)

FUNCTION = """
CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := pg_catalog.now();
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION touch_updated_at() FROM PUBLIC, anon, authenticated, service_role")
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER touch_updated_at BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION touch_updated_at()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER touch_updated_at ON {table}")
    op.execute("DROP FUNCTION touch_updated_at()")
