"""Many documents at once against the last pages of a period, twice: once at the start, and again for what failures gave back."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.session import service_connection, service_session
from ingestio.domain.plans import BUILT_IN_PLANS, Membership, overridden
from ingestio.errors import FailureCode, QuotaExceeded
from ingestio.services import documents, jobs
from ingestio.services.accounts import PlanBook, provision
from ingestio.services.documents import QueuedJob

ANSWER = json.dumps(
    {"document_type": "invoice", "provider": "race", "model": "race-1", "schema_version": "1", "data": {}}
    | {"fields": [], "flags": [], "input_tokens": 1, "output_tokens": 1}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Pages that got through where there was room for so many, and what is reserved when nothing runs any more."""

    room: int
    taken: int
    taken_again: int
    room_again: int
    stuck: int

    @property
    def is_right(self) -> bool:
        return (self.taken, self.taken_again, self.stuck) == (self.room, self.room_again, 0)


async def race(
    engine: AsyncEngine, superuser: psycopg.Connection[Any], *, documents_at_once: int = 200, room: int = 10
) -> Outcome:
    """One round by one new user. Half of what got in fails and gives its pages back; the rest of the crowd tries again for those."""
    user_id = f"racer-{uuid4().hex[:12]}"
    book = PlanBook(overridden(BUILT_IN_PLANS, {"plus": {"pages": room}}), local=False)
    async with service_session(engine) as session:
        await provision(
            session, user_id, email=None, full_name=None, book=book, now=datetime.now(UTC), membership=Membership.PLUS
        )
    crowd = [uuid4() for _ in range(documents_at_once)]
    superuser.execute(
        "INSERT INTO documents (id, user_id, original_filename, storage_path, mime_type, file_size, sha256, page_count) "
        "SELECT id, %s, 'one.pdf', %s || id, 'application/pdf', 1, md5(id::text), 1 FROM unnest(%s::uuid[]) AS id",
        [user_id, f"{user_id}/documents/", crowd],
    )

    async def try_one(document_id: UUID) -> QueuedJob | None:
        try:
            async with service_session(engine) as session:
                return await documents.extract_lone(
                    session, user_id, document_id, prompt=None, options={}, book=book, now=datetime.now(UTC)
                )
        except QuotaExceeded:
            return None

    first = await asyncio.gather(*map(try_one, crowd))
    inside = [queued.job_id for queued in first if queued is not None]
    failing, finishing = inside[: len(inside) // 2], inside[len(inside) // 2 :]
    again = [document_id for document_id, queued in zip(crowd, first, strict=True) if queued is None]
    await asyncio.gather(
        *(_fail(engine, user_id, job_id) for job_id in failing),
        *(_finish(engine, user_id, book, job_id) for job_id in finishing),
    )
    second = [queued.job_id for queued in await asyncio.gather(*map(try_one, again)) if queued is not None]
    await asyncio.gather(*(_finish(engine, user_id, book, job_id) for job_id in second))
    (stuck,) = superuser.execute("SELECT pages_reserved FROM user_usage WHERE user_id = %s", [user_id]).fetchone() or (
        -1,
    )
    return Outcome(room, len(inside), len(second), len(failing), stuck)


async def _fail(engine: AsyncEngine, user_id: str, job_id: UUID) -> None:
    async with service_session(engine) as session:
        await jobs.end(session, user_id, job_id, FailureCode.NO_TEXT)


async def _finish(engine: AsyncEngine, user_id: str, book: PlanBook, job_id: UUID) -> None:
    async with service_connection(engine) as connection:
        confirmed = await jobs.confirm(
            connection, user_id, job_id, book=book, now=datetime.now(UTC), model_timeout_seconds=1
        )
        assert confirmed.may_run, confirmed
    async with service_connection(engine) as connection:
        await jobs.commit(connection, user_id, job_id, ANSWER)
