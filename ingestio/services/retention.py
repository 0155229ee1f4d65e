"""Retention: what nobody has touched for as long as its owner's plan keeps things is deleted, as its owner would delete it (R86).

A document's time begins anew with every change: an extraction, a correction, a decision. A batch goes once its time is over and it has
lost all of its documents; its prompt and the names of refused files go with it. The ledger keeps what was charged.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ingestio.db import accounts, batches, documents, retention
from ingestio.db.retention import Resting
from ingestio.db.session import ServiceSession
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.domain.plans import Membership
from ingestio.errors import InvalidTransition
from ingestio.services.accounts import PlanBook
from ingestio.services.controls import Removed, delete_batch
from ingestio.services.documents import delete_document
from ingestio.services.findings import start


async def expired_documents(
    session: ServiceSession, after: str | None, limit: int, book: PlanBook, now: datetime
) -> FoundPage:
    """Documents past their time among the next ones; what is under way is left."""
    looked_at = await retention.documents(session, start(after), limit)
    return _page(FindingKind.EXPIRED_DOCUMENT, looked_at, limit, book, now)


async def expired_batches(
    session: ServiceSession, after: str | None, limit: int, book: PlanBook, now: datetime
) -> FoundPage:
    """Batches past their time, without a document left, among the next ones."""
    looked_at = await retention.batches(session, start(after), limit)
    return _page(FindingKind.EXPIRED_BATCH, looked_at, limit, book, now)


async def expire_document(
    session: ServiceSession, user_id: str, document_id: UUID, book: PlanBook, now: datetime
) -> Removed | None:
    """Delete a document that is past its time; answers what objects go, None when it is not like that (any more)."""
    profile = await accounts.read_profile(session, user_id)
    document = await documents.lock(session, user_id, document_id)
    if profile is None or document is None:
        return None
    if not _is_over(user_id, profile.membership, document.updated_at, book, now):
        return None
    try:
        return await delete_document(session, user_id, document_id)
    except InvalidTransition:
        return None  # taken up again meanwhile, and its time begins anew with that


async def expire_batch(
    session: ServiceSession, user_id: str, batch_id: UUID, book: PlanBook, now: datetime
) -> Removed | None:
    """Delete a batch that is past its time and has no document left; answers what objects go, None when it is not like that."""
    await batches.lock(session, user_id, batch_id)
    batch = await retention.batch(session, user_id, batch_id)
    if batch is None or not _is_over(user_id, batch.membership, batch.since, book, now):
        return None
    return await delete_batch(session, user_id, batch_id)


def _page(kind: FindingKind, looked_at: Sequence[Resting], limit: int, book: PlanBook, now: datetime) -> FoundPage:
    return FoundPage(
        [
            Finding(kind, str(each.id), each.user_id, f"has not changed since {each.since:%Y-%m-%d}")
            for each in looked_at
            if _is_over(each.user_id, each.membership, each.since, book, now)
        ],
        str(looked_at[-1].id) if len(looked_at) == limit else None,
    )


def _is_over(user_id: str, membership: Membership, since: datetime | None, book: PlanBook, now: datetime) -> bool:
    kept = book.plan_of(user_id, membership).kept
    return kept is not None and since is not None and since <= now - kept
