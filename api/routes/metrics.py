"""The caller's last days in figures, for a dashboard."""

from datetime import UTC, datetime, time, timedelta

from fastapi import APIRouter

from api.deps import CallerDep
from api.schemas.metrics import Summary
from ingestio.db import metrics

router = APIRouter(prefix="/metrics", tags=["account"])

DAYS = 30


@router.get("/summary")
async def read_summary(caller: CallerDep) -> Summary:
    """Documents and pages of the last 30 days, how many succeeded, of which types they were, and why some failed."""
    today = caller.now().astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    async with caller.reading() as session:
        counts = await metrics.count_attempts(session, caller.user_id, datetime.combine(days[0], time(), UTC))
        running = await metrics.count_running_batches(session, caller.user_id)
    return Summary.of(days, counts, running)
