"""The tables as SQLAlchemy sees them; the migrations are the truth, and a test compares the two.

Queries name their columns, so these classes serve as the typed vocabulary of `select`, `insert` and `update`; there are no
relationships and nothing is loaded lazily. Bulk data (a result, a prompt) is never part of a list query.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Enum, Integer, Text, func
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ingestio.domain.batches import (
    BatchStatus,
    DocumentStatus,
    ExtractionStatus,
    LedgerState,
    PromptSource,
    PromptStrategy,
)
from ingestio.domain.exports import ExportFormat
from ingestio.domain.plans import Membership
from ingestio.domain.reviews import ReviewDecision, RevisionKind


def _enum(kind: type[StrEnum], name: str) -> Enum:
    return Enum(
        kind, name=name, create_type=False, values_callable=lambda members: [member.value for member in members]
    )


class Base(DeclarativeBase):
    """Common column types: text, timestamptz, jsonb, uuid."""

    type_annotation_map = {
        str: Text(),
        float: postgresql.DOUBLE_PRECISION(),
        datetime: DateTime(timezone=True),
        UUID: postgresql.UUID(as_uuid=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: ARRAY(Text()),
        list[float]: ARRAY(REAL()),
        list[UUID]: ARRAY(postgresql.UUID(as_uuid=True)),
        PromptStrategy: _enum(PromptStrategy, "prompt_strategy_enum"),
        BatchStatus: _enum(BatchStatus, "batch_status_enum"),
        DocumentStatus: _enum(DocumentStatus, "document_status"),
        ExtractionStatus: _enum(ExtractionStatus, "extraction_status"),
        Membership: _enum(Membership, "membership"),
        ExportFormat: _enum(ExportFormat, "export_format"),
        LedgerState: _enum(LedgerState, "ledger_state"),
        PromptSource: _enum(PromptSource, "prompt_source"),
        ReviewDecision: _enum(ReviewDecision, "review_decision"),
        RevisionKind: _enum(RevisionKind, "revision_kind"),
    }


class _Created:
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)


class _Stamped(_Created):
    # Moved by a trigger; never part of an UPDATE, because a user's session has no right to the column.
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=91)


class _Owned:
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid(), sort_order=-2)
    user_id: Mapped[str] = mapped_column(sort_order=-1)


class User(_Stamped, Base):
    """A person as the identity provider knows them."""

    __tablename__ = "users"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str | None]
    full_name: Mapped[str | None]
    avatar_url: Mapped[str | None]
    # The attribute has another name because SQLAlchemy keeps `metadata` for itself.
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")


class Profile(_Stamped, Base):
    """What a user bought."""

    __tablename__ = "profiles"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    membership: Mapped[Membership] = mapped_column(server_default=Membership.STARTER)
    subscription_status: Mapped[str | None]
    stripe_customer_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_subscription_id: Mapped[str | None] = mapped_column(unique=True)
    subscription_period_end: Mapped[datetime | None]
    subscription_cancel_at: Mapped[datetime | None]
    billing_version: Mapped[int] = mapped_column(server_default="0")


class UserUsage(_Owned, _Stamped, Base):
    """One billing period's page counters; -1 as limit is unlimited."""

    __tablename__ = "user_usage"

    billing_period_start: Mapped[datetime]
    billing_period_end: Mapped[datetime]
    pages_processed: Mapped[int] = mapped_column(server_default="0")
    pages_reserved: Mapped[int] = mapped_column(server_default="0")
    pages_limit: Mapped[int]


class PageLedger(_Owned, _Stamped, Base):
    """One row per job that ever held pages; it outlives users, jobs and documents."""

    __tablename__ = "page_ledger"

    job_id: Mapped[UUID] = mapped_column(unique=True)
    document_id: Mapped[UUID]
    usage_id: Mapped[UUID]
    pages: Mapped[int]
    state: Mapped[LedgerState] = mapped_column(server_default=LedgerState.RESERVED)
    reused_from: Mapped[UUID | None]


class Batch(_Owned, _Stamped, Base):
    """Documents submitted together."""

    __tablename__ = "extraction_batches"

    name: Mapped[str | None]
    prompt_strategy: Mapped[PromptStrategy] = mapped_column(server_default=PromptStrategy.GLOBAL)
    extraction_prompt: Mapped[str | None]
    status: Mapped[BatchStatus] = mapped_column(server_default=BatchStatus.PENDING_UPLOAD)
    document_count: Mapped[int] = mapped_column(server_default="0")
    completed_count: Mapped[int] = mapped_column(server_default="0")
    failed_count: Mapped[int] = mapped_column(server_default="0")
    cancelled_count: Mapped[int] = mapped_column(server_default="0")
    total_pages: Mapped[int] = mapped_column(server_default="0")
    paused: Mapped[bool] = mapped_column(server_default="false")
    cancel_requested: Mapped[bool] = mapped_column(server_default="false")
    all_or_nothing: Mapped[bool] = mapped_column(server_default="false")
    completed_at: Mapped[datetime | None]
    receiving_at: Mapped[datetime | None]


class RefusedFile(_Owned, _Created, Base):
    """A file of a batch that was refused, with its typed reason."""

    __tablename__ = "refused_files"

    batch_id: Mapped[UUID]
    client_id: Mapped[str]
    position: Mapped[int]
    filename: Mapped[str]
    code: Mapped[str]
    message: Mapped[str]


