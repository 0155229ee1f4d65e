"""Row-level security and grants (R26, R27).

Policies say which rows, grants say which operations and columns. The policies are those of the product notes, word for word, plus the
same pattern for the added tables; the grants close what they leave open: with the policies alone a user could raise their own plan, lower
a page count or point storage_path at someone else's file.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OWNER_POLICIES: dict[str, tuple[tuple[str, str], ...]] = {
    "users": (("SELECT", "Users can view their own user record"), ("UPDATE", "Users can update their own user record")),
    "profiles": (("SELECT", "Users can view their own profile"), ("UPDATE", "Users can update their own profile")),
    "user_usage": (("SELECT", "Users can only view their own usage"),),
    "page_ledger": (("SELECT", "Users can view their own page ledger"),),
    "extraction_batches": (
        ("SELECT", "Users can view their own batches"),
        ("INSERT", "Users can insert their own batches"),
        ("UPDATE", "Users can update their own batches"),
        ("DELETE", "Users can delete their own batches"),
    ),
    "refused_files": (("SELECT", "Users can view their own refused files"),),
    "documents": (
        ("SELECT", "Users can view their own documents"),
        ("INSERT", "Users can insert their own documents"),
        ("UPDATE", "Users can update their own documents"),
        ("DELETE", "Users can delete their own documents"),
    ),
    "extraction_jobs": (("SELECT", "Users can view their own jobs"), ("INSERT", "Users can insert their own jobs")),
    "extracted_data": (
        ("SELECT", "Users can view their own extracted data"),
        ("UPDATE", "Users can update their own extracted data"),
        ("DELETE", "Users can delete their own extracted data"),
    ),
    "field_revisions": (("SELECT", "Users can view their own field revisions"),),
    "exports": (
        ("SELECT", "Users can view their own exports"),
        ("INSERT", "Users can insert their own exports"),
        ("DELETE", "Users can delete their own exports"),
    ),
    "api_keys": (("SELECT", "Users can view their own api keys"),),
    "webhook_endpoints": (("SELECT", "Users can view their own webhook endpoints"),),
    "webhook_deliveries": (("SELECT", "Users can view their own webhook deliveries"),),
    # What no user reads: who is asking is settled before their rows are looked at.
    "idempotency_keys": (),
    "browser_sessions": (),
    "stripe_events": (),
    "clerk_events": (),
    "account_tombstones": (),
}

SERVICE_POLICY = "FOR ALL TO service_role USING (true) WITH CHECK (true)"

IS_OWNER = "((SELECT auth.jwt() ->> 'sub') = user_id)"

CLAUSES = {
    "SELECT": f"USING {IS_OWNER}",
    "INSERT": f"WITH CHECK {IS_OWNER}",
    "UPDATE": f"USING {IS_OWNER} WITH CHECK {IS_OWNER}",
    "DELETE": f"USING {IS_OWNER}",
}

# A column list where a row holds something that even its owner does not get back.
COLUMNS_TO_SEE = {
    "api_keys": "(id, user_id, name, prefix, scopes, last_used_at, revoked_at, created_at)",
    "webhook_endpoints": "(id, user_id, url, events, disabled_at, created_at, updated_at)",
}

COLUMNS_TO_CHANGE = {
    "users": "(full_name, avatar_url)",
    "extraction_batches": "(name)",
    "documents": "(extraction_prompt)",
}


def upgrade() -> None:
    for table, policies in OWNER_POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f'CREATE POLICY "Service role full access on {table}" ON {table} {SERVICE_POLICY}')
        for command, name in policies:
            op.execute(f'CREATE POLICY "{name}" ON {table} FOR {command} TO authenticated {CLAUSES[command]}')
        # Supabase's default privileges give everything to all three roles on each new table.
        op.execute(f"REVOKE ALL ON {table} FROM PUBLIC, anon, authenticated, service_role")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO service_role")
        if policies:
            op.execute(f"GRANT SELECT {COLUMNS_TO_SEE.get(table, '')} ON {table} TO authenticated")
        if table in COLUMNS_TO_CHANGE:
            op.execute(f"GRANT UPDATE {COLUMNS_TO_CHANGE[table]} ON {table} TO authenticated")

    # Alembic's own table as well: forced, so its owner needs a policy to move on. The service may look which revision is in place.
    op.execute("ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE alembic_version FORCE ROW LEVEL SECURITY")
    op.execute(
        'CREATE POLICY "Migrations keep their place" ON alembic_version FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true)'
    )
    op.execute(f'CREATE POLICY "Service role full access on alembic_version" ON alembic_version {SERVICE_POLICY}')
    op.execute("REVOKE ALL ON alembic_version FROM PUBLIC, anon, authenticated, service_role")
    op.execute("GRANT SELECT ON alembic_version TO service_role")


def downgrade() -> None:
    op.execute("REVOKE ALL ON alembic_version FROM service_role")
    op.execute('DROP POLICY "Service role full access on alembic_version" ON alembic_version')
    op.execute('DROP POLICY "Migrations keep their place" ON alembic_version')
    op.execute("ALTER TABLE alembic_version NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY")
    for table, policies in OWNER_POLICIES.items():
        op.execute(f"REVOKE ALL ON {table} FROM authenticated, service_role")
        for _, name in policies:
            op.execute(f'DROP POLICY "{name}" ON {table}')
        op.execute(f'DROP POLICY "Service role full access on {table}" ON {table}')
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
