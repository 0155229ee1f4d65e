"""Queries on what profiles say of Stripe: who is which customer, and the local copy of the subscription."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from ingestio.db.models import Profile
from ingestio.db.session import ServiceSession
from ingestio.domain.billing import Standing


@dataclass(frozen=True, slots=True)
class Customer:
    """An account that has been to Stripe. `version`: how often something was taken over from there."""

    user_id: str
    customer_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What the local copy says; `standing` None: Stripe never drove this account."""

    version: int
    standing: Standing | None


async def customer_of(session: ServiceSession, user_id: str) -> Customer | None:
    """The customer that a user is, None when they never went to Stripe."""
    return await _customer(session, Profile.user_id == user_id)


async def user_of(session: ServiceSession, customer_id: str) -> Customer | None:
    """The user that a customer is, None when it is nobody here."""
    return await _customer(session, Profile.stripe_customer_id == customer_id)


async def keep(session: ServiceSession, customer_id: str) -> bool:
    """Whether a customer is somebody here; then their account cannot be erased before the transaction ends."""
    found = await session.execute(
        select(Profile.user_id)
        .where(Profile.stripe_customer_id == customer_id)
        .with_for_update(read=True, key_share=True)
    )
    return found.one_or_none() is not None


async def release(session: ServiceSession, user_id: str) -> str | None:
    """The customer of an account that is about to be deleted, None when there is none; whoever asks `keep` waits for that."""
    found = await session.execute(
        select(Profile.stripe_customer_id).where(Profile.user_id == user_id).with_for_update()
    )
    return found.scalar_one_or_none()


async def customers(session: ServiceSession, after: str, limit: int) -> list[str]:
    """The users behind `after` who have been to Stripe, in order."""
    rows = await session.execute(
        select(Profile.user_id)
        .where(Profile.stripe_customer_id.is_not(None), Profile.user_id > after)
        .order_by(Profile.user_id)
        .limit(limit)
    )
    return list(rows.scalars())


async def remember_customer(session: ServiceSession, user_id: str, customer_id: str) -> None:
    """Write down which customer a user is; the first one stays."""
    await session.execute(
        update(Profile)
        .where(Profile.user_id == user_id, Profile.stripe_customer_id.is_(None))
        .values(stripe_customer_id=customer_id)
    )


async def lock(session: ServiceSession, user_id: str) -> Taken | None:
    """The local copy, locked until the transaction ends. Rows that refer to the profile can be inserted meanwhile."""
    row = (
        await session.execute(
            select(
                Profile.billing_version,
                Profile.membership,
                Profile.subscription_status,
                Profile.stripe_subscription_id,
                Profile.subscription_period_end,
                Profile.subscription_cancel_at,
            )
            .where(Profile.user_id == user_id)
            .with_for_update(key_share=True)
        )
    ).one_or_none()
    if row is None:
        return None
    version, membership, status, subscription_id, period_end, cancel_at = row
    if status is None:
        return Taken(version, None)
    return Taken(version, Standing(membership, status, subscription_id, period_end, cancel_at))


async def take_over(session: ServiceSession, user_id: str, standing: Standing) -> None:
    """Write the local copy anew and count it; the caller holds the lock."""
    await session.execute(
        update(Profile)
        .where(Profile.user_id == user_id)
        .values(
            membership=standing.membership,
            subscription_status=standing.status,
            stripe_subscription_id=standing.subscription_id,
            subscription_period_end=standing.period_end,
            subscription_cancel_at=standing.cancel_at,
            billing_version=Profile.billing_version + 1,
        )
    )


async def hold(session: ServiceSession, user_id: str) -> None:
    """Keep plan and subscription as they are until the transaction ends: nobody changes them while a period is made for them."""
    await session.execute(select(Profile.user_id).where(Profile.user_id == user_id).with_for_update(read=True))


async def _customer(session: ServiceSession, condition: ColumnElement[bool]) -> Customer | None:
    row = (
        await session.execute(
            select(Profile.user_id, Profile.stripe_customer_id, Profile.billing_version).where(condition)
        )
    ).one_or_none()
    if row is None or row.stripe_customer_id is None:
        return None
    return Customer(row.user_id, row.stripe_customer_id, row.billing_version)
