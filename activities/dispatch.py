"""From committed events to runs: every worker looks for queued deliveries and starts them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio.client import Client

from ingestio.bootstrap import WorkerDeps
from ingestio.db import webhooks
from ingestio.db.session import service_session
from ingestio.domain.messages import DeliveryRef
from ingestio.errors import IngestioError, Unavailable
from workflows import client as workflows

logger = logging.getLogger(__name__)

# An event is on its way within about this long; a look at nothing costs one statement by a partial index.
LOOK_SECONDS = 1.0
AT_ONCE = 100


@asynccontextmanager
async def dispatching(deps: WorkerDeps, client: Client) -> AsyncIterator[None]:
    """While the block runs: start what is queued."""
    task = asyncio.create_task(_dispatch_on(deps, client))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def dispatch(deps: WorkerDeps, client: Client) -> int:
    """Take up queued deliveries and start the run of each; answers how many. Raises Unavailable, with the rest queued again.

    What was taken by a worker that died is found by upkeep.
    """
    async with service_session(deps.engine) as session:
        taken = await webhooks.take_queued(session, AT_ONCE)
    for index, (delivery_id, user_id) in enumerate(taken):
        try:
            await workflows.ensure_delivery(client, DeliveryRef(str(delivery_id), user_id))
        except Unavailable:
            async with service_session(deps.engine) as session:
                await webhooks.put_back(session, [each for each, _ in taken[index:]])
            raise
    return len(taken)


async def _dispatch_on(deps: WorkerDeps, client: Client) -> None:
    while True:
        started = 0
        try:
            started = await dispatch(deps, client)
        except Exception as error:  # noqa: BLE001 - an edge: the next look may do what this one could not
            detail = error.detail if isinstance(error, IngestioError) else type(error).__name__
            logger.warning("events start later: %s", detail)
        if started < AT_ONCE:
            await asyncio.sleep(LOOK_SECONDS)
