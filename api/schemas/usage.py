"""Usage, plans and the account on the wire. Null among limits is unlimited."""

from datetime import datetime

from pydantic import BaseModel, Field

from ingestio.db.accounts import ProfileRow, UserRow
from ingestio.domain import plans, usage
from ingestio.domain.plans import Membership


class Usage(BaseModel):
    """The current billing period."""

    plan: Membership
    subscription_status: str | None
    period_start: datetime
    period_end: datetime
    pages_limit: int | None
    pages_processed: int
    pages_reserved: int
    pages_remaining: int | None

    @classmethod
    def of(cls, profile: ProfileRow, current: usage.Usage) -> "Usage":
        return cls(
            plan=profile.membership,
            subscription_status=profile.subscription_status,
            period_start=current.period_start,
            period_end=current.period_end,
            pages_limit=current.limit,
            pages_processed=current.processed,
            pages_reserved=current.reserved,
            pages_remaining=current.remaining,
        )


class Plan(BaseModel):
    """What a plan allows. `batch_documents` 0 means single documents only."""

    name: Membership
    pages: int | None
    batch_documents: int | None
    file_mb: int | None
    uploads_per_hour: int | None
    extractions_per_hour: int | None
    requests_per_minute: int | None
    retention_days: int | None = Field(
        description="A document on which nothing changed for so many days is deleted with its results; null: never."
    )

    @classmethod
    def of(cls, name: Membership, plan: plans.Plan) -> "Plan":
        return cls(
            name=name,
            pages=plan.pages,
            batch_documents=plan.batch_documents,
            file_mb=plan.file_mb,
            uploads_per_hour=plan.uploads_per_hour,
            extractions_per_hour=plan.extractions_per_hour,
            requests_per_minute=plan.requests_per_minute,
            retention_days=plan.retention_days,
        )


class Plans(BaseModel):
    """Every plan, and the limits that hold for the caller."""

    items: list[Plan]
    current: Plan


class Account(BaseModel):
    """The caller's own account."""

    user_id: str
    email: str | None
    full_name: str | None
    avatar_url: str | None
    plan: Membership
    subscription_status: str | None
    created_at: datetime

    @classmethod
    def of(cls, user: UserRow, profile: ProfileRow) -> "Account":
        return cls(
            user_id=user.user_id,
            email=user.email,
            full_name=user.full_name,
            avatar_url=user.avatar_url,
            plan=profile.membership,
            subscription_status=profile.subscription_status,
            created_at=user.created_at,
        )
