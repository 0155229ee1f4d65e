"""What streams are about: one batch with its documents, or one user with usage and batches. Read as that user, never as the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from api.events.cursors import end_of
from api.schemas.batches import Batch
from api.schemas.documents import Document
from api.schemas.usage import Usage
from ingestio.bootstrap import Deps
from ingestio.db import batches, changes, documents
from ingestio.db.session import UserSession
from ingestio.domain.batches import BatchStatus
from ingestio.services import accounts
from ingestio.services.usage import foresee_usage


@dataclass(frozen=True, slots=True)
class Summary:
    """The one object that stands above a feed's rows, as JSON; `end` names the terminal event, None while there is none."""

    event: str
    json: str
    end: int | None = None


class Feed(Protocol):
    """A summary and rows that change. Equal feeds are one feed, however many streams follow it."""

    @property
    def user_id(self) -> str:
        """Whose it is."""

    @property
    def event(self) -> str:
        """What the rows' events are called."""

    async def summary(self, session: UserSession, deps: Deps) -> Summary | None:
        """As it is now, None when it is gone."""

    async def changed(self, session: UserSession, since: int, horizon: int) -> dict[UUID, int]:
        """Rows written at or above `since`, each with its transaction."""

    async def rows(self, session: UserSession, deps: Deps, ids: Sequence[UUID]) -> list[str]:
        """Rows as JSON."""


@dataclass(frozen=True, slots=True)
class BatchFeed:
    """A batch and its documents."""

    user_id: str
    batch_id: UUID
    event: str = "document"

    async def summary(self, session: UserSession, _deps: Deps) -> Summary | None:
        row = await batches.read(session, self.user_id, self.batch_id)
        if row is None:
            return None
        # Refused files count as failed from the submission on.
        may_have_refused = row.failed_count or row.status is BatchStatus.PENDING_UPLOAD
        refused = await batches.refused_of(session, self.user_id, [row.id]) if may_have_refused else {}
        answer = Batch.of(row, refused.get(row.id, []))
        return Summary("batch", answer.model_dump_json(), end_of(row))

    async def changed(self, session: UserSession, since: int, horizon: int) -> dict[UUID, int]:
        return await changes.changed_documents(session, self.user_id, self.batch_id, since, horizon)

    async def rows(self, session: UserSession, deps: Deps, ids: Sequence[UUID]) -> list[str]:
        kept = await accounts.kept(session, self.user_id, deps.book)
        return [Document.of(row, kept).model_dump_json() for row in await documents.some(session, self.user_id, ids)]


@dataclass(frozen=True, slots=True)
class UserFeed:
    """A user's usage and batches."""

    user_id: str
    event: str = "batch"

    async def summary(self, session: UserSession, deps: Deps) -> Summary | None:
        profile = await accounts.read_profile(session, self.user_id)
        if profile is None:
            return None
        plan = deps.book.plan_of(self.user_id, profile.membership)
        current = await foresee_usage(session, profile, plan, deps.clock())
        return Summary("usage", Usage.of(profile, current).model_dump_json())

    async def changed(self, session: UserSession, since: int, horizon: int) -> dict[UUID, int]:
        return await changes.changed_batches(session, self.user_id, since, horizon)

    async def rows(self, session: UserSession, _deps: Deps, ids: Sequence[UUID]) -> list[str]:
        found = await batches.some(session, self.user_id, ids)
        refused = await batches.refused_of(session, self.user_id, ids)
        return [Batch.of(row, refused.get(row.id, [])).model_dump_json() for row in found]
