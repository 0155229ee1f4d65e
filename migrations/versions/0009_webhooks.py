"""Outgoing webhooks: an event is written in the transaction of its fact, once for each endpoint that wants it (R89).

Triggers and not the application, so that no code path can end a document or a batch without its event, and a crash between the two
loses none. What is written holds ids, counts and codes: neither a file's name nor anything that was read.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = {
    "webhook_endpoints": {
        # After a rotation the earlier secret signs too, until receivers have had time to change.
        "previous_secret": "text",
        "previous_secret_until": "timestamptz",
        "failing_since": "timestamptz",
        "disabled_reason": "text",
    },
    "webhook_deliveries": {
        "status": "extraction_status NOT NULL DEFAULT 'queued'",
        "next_attempt_at": "timestamptz",
        # The heads of each request and of its answer, oldest first.
        "log": "jsonb NOT NULL DEFAULT '[]'",
    },
}

INDEXES = (
    # What is to be started, and what is under way.
    "CREATE INDEX webhook_deliveries_queued ON webhook_deliveries (created_at) WHERE status = 'queued'",
    "CREATE INDEX webhook_deliveries_open ON webhook_deliveries (id) WHERE status = 'processing'",
    "CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at)",
)

# pg_catalog before everything: a function of the same name in another schema must not be what a trigger calls.
FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.webhook_deliveries (user_id, endpoint_id, event_type, payload)
    SELECT e.user_id, e.id, event.type, pg_catalog.jsonb_build_object(
        'type', event.type,
        'timestamp', pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'data', event.data
    )
    FROM public.webhook_endpoints e, (SELECT {type} AS type, {data} AS data) event
    WHERE e.user_id = NEW.user_id AND e.disabled_at IS NULL AND (e.events = '{{}}' OR event.type = ANY (e.events)){further};
    RETURN NULL;
END
$$
"""

# (name, type, data, further condition)
FUNCTIONS = (
    (
        "announce_batch",
        "'batch.completed'",
        """pg_catalog.jsonb_build_object(
            'batch_id', NEW.id, 'status', NEW.status, 'document_count', NEW.document_count, 'completed_count', NEW.completed_count,
            'failed_count', NEW.failed_count, 'cancelled_count', NEW.cancelled_count, 'total_pages', NEW.total_pages)""",
        "",
    ),
    (
        "announce_document",
        "'document.' || NEW.status::text",
        """pg_catalog.jsonb_build_object(
            'document_id', NEW.document_id, 'batch_id', NEW.batch_id, 'attempt', NEW.attempt, 'status', NEW.status,
            'document_type', NEW.document_type,
            'error', CASE WHEN NEW.error_code IS NULL THEN NULL ELSE
                pg_catalog.jsonb_build_object('code', NEW.error_code, 'message', NEW.error_message) END)""",
        "",
    ),
    (
        "announce_export",
        "'export.completed'",
        """pg_catalog.jsonb_build_object(
            'export_id', NEW.id, 'batch_id', NEW.batch_id, 'format', NEW.format, 'size_bytes', NEW.size_bytes,
            'expires_at', NEW.expires_at)""",
        "",
    ),
    (
        "announce_endpoint",
        "'webhook_endpoint.disabled'",
        "pg_catalog.jsonb_build_object('endpoint_id', NEW.id, 'reason', NEW.disabled_reason)",
        " AND e.id <> NEW.id",
    ),
)

_ENDED = "('completed', 'partially_completed', 'failed', 'cancelled')"

# (table, trigger, events, condition, function)
TRIGGERS = (
    (
        "extraction_batches",
        "announce",
        "UPDATE OF status",
        f"NEW.status IN {_ENDED} AND OLD.status NOT IN {_ENDED}",
        "announce_batch",
    ),
    # Of jobs and not of documents: a document that is read again stays `completed` all the while.
    (
        "extraction_jobs",
        "announce",
        "UPDATE OF status",
        "NEW.status IN ('completed', 'failed') AND OLD.status IS DISTINCT FROM NEW.status",
        "announce_document",
    ),
    # A document that a submission had no pages for is born failed.
    ("extraction_jobs", "announce_stillborn", "INSERT", "NEW.status = 'failed'", "announce_document"),
    (
        "exports",
        "announce",
        "UPDATE OF status",
        "NEW.status = 'completed' AND OLD.status IS DISTINCT FROM NEW.status",
        "announce_export",
    ),
    (
        "webhook_endpoints",
        "announce",
        "UPDATE OF disabled_at",
        "NEW.disabled_reason IS NOT NULL AND NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL",
        "announce_endpoint",
    ),
)


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    op.execute(
        "GRANT SELECT (failing_since, disabled_reason, previous_secret_until) ON webhook_endpoints TO authenticated"
    )
    for statement in INDEXES:
        op.execute(statement)
    for name, kind, data, further in FUNCTIONS:
        op.execute(FUNCTION.format(name=name, type=kind, data=data, further=further))
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC, anon, authenticated, service_role")
    for table, trigger, events, condition, function in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER {trigger} AFTER {events} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {function}()"
        )


def downgrade() -> None:
    for table, trigger, *_ in reversed(TRIGGERS):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for name, *_ in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    for statement in reversed(INDEXES):
        op.execute(f"DROP INDEX {statement.split()[2]}")
    for table, columns in COLUMNS.items():
        for name in reversed(columns):
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
