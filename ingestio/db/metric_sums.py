"""Queries on what all processes counted, and on what is under way at this moment."""

from collections.abc import Mapping

from sqlalchemy import text

from ingestio.db.session import ServiceSession
from ingestio.metrics import Series, written


async def add_all(session: ServiceSession, counted: Mapping[Series, float]) -> None:
    """Add one process's counts to the sums. In one order, so that two processes wait for each other and never both."""
    statement = text(
        """
        INSERT INTO metric_sums (name, labels, sum) VALUES (:name, :labels, :amount)
        ON CONFLICT (name, labels) DO UPDATE SET sum = metric_sums.sum + excluded.sum
        """
    )
    rows = [{"name": name, "labels": labels, "amount": amount} for (name, labels), amount in sorted(counted.items())]
    if rows:
        await session.execute(statement, rows)


async def read_all(session: ServiceSession) -> dict[Series, float]:
    """Every sum."""
    rows = await session.execute(text("SELECT name, labels, sum FROM metric_sums"))
    return {(row.name, row.labels): row.sum for row in rows}


async def under_way(session: ServiceSession) -> dict[Series, float]:
    """What has not ended: by partial indexes, so it costs what is under way and not what there is. And pages, a row for each period."""
    found: dict[Series, float] = {}
    jobs = await session.execute(
        text(
            """
            SELECT status::text AS status, count(*) AS jobs, extract(epoch FROM now() - min(updated_at)) AS oldest
            FROM extraction_jobs WHERE status IN ('queued', 'processing') GROUP BY status
            """
        )
    )
    for row in jobs:
        found["ingestio_jobs", written({"status": row.status})] = float(row.jobs)
        found["ingestio_oldest_job_seconds", written({"status": row.status})] = max(0.0, float(row.oldest))
    batches = await session.execute(
        text(
            """
            SELECT CASE WHEN paused THEN 'paused' ELSE status::text END AS status, count(*) AS batches
            FROM extraction_batches WHERE status IN ('pending_upload', 'queued', 'processing') GROUP BY 1
            """
        )
    )
    for row in batches:
        found["ingestio_batches", written({"status": row.status})] = float(row.batches)
    pages = await session.execute(
        text(
            "SELECT coalesce(sum(pages_processed), 0) AS processed, coalesce(sum(pages_reserved), 0) AS reserved FROM user_usage"
        )
    )
    row = pages.one()
    found["ingestio_pages", written({"state": "processed"})] = float(row.processed)
    found["ingestio_pages", written({"state": "reserved"})] = float(row.reserved)
    return found
