"""Keys of programs: made and shown once, looked up with each request, ended at once (R34)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ingestio.auth.api_keys import hash_key, new_key
from ingestio.db import api_keys
from ingestio.db.api_keys import ApiKeyRow, KeyHolder
from ingestio.db.session import ServiceSession
from ingestio.domain.api_keys import Scope
from ingestio.errors import InvalidRequest, NotFound
from ingestio.services.accounts import require_open

MOST_KEYS = 100


class MadeKey(NamedTuple):
    """A key with what only its maker ever sees."""

    row: ApiKeyRow
    plaintext: str


async def create_key(
    session: ServiceSession, user_id: str, *, name: str, scopes: tuple[Scope, ...], now: datetime
) -> MadeKey:
    """Make a key. Raises InvalidRequest when the user has as many as anybody may have."""
    await require_open(session, user_id)
    if await api_keys.count_good(session, user_id) >= MOST_KEYS:
        raise InvalidRequest(f"An account has at most {MOST_KEYS} keys. Revoke one that is not used any more.")
    made = new_key()
    row = await api_keys.create(
        session, user_id, name=name, prefix=made.prefix, key_hash=made.key_hash, scopes=scopes, now=now
    )
    return MadeKey(row, made.plaintext)


async def revoke_key(session: ServiceSession, user_id: str, key_id: UUID, now: datetime) -> None:
    """End a key: the next request that carries it is refused. Raises NotFound, also for one that ended before."""
    if not await api_keys.revoke(session, user_id, key_id, now):
        raise NotFound("No such API key.")


async def use_key(session: ServiceSession, plaintext: str, now: datetime) -> KeyHolder | None:
    """Whom a key speaks for; None when it is unknown or revoked."""
    return await api_keys.use(session, hash_key(plaintext), now)
