"""The two ways in which a workflow has something done: a short database step inside the worker, and a long one on its reader's queue."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from workflows import options

Request = TypeVar("Request")
Answer = TypeVar("Answer")


async def database_step(port: Callable[[Request], Awaitable[Answer]], request: Request, summary: str) -> Answer:
    """A local activity: no round trip through the server, and repeated until the database is there."""
    return await workflow.execute_local_activity(
        port,
        request,
        start_to_close_timeout=options.DATABASE_STEP_TIMEOUT,
        retry_policy=options.DATABASE_STEP_RETRY,
        local_retry_threshold=options.DATABASE_STEP_WAITS_INSIDE,
        summary=summary,
    )


async def long_step(
    port: Callable[[Request], Awaitable[Answer]],
    request: Request,
    *,
    queue: str,
    timeout: timedelta,
    priority: Priority,
    summary: str,
) -> Answer:
    """A normal activity with heartbeats; a cancel is passed on and not waited for."""
    return await workflow.execute_activity(
        port,
        request,
        task_queue=queue,
        start_to_close_timeout=timeout,
        heartbeat_timeout=options.HEARTBEAT_TIMEOUT,
        retry_policy=options.EXTRACTION_RETRY,
        cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
        priority=priority,
        summary=summary,
    )
