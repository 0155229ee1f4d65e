"""Queries on API keys. A revoked one keeps its row, without being listed: it says who could get in until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import ApiKey, Profile
from ingestio.db.pages import Page, PageRequest, paginate
from ingestio.db.session import ServiceSession
from ingestio.domain.api_keys import Scope
from ingestio.domain.plans import Membership

# A key that is used a thousand times a minute writes its row once.
_LAST_USED_WITHIN = timedelta(minutes=1)
_SEEN = (ApiKey.id, ApiKey.name, ApiKey.prefix, ApiKey.scopes, ApiKey.last_used_at, ApiKey.created_at)


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key as its owner sees it; `last_used_at` is right to the minute, None before the first use."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whose key it is, on which plan they are, and what it may do."""

    user_id: str
    membership: Membership
    scopes: frozenset[Scope]


async def page(
    session: AsyncSession, user_id: str, request: PageRequest, *, search: str | None = None
) -> Page[ApiKeyRow]:
    """One page of a user's keys that are good; `search` looks into names and what is shown of keys, whatever the case."""
    statement = select(*_SEEN).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    if search:
        seen = (ApiKey.name, ApiKey.prefix)
        statement = statement.where(or_(*(column.icontains(search, autoescape=True) for column in seen)))
    return await paginate(
        session,
        statement,
        request,
        columns={"created_at": ApiKey.created_at, "name": ApiKey.name},
        identity=ApiKey.id,
        read=lambda row: ApiKeyRow(row.id, row.name, row.prefix, _scopes(row.scopes), row.last_used_at, row.created_at),
    )


async def count_good(session: ServiceSession, user_id: str) -> int:
    """How many keys of a user are good."""
    good = select(func.count()).select_from(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return (await session.execute(good)).scalar_one()


async def create(
    session: ServiceSession,
    user_id: str,
    *,
    name: str,
    prefix: str,
    key_hash: str,
    scopes: tuple[Scope, ...],
    now: datetime,
) -> ApiKeyRow:
    """Store a key as its hash."""
    made = await session.execute(
        insert(ApiKey)
        .values(user_id=user_id, name=name, prefix=prefix, key_hash=key_hash, scopes=list(scopes), created_at=now)
        .returning(ApiKey.id)
    )
    return ApiKeyRow(made.scalar_one(), name, prefix, scopes, None, now)


async def revoke(session: ServiceSession, user_id: str, key_id: UUID, now: datetime) -> bool:
    """End a key; False when this user has no such good key."""
    ended = await session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKey.id)
    )
    return ended.one_or_none() is not None


async def use(session: ServiceSession, key_hash: str, now: datetime) -> KeyHolder | None:
    """Whom a key speaks for, noting that it was used; None when it is unknown or revoked."""
    found = await session.execute(
        select(ApiKey.id, ApiKey.user_id, ApiKey.scopes, ApiKey.last_used_at, Profile.membership)
        .join(Profile, Profile.user_id == ApiKey.user_id)
        .where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
    )
    row = found.one_or_none()
    if row is None:
        return None
    before = now - _LAST_USED_WITHIN
    if row.last_used_at is None or row.last_used_at < before:
        await session.execute(
            update(ApiKey)
            .where(
                ApiKey.id == row.id,
                ApiKey.user_id == row.user_id,
                or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < before),
            )
            .values(last_used_at=now)
        )
    return KeyHolder(row.user_id, row.membership, frozenset(_scopes(row.scopes)))


async def remove_all(session: ServiceSession, user_id: str) -> None:
    """Delete a user's keys, revoked ones too."""
    await session.execute(delete(ApiKey).where(ApiKey.user_id == user_id))


def _scopes(stored: list[str]) -> tuple[Scope, ...]:
    return tuple(map(Scope, stored))
