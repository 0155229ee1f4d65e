"""Queries on users and profiles."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from ingestio.db.models import Profile, User
from ingestio.db.session import ServiceSession
from ingestio.domain.plans import Membership


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """What a user bought, and since when the account exists (the anchor of monthly periods)."""

    user_id: str
    membership: Membership
    subscription_status: str | None
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    created_at: datetime
    subscription_period_end: datetime | None = None
    subscription_cancel_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person as the identity provider knows them."""

    user_id: str
    email: str | None
    full_name: str | None
    avatar_url: str | None
    created_at: datetime


async def read_user(session: AsyncSession, user_id: str) -> UserRow | None:
    """The user's own record, None before provisioning."""
    columns = (User.user_id, User.email, User.full_name, User.avatar_url, User.created_at)
    row = (await session.execute(select(*columns).where(User.user_id == user_id))).one_or_none()
    return None if row is None else UserRow(**row._mapping)


async def read_profile(session: AsyncSession, user_id: str) -> ProfileRow | None:
    """The user's profile, None before provisioning."""
    row = (
        await session.execute(
            select(
                Profile.user_id,
                Profile.membership,
                Profile.subscription_status,
                Profile.stripe_customer_id,
                Profile.stripe_subscription_id,
                Profile.created_at,
                Profile.subscription_period_end,
                Profile.subscription_cancel_at,
            ).where(Profile.user_id == user_id)
        )
    ).one_or_none()
    return None if row is None else ProfileRow(**row._mapping)


async def change_user(session: AsyncSession, user_id: str, full_name: str | None, avatar_url: str | None) -> None:
    """Set what users may change themselves."""
    await session.execute(
        update(User).where(User.user_id == user_id).values(full_name=full_name, avatar_url=avatar_url)
    )


async def follow_provider(
    session: ServiceSession,
    user_id: str,
    *,
    email: str | None,
    full_name: str | None,
    avatar_url: str | None,
    version: int,
) -> None:
    """Write down what the identity provider says of a user, unless we know something newer from it: messages overtake each other."""
    known = func.coalesce(User.user_metadata["provider_version"].astext.cast(BigInteger), -1)
    seen = func.jsonb_build_object("provider_version", literal(version, BigInteger))
    await session.execute(
        update(User)
        .where(User.user_id == user_id, known < version)
        .values(
            email=email,
            full_name=full_name,
            avatar_url=avatar_url,
            user_metadata=User.user_metadata.op("||")(seen),
        )
    )


async def create(
    session: ServiceSession,
    user_id: str,
    *,
    email: str | None,
    full_name: str | None,
    membership: Membership,
    now: datetime,
) -> None:
    """Make user and profile; existing ones stay as they are. Safe to repeat and to race."""
    await session.execute(
        upsert(User)
        .values(user_id=user_id, email=email, full_name=full_name)
        .on_conflict_do_nothing(index_elements=["user_id"])
    )
    await session.execute(
        upsert(Profile)
        .values(user_id=user_id, membership=membership, created_at=now)
        .on_conflict_do_nothing(index_elements=["user_id"])
    )


async def change_profile(session: ServiceSession, user_id: str, **values: Any) -> None:
    """Set columns of a profile."""
    await session.execute(update(Profile).where(Profile.user_id == user_id).values(**values))


async def remove(session: ServiceSession, user_id: str) -> None:
    """Delete a user; profile and everything else of theirs go with the row."""
    await session.execute(delete(User).where(User.user_id == user_id))
