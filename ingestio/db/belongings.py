"""Everything of one user, section by section and a page at a time, for the copy that they may take with them (R86).

Read as the user: row-level security and grants decide what is theirs to see. A table that users see has its section here; a test
compares.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from ingestio.db.models import (
    ApiKey,
    Base,
    Batch,
    Document,
    Export,
    ExtractedData,
    FieldRevision,
    Job,
    PageLedger,
    Profile,
    RefusedFile,
    User,
    UserUsage,
    WebhookDelivery,
    WebhookEndpoint,
)
from ingestio.db.session import UserSession

SECTIONS: dict[str, type[Base]] = {
    "account": User,
    "profile": Profile,
    "usage": UserUsage,
    "page_ledger": PageLedger,
    "batches": Batch,
    "refused_files": RefusedFile,
    "documents": Document,
    "jobs": Job,
    "results": ExtractedData,
    "corrections": FieldRevision,
    "exports": Export,
    "api_keys": ApiKey,
    "webhook_endpoints": WebhookEndpoint,
    "webhook_deliveries": WebhookDelivery,
}
# Secrets, which even their owner does not get back, and where a file lies, which is our affair.
KEPT_BACK = frozenset({"key_hash", "secret", "previous_secret", "storage_path", "file_path"})

Row = dict[str, Any]


async def page(session: UserSession, user_id: str, section: str, after: UUID | str | None, limit: int) -> Sequence[Row]:
    """At most `limit` rows of a section in the order of their keys, behind the row whose `key_of` is `after`."""
    model = SECTIONS[section]
    key = _key(model)
    owner: InstrumentedAttribute[str] = model.user_id  # type: ignore[attr-defined]  # every section's table has it
    statement = select(*_columns(model)).where(owner == user_id).order_by(key).limit(limit)
    if after is not None:
        statement = statement.where(key > after)
    return [dict(row._mapping) for row in await session.execute(statement)]


def key_of(section: str, row: Row) -> UUID | str:
    """What a row is found by in its section."""
    key: UUID | str = row[_key(SECTIONS[section]).key]
    return key


def _key(model: type[Base]) -> InstrumentedAttribute[Any]:
    key: InstrumentedAttribute[Any] = getattr(model, "id" if hasattr(model, "id") else "user_id")
    return key


def _columns(model: type[Base]) -> list[Any]:
    return [column for column in model.__table__.columns if column.name not in KEPT_BACK]
