"""The parts alone, for operators who run each in its own container: migrate, api, worker."""

import logging
import os

import click

from ingestio.config import Settings, unread_variables
from ingestio.embedded.files import kept_secret
from ingestio.embedded.instance import Instance, running
from ingestio.embedded.locks import await_start
from ingestio.errors import ConfigurationError
from ingestio.loading import loading
from ingestio.observability import configure_logging

logger = logging.getLogger(__name__)


def run_migrations(settings: Settings) -> None:
    """Bring the database to this version's schema; the embedded one is started for it when it does not run."""
    from ingestio.db.migrate import head_revision, migrate

    configure_logging(settings.log_level)
    if not settings.embeds_postgres or settings.database_owner_url:
        if settings.database_owner_url is None:
            raise ConfigurationError("INGESTIO_DATABASE_OWNER_URL: not set; migrations run as the schema's owner")
        migrate(settings.database_owner_url, settings.database_url)
    elif (found := running(settings.data_dir)) is not None:
        migrate(found.endpoints.database_owner_url, found.endpoints.database_url)
    else:
        with Instance(settings.data_dir, temporal=False) as instance:
            endpoints = instance.start()
            migrate(endpoints.database_owner_url, endpoints.database_url)
    click.echo(f"the schema is at {head_revision()}")


def run_api(port: int | None) -> None:
    """Serve the front door until SIGTERM."""
    with loading():
        from api.server import serve

    settings = _of_a_part() if port is None else _of_a_part(INGESTIO_PORT=port)
    serve(settings, await_start)


def run_worker() -> None:
    """Work until SIGTERM, then drain."""
    with loading():
        import worker

    settings = _of_a_part()
    await_start()
    worker.main(settings)


def _of_a_part(**overrides: int) -> Settings:
    """The settings of a process that serves. Begins the log, with what was set in vain."""
    settings = with_secret(Settings.load(**overrides))
    configure_logging(settings.log_level)
    for name in unread_variables(os.environ):
        logger.warning("nothing reads the variable %s", name)
    return settings


def with_secret(settings: Settings) -> Settings:
    """The settings with the data dir's own secret key where the environment names none and everything else is embedded too."""
    if settings.secret_key is not None or not (settings.embeds_postgres and settings.embeds_temporal):
        return settings
    key = kept_secret(settings.data_dir.resolve() / "secrets" / "secret_key")
    return settings.model_copy(update={"secret_key": key})
