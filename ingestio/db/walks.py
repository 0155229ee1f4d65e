"""Queries on upkeep's walks: how far each has come, so that a long one goes on after a restart, in whichever worker."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from ingestio.db.models import UpkeepWalk
from ingestio.db.session import ServiceSession


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: `after` None at its start, `ended_at` when the last one reached the end."""

    after: str | None = None
    ended_at: datetime | None = None


async def read_all(session: ServiceSession) -> dict[str, Walk]:
    """Every walk by its kind; a kind that never began is absent."""
    rows = await session.execute(select(UpkeepWalk.kind, UpkeepWalk.after, UpkeepWalk.ended_at))
    return {row.kind: Walk(row.after, row.ended_at) for row in rows}


async def save(session: ServiceSession, kind: str, walk: Walk) -> None:
    """Write where a walk is. Of two workers that walk at once the later one's place stays; the other's rows are looked at again."""
    insert = upsert(UpkeepWalk).values(kind=kind, after=walk.after, ended_at=walk.ended_at)
    await session.execute(
        insert.on_conflict_do_update(
            index_elements=["kind"], set_={"after": insert.excluded.after, "ended_at": insert.excluded.ended_at}
        )
    )
