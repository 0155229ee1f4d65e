"""What upkeep and `ingestio doctor` can find wrong: each kind of damage by name, and one case of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """Each kind of damage that is found and repaired (R23, R50, R63, R66, R67, R86)."""

    BATCH_WITHOUT_RUN = "batch_without_run"
    WISH_NOT_FOLLOWED = "wish_not_followed"
    LONE_DOCUMENT_WITHOUT_RUN = "lone_document_without_run"
    BATCH_DOCUMENT_WITHOUT_RUN = "batch_document_without_run"
    ERASURE_WITHOUT_RUN = "erasure_without_run"
    EXPORT_WITHOUT_RUN = "export_without_run"
    DELIVERY_WITHOUT_RUN = "delivery_without_run"
    DOCUMENT_WITHOUT_JOB = "document_without_job"
    PAGES_HELD_FOR_NOTHING = "pages_held_for_nothing"
    USAGE_DISAGREES = "usage_disagrees"
    BATCH_DISAGREES = "batch_disagrees"
    EXPIRED_DOCUMENT = "expired_document"
    EXPIRED_BATCH = "expired_batch"
    EXPIRED_DRAFT = "expired_draft"
    EXPIRED_EXPORT = "expired_export"
    EXPIRED_DELIVERIES = "expired_deliveries"
    EXPIRED_KEYS = "expired_keys"
    ORPHANED_OBJECT = "orphaned_object"
    STAGING_LEFTOVER = "staging_leftover"
    STRIPE_EVENT_WAITING = "stripe_event_waiting"
    SUBSCRIPTION_DISAGREES = "subscription_disagrees"
    PERIOD_ENDED = "period_ended"


@dataclass(frozen=True, slots=True)
class Finding:
    """One case: which row or object (`subject`), whose it is ("" for nobody's), and what is wrong, in ids and counts only."""

    kind: FindingKind
    subject: str
    user_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class FoundPage:
    """What one step of a walk found, and where the next step goes on; `next_after` None at the end of the walk."""

    findings: Sequence[Finding]
    next_after: str | None = None
