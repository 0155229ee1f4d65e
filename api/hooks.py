"""What people do with webhook endpoints, as routes and pages do it (R89)."""

from collections.abc import Sequence
from uuid import UUID

from api.deps import Caller
from ingestio.db import webhooks
from ingestio.db.webhooks import EndpointRow
from ingestio.domain.webhooks import WebhookEvent
from ingestio.errors import NotFound
from ingestio.services import privileged
from ingestio.services.webhooks import Made


async def create(caller: Caller, url: str, events: Sequence[WebhookEvent]) -> Made:
    """Make an endpoint. Raises InvalidRequest for an address to which nothing may be sent."""
    await caller.addresses.check_url(url)
    async with caller.acting() as session:
        return await privileged.create_endpoint(session, caller.user_id, url, events)


async def change(
    caller: Caller,
    endpoint_id: UUID,
    *,
    url: str | None = None,
    events: Sequence[WebhookEvent] | None = None,
    enabled: bool | None = None,
) -> None:
    """Change what is given. Raises NotFound, and InvalidRequest for an address to which nothing may be sent."""
    await find_endpoint(caller, endpoint_id)
    if url is not None:
        await caller.addresses.check_url(url)
    async with caller.acting() as session:
        await privileged.change_endpoint(
            session, caller.user_id, endpoint_id, url=url, events=events, enabled=enabled, now=caller.now()
        )


async def rotate(caller: Caller, endpoint_id: UUID) -> Made:
    """Give an endpoint a new secret. Raises NotFound."""
    async with caller.acting() as session:
        return await privileged.rotate_secret(session, caller.user_id, endpoint_id, caller.now())


async def delete(caller: Caller, endpoint_id: UUID) -> None:
    """Delete an endpoint with its deliveries. Raises NotFound."""
    async with caller.acting() as session:
        await privileged.delete_endpoint(session, caller.user_id, endpoint_id)


async def replay(caller: Caller, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Send an event once more. Raises NotFound, InvalidTransition."""
    async with caller.acting() as session:
        await privileged.replay_delivery(session, caller.user_id, endpoint_id, delivery_id)


async def find_endpoint(caller: Caller, endpoint_id: UUID) -> EndpointRow:
    """The endpoint's row, without its secrets. Raises NotFound."""
    async with caller.reading() as session:
        row = await webhooks.read_endpoint(session, caller.user_id, endpoint_id)
    if row is None:
        raise NotFound("No such webhook endpoint.")
    return row
