"""Queries on what is left of deleted accounts: the hash of a user id, and the id itself while the erasure is under way."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import AccountTombstone
from ingestio.db.session import ServiceConnection, ServiceSession
from ingestio.domain.plans import Membership
from ingestio.domain.users import user_hash


@dataclass(frozen=True, slots=True)
class Tombstone:
    """When an account was deleted; `erased` once nothing of it is left, `returned_at` when its user began anew after that."""

    deleted_at: datetime
    erased: bool
    returned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a token's user is to us: on which plan, None without an account; `gone` with one that was deleted after the token was made."""

    membership: Membership | None
    gone: bool


async def standing(connection: ServiceConnection, user_id: str, issued_at: datetime) -> Standing:
    """Asked with every request that carries a token: a deleted account's tokens are worth nothing at once, in every process."""
    row = await connection.one(
        """
        SELECT (SELECT membership::text FROM profiles WHERE user_id = %(user_id)s) AS membership,
               EXISTS (
                   SELECT FROM account_tombstones
                   WHERE user_hash = %(user_hash)s AND (returned_at IS NULL OR returned_at > %(issued_at)s)
               ) AS gone
        """,
        user_id=user_id,
        user_hash=user_hash(user_id),
        issued_at=issued_at,
    )
    assert row is not None
    return Standing(None if row.membership is None else Membership(row.membership), row.gone)


async def serialize(session: ServiceSession, user_id: str) -> None:
    """Until the transaction ends, let nobody else make or delete this user's account: one waits and then sees what the other did."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"account {user_hash(user_id)}"}
    )


async def read(session: ServiceSession, user_id: str) -> Tombstone | None:
    """What is left of a deleted account, None for a user who never deleted one."""
    columns = (AccountTombstone.deleted_at, AccountTombstone.erased_at, AccountTombstone.returned_at)
    row = (
        await session.execute(select(*columns).where(AccountTombstone.user_hash == user_hash(user_id)))
    ).one_or_none()
    return None if row is None else Tombstone(row.deleted_at, row.erased_at is not None, row.returned_at)


async def create(session: ServiceSession, user_id: str, now: datetime) -> None:
    """Declare an account deleted, with its erasure still to do. One that came back meanwhile is deleted anew."""
    values = {"user_id": user_id, "deleted_at": now, "erased_at": None, "returned_at": None}
    await session.execute(
        upsert(AccountTombstone)
        .values(user_hash=user_hash(user_id), **values)
        .on_conflict_do_update(index_elements=["user_hash"], set_=values)
    )


async def welcome_back(session: ServiceSession, user_id: str, now: datetime) -> None:
    """Let tokens that are made from now on count again; they tell their time to the second."""
    returned_at = now.replace(microsecond=0)
    await session.execute(
        update(AccountTombstone).where(AccountTombstone.user_hash == user_hash(user_id)).values(returned_at=returned_at)
    )


async def is_being_erased(session: ServiceSession, user_id: str) -> bool:
    """Whether the account is deleted and something of it may be left."""
    found = await session.execute(select(AccountTombstone.user_hash).where(AccountTombstone.user_id == user_id))
    return found.one_or_none() is not None


async def under_way(session: ServiceSession, after: str, limit: int, before: datetime) -> list[str]:
    """User ids whose erasure was asked for before that moment and is not finished, behind `after`, in their order."""
    rows = await session.scalars(
        select(AccountTombstone.user_id)
        .where(AccountTombstone.user_id > after, AccountTombstone.deleted_at < before)
        .order_by(AccountTombstone.user_id)
        .limit(limit)
    )
    return [user_id for user_id in rows if user_id is not None]


async def finish(session: ServiceSession, user_id: str, now: datetime) -> None:
    """Forget the id: nothing is left to erase."""
    await session.execute(
        update(AccountTombstone).where(AccountTombstone.user_id == user_id).values(user_id=None, erased_at=now)
    )
