"""Tokens of local mode, made where the secret key is: the operator's way in, no request involved."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from ingestio.auth.local_issuer import LocalIssuer
from ingestio.bootstrap import plan_book
from ingestio.config import Settings
from ingestio.db.engine import create_engine
from ingestio.db.session import service_session
from ingestio.domain.plans import Membership
from ingestio.domain.users import is_user_id
from ingestio.embedded.files import kept_secret
from ingestio.embedded.instance import Instance, RunningInfo, running
from ingestio.errors import ConfigurationError, Unavailable
from ingestio.services.accounts import change_plan, provision, read_profile


def issue(settings: Settings, user_id: str, plan: str | None, ttl_seconds: int) -> str:
    """A token for `user_id`, who is made when new (on growth unless `plan` says otherwise) and put on `plan` when it is given.

    A plan's limits are those that the service on this data dir holds to, and only where none runs those of our own environment.
    """
    if settings.auth != "local":
        raise ConfigurationError(
            "INGESTIO_AUTH: tokens are issued here in local mode only; with oidc the identity provider does"
        )
    if not is_user_id(user_id):
        raise ConfigurationError("--user: 1 to 128 letters, digits or _ | : . @ -, and neither . nor ..")
    service = running(settings.data_dir)
    if service is not None and service.api_url is not None:
        settings = settings.model_copy(update={"plans_json": service.plans_json})
    try:
        with _database(settings, service) as url:
            asyncio.run(_ensure_user(settings, url, user_id, None if plan is None else Membership(plan)))
    except Unavailable as error:
        if settings.database_url is None:
            raise
        raise ConfigurationError(f"INGESTIO_DATABASE_URL: {error.detail}") from error
    key = settings.secret_key or kept_secret(settings.data_dir.resolve() / "secrets" / "secret_key")
    return LocalIssuer(key).issue(user_id, ttl_seconds=ttl_seconds)


async def _ensure_user(settings: Settings, url: str, user_id: str, plan: Membership | None) -> None:
    book, now = plan_book(settings), datetime.now(UTC)
    engine = create_engine(url, pool_size=1)
    try:
        async with service_session(engine) as session:
            known = await read_profile(session, user_id) is not None
            await provision(
                session,
                user_id,
                email=None,
                full_name=None,
                book=book,
                now=now,
                membership=plan or Membership.GROWTH,
                returns=True,
            )
            if known and plan is not None:
                await change_plan(session, user_id, plan, book, now)
    finally:
        await engine.dispose()


@contextlib.contextmanager
def _database(settings: Settings, service: RunningInfo | None) -> Iterator[str]:
    """The application's login, of the running service or of a database that is started for this moment."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    if service is not None:
        yield service.endpoints.database_url
        return
    from ingestio.db.migrate import migrate

    with Instance(settings.data_dir, temporal=False) as instance:
        endpoints = instance.start()
        migrate(endpoints.database_owner_url, endpoints.database_url)
        yield endpoints.database_url
