"""How Alembic runs here: online, on a connection that `ingestio.db.migrate` opened, one transaction per revision.

A migration that waits for a lock makes everyone behind it wait, so it gives up soon and is tried again; a statement may take longer
than in the application, because building an index on a large table does.
"""

from alembic import context
from sqlalchemy import Connection, text

from ingestio.errors import ConfigurationError

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "15min"


def run(connection: Connection) -> None:
    """Bring the database to the revision that was asked for; each revision commits with its row in alembic_version."""
    connection.execute(
        text("SELECT set_config('lock_timeout', :lock, false), set_config('statement_timeout', :statement, false)"),
        {"lock": LOCK_TIMEOUT, "statement": STATEMENT_TIMEOUT},
    )
    connection.execute(text("SELECT set_config('search_path', 'public', false)"))
    # Ends the transaction that SQLAlchemy began: inside one, Alembic would commit nothing by itself.
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise ConfigurationError("Migrations need the database itself; use `ingestio migrate`")
opened = context.config.attributes.get("connection")
if opened is None:
    raise ConfigurationError("Migrations run through `ingestio migrate`, which holds the lock and checks the logins")
run(opened)
