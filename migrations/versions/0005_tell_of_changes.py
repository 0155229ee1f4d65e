"""The database tells on the channel `ingestio` that rows of a batch or a user changed.

Ids only: `b <batch id> <user id>`, or `u <user id>` for usage and plan. Whoever listens reads the rows themselves, as the user they
belong to, so a notification shows nobody anything. PostgreSQL drops duplicates within a transaction, so a batch of a thousand documents
that is queued in one statement is told of once.

Triggers for each row, because the pipeline changes one row at a time and a transition table costs more than the whole notification;
and only where something changed that a page shows as it happens: a prompt that is saved in between travels with the next status.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# pg_catalog before everything: a function of the same name in another schema must not be what a trigger calls.
FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('ingestio', pg_catalog.concat({payload}));
    RETURN NULL;
END
$$
"""

# In a DELETE there is no NEW and in an INSERT no OLD: their columns are NULL.
FUNCTIONS = {
    "tell_of_batch": "'b ', coalesce(NEW.id, OLD.id), ' ', coalesce(NEW.user_id, OLD.user_id)",
    "tell_of_row_in_batch": "'b ', coalesce(NEW.batch_id, OLD.batch_id), ' ', coalesce(NEW.user_id, OLD.user_id)",
    "tell_of_user": "'u ', coalesce(NEW.user_id, OLD.user_id)",
}

IN_BATCH_UPDATE = (
    "NEW.batch_id IS NOT NULL AND (OLD.status IS DISTINCT FROM NEW.status OR OLD.attempt IS DISTINCT FROM NEW.attempt)"
)

# (table, trigger, events, condition, function)
TRIGGERS = (
    ("extraction_batches", "tell", "INSERT OR UPDATE OR DELETE", None, "tell_of_batch"),
    ("documents", "tell_of_insert", "INSERT", "NEW.batch_id IS NOT NULL", "tell_of_row_in_batch"),
    ("documents", "tell_of_update", "UPDATE", IN_BATCH_UPDATE, "tell_of_row_in_batch"),
    ("documents", "tell_of_delete", "DELETE", "OLD.batch_id IS NOT NULL", "tell_of_row_in_batch"),
    ("refused_files", "tell", "INSERT OR DELETE", None, "tell_of_row_in_batch"),
    ("user_usage", "tell", "INSERT OR UPDATE", None, "tell_of_user"),
    ("profiles", "tell", "UPDATE", None, "tell_of_user"),
)


def upgrade() -> None:
    for name, payload in FUNCTIONS.items():
        op.execute(FUNCTION.format(name=name, payload=payload))
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC, anon, authenticated, service_role")
    for table, trigger, events, condition, function in TRIGGERS:
        when = f"WHEN ({condition})" if condition else ""
        op.execute(
            f"CREATE TRIGGER {trigger} AFTER {events} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {function}()"
        )


def downgrade() -> None:
    for table, trigger, *_ in reversed(TRIGGERS):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