class Document(_Owned, _Stamped, Base):
    """One uploaded file whose pages were counted."""

    __tablename__ = "documents"

    batch_id: Mapped[UUID | None]
    client_id: Mapped[str | None]
    position: Mapped[int] = mapped_column(server_default="0")
    original_filename: Mapped[str]
    storage_path: Mapped[str]
    mime_type: Mapped[str]
    file_size: Mapped[int] = mapped_column(BigInteger())
    sha256: Mapped[str]
    page_count: Mapped[int]
    status: Mapped[DocumentStatus] = mapped_column(server_default=DocumentStatus.UPLOADED)
    document_type: Mapped[str | None]
    extraction_prompt: Mapped[str | None]
    prompt_source: Mapped[PromptSource | None]
    error_code: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    pages_charged: Mapped[int] = mapped_column(server_default="0")
    concerns: Mapped[list[str]] = mapped_column(server_default="{}")
    review: Mapped[ReviewDecision | None]
    page_shapes: Mapped[list[float]] = mapped_column(server_default="{}")


class DocumentWord(Base):
    """A word of a document's result, by which it is found."""

    __tablename__ = "document_words"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)


class Job(_Owned, _Stamped, Base):
    """One attempt to extract one document."""

    __tablename__ = "extraction_jobs"

    document_id: Mapped[UUID]
    batch_id: Mapped[UUID | None]
    attempt: Mapped[int]
    position: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[ExtractionStatus] = mapped_column(server_default=ExtractionStatus.QUEUED)
    extraction_prompt: Mapped[str | None]
    extraction_options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    document_type: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    provider: Mapped[str | None]
    model: Mapped[str | None]
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ExtractedData(_Owned, _Stamped, Base):
    """A finished result: data, fields with evidence, flags."""

    __tablename__ = "extracted_data"

    document_id: Mapped[UUID]
    extraction_job_id: Mapped[UUID | None] = mapped_column(unique=True)
    data: Mapped[dict[str, Any]]
    document_type: Mapped[str]
    fields: Mapped[list[Any]] = mapped_column(server_default="[]")
    flags: Mapped[list[Any]] = mapped_column(server_default="[]")
    provider: Mapped[str]
    model: Mapped[str]
    schema_version: Mapped[str] = mapped_column(server_default="1")
    pages: Mapped[int]
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    cached_tokens: Mapped[int] = mapped_column(server_default="0")
    thinking_tokens: Mapped[int] = mapped_column(server_default="0")
    estimated_cost: Mapped[Decimal | None]
    reused_from: Mapped[UUID | None]
    """The document whose result was taken over."""
    reuse_key: Mapped[str | None]
    revision: Mapped[int] = mapped_column(server_default="0")
    review: Mapped[ReviewDecision | None]


class FieldRevision(_Owned, _Created, Base):
    """One value that changed, or one decision; append only."""

    __tablename__ = "field_revisions"

    document_id: Mapped[UUID]
    extracted_data_id: Mapped[UUID]
    revision: Mapped[int]
    kind: Mapped[RevisionKind] = mapped_column(server_default=RevisionKind.CORRECTION)
    path: Mapped[str]
    value_before: Mapped[Any] = mapped_column(JSONB(), nullable=True)
    value_after: Mapped[Any] = mapped_column(JSONB(), nullable=True)


class Export(_Owned, _Stamped, Base):
    """Results as a file."""

    __tablename__ = "exports"

    batch_id: Mapped[UUID | None]
    format: Mapped[ExportFormat]
    status: Mapped[ExtractionStatus] = mapped_column(server_default=ExtractionStatus.QUEUED)
    file_path: Mapped[str | None]
    document_ids: Mapped[list[UUID]] = mapped_column(server_default="{}")
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    documents_written: Mapped[int] = mapped_column(server_default="0")
    size_bytes: Mapped[int | None] = mapped_column(BigInteger())
    error_code: Mapped[str | None]
    completed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class IdempotencyKey(_Created, Base):
    """A client's promise that two requests are one, whatever they are for (R63)."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    resource_id: Mapped[UUID]


class UpkeepWalk(Base):
    """How far upkeep has come in one of its walks; `after` null before the first row and after the last."""

    __tablename__ = "upkeep_walks"

    kind: Mapped[str] = mapped_column(primary_key=True)
    after: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class MetricSum(Base):
    """What all processes counted of one series."""

    __tablename__ = "metric_sums"

    name: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(primary_key=True)
    sum: Mapped[float] = mapped_column(server_default="0")


class ApiKey(_Owned, _Created, Base):
    """A program's credential, stored as a hash."""

    __tablename__ = "api_keys"

    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(server_default="{read,write}")
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class BrowserSession(_Owned, _Created, Base):
    """A signed-in browser."""

    __tablename__ = "browser_sessions"

    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]


class WebhookEndpoint(_Owned, _Stamped, Base):
    """Where a user wants events sent."""

    __tablename__ = "webhook_endpoints"

    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(server_default="{}")
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]


class WebhookDelivery(_Owned, _Stamped, Base):
    """One event on its way to one endpoint."""

    __tablename__ = "webhook_deliveries"

    endpoint_id: Mapped[UUID]
    event_type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    status: Mapped[ExtractionStatus] = mapped_column(server_default=ExtractionStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(Integer(), server_default="0")
    response_status: Mapped[int | None]
    log: Mapped[list[Any]] = mapped_column(server_default="[]")
    next_attempt_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class StripeEvent(Base):
    """The inbox of Stripe's webhooks."""

    __tablename__ = "stripe_events"

    event_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    customer_id: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    processed_at: Mapped[datetime | None]
    error: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    try_after: Mapped[datetime | None]


class ClerkEvent(Base):
    """The inbox of Clerk's webhooks."""

    __tablename__ = "clerk_events"

    message_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    processed_at: Mapped[datetime | None]


class AccountTombstone(Base):
    """The hash of a deleted user's id; the id itself only until everything of the user is erased."""

    __tablename__ = "account_tombstones"

    user_hash: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    user_id: Mapped[str | None] = mapped_column(unique=True)
    erased_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
