"""The roles that policies and grants speak of, and auth.jwt() (R25).

Only what is absent is made: beside Supabase its own roles and function are used as they are. Roles belong to the whole cluster, so
other databases may use them and the downgrade leaves them.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = ("anon", "authenticated", "service_role")

# Two databases of one cluster may be migrated at the same moment: whoever comes second finds the role made.
CREATE_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN NOINHERIT;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$
"""

# Found through the catalogue: to_regprocedure() raises where the schema may not be looked into. After the first transaction on a pooled
# connection the unset setting is '' and not NULL, which is no JSON; hence nullif.
CREATE_JWT = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'auth') THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS 'made by ingestio';
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname = 'auth' AND proname = 'jwt' AND pronargs = 0
    ) THEN
        CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS
            $sql$ SELECT nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb $sql$;
        COMMENT ON FUNCTION auth.jwt() IS 'made by ingestio';
    END IF;
END
$$
"""

DROP_JWT = """
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname = 'auth' AND proname = 'jwt' AND pronargs = 0 AND obj_description(pg_proc.oid, 'pg_proc') = 'made by ingestio'
    ) THEN
        DROP FUNCTION auth.jwt();
    END IF;
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'auth' AND obj_description(oid, 'pg_namespace') = 'made by ingestio') THEN
        DROP SCHEMA auth;
    END IF;
END
$$
"""


def upgrade() -> None:
    for role in ROLES:
        op.execute(CREATE_ROLE.format(role=role))
    op.execute(CREATE_JWT)
    # PostgreSQL 15 made this the default; a database that was upgraded from before may still let everyone create.
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role")


def downgrade() -> None:
    op.execute(DROP_JWT)
