"""A batch as a line of a list: its row with what a progress bar needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from api.deps import Caller
from ingestio.db import batches
from ingestio.db.batches import RUNNING, BatchRow, Refused
from ingestio.db.session import UserSession
from ingestio.domain.batches import BatchStatus
from ingestio.errors import NotFound


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One batch. Refused files count among the failed ones, so they belong to the whole as well."""

    row: BatchRow
    refused: Sequence[Refused]

    @property
    def total(self) -> int:
        return self.row.document_count + len(self.refused)

    @property
    def open(self) -> int:
        """Documents that have not ended."""
        ended = self.row.completed_count + self.row.failed_count + self.row.cancelled_count
        return max(0, self.total - ended)

    @property
    def is_draft(self) -> bool:
        return self.row.status is BatchStatus.PENDING_UPLOAD

    @property
    def is_running(self) -> bool:
        return self.row.status in RUNNING

    @property
    def path(self) -> str:
        """Where it is looked at; a draft, where it is completed."""
        return f"/dashboard/batch-upload/{self.row.id}" if self.is_draft else f"/dashboard/batches/{self.row.id}"


async def lines_of(session: UserSession, user_id: str, rows: Sequence[BatchRow]) -> list[BatchLine]:
    """Rows with their refused files."""
    refused = await batches.refused_of(session, user_id, [row.id for row in rows])
    return [BatchLine(row, refused.get(row.id, [])) for row in rows]


async def find_line(caller: Caller, batch_id: UUID) -> BatchLine:
    """The line of one batch. Raises NotFound."""
    async with caller.reading() as session:
        row = await batches.read(session, caller.user_id, batch_id)
        if row is None:
            raise NotFound("No such batch.")
        (line,) = await lines_of(session, caller.user_id, [row])
    return line
