"""Webhook endpoints: where a user's events are sent, and what became of each."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import hooks
from api.deps import Caller, CallerDep
from api.hooks import find_endpoint
from api.pagination import Listed, NewestFirst
from api.schemas.problems import problems
from api.schemas.webhooks import Delivery, Endpoint, EndpointPatch, EndpointWithSecret, NewEndpoint
from ingestio.db import webhooks
from ingestio.domain.batches import ExtractionStatus
from ingestio.errors import NotFound
from ingestio.services.webhooks import Made

router = APIRouter(prefix="/webhook-endpoints", tags=["webhooks"])


@router.post("", status_code=201, responses=problems(408, 413))
async def create_webhook_endpoint(body: NewEndpoint, caller: CallerDep) -> EndpointWithSecret:
    """Have events sent to an address. The answer holds the secret that signs them, which is not shown again."""
    return await _with_secret(caller, await hooks.create(caller, body.url, body.events))


@router.get("")
async def list_webhook_endpoints(caller: CallerDep, page: NewestFirst) -> Listed[Endpoint]:
    """The caller's endpoints, newest first unless sorted."""
    async with caller.reading() as session:
        found = await webhooks.page_of_endpoints(session, caller.user_id, page)
    return Listed(items=[Endpoint.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{endpoint_id}", responses=problems(404))
async def read_webhook_endpoint(endpoint_id: UUID, caller: CallerDep) -> Endpoint:
    """One endpoint."""
    return Endpoint.of(await find_endpoint(caller, endpoint_id))


@router.patch("/{endpoint_id}", responses=problems(404, 408, 413))
async def change_webhook_endpoint(endpoint_id: UUID, body: EndpointPatch, caller: CallerDep) -> Endpoint:
    """Change address or events, or switch it off and on."""
    await hooks.change(caller, endpoint_id, url=body.url, events=body.events, enabled=body.enabled)
    return Endpoint.of(await find_endpoint(caller, endpoint_id))


@router.delete("/{endpoint_id}", status_code=204, responses=problems(404))
async def delete_webhook_endpoint(endpoint_id: UUID, caller: CallerDep) -> None:
    """Delete an endpoint with its deliveries; what is on its way is not sent."""
    await hooks.delete(caller, endpoint_id)


@router.post("/{endpoint_id}/rotate", responses=problems(404))
async def rotate_webhook_secret(endpoint_id: UUID, caller: CallerDep) -> EndpointWithSecret:
    """Make a new secret. For 24 hours the earlier one signs too, so that receivers can change without a gap."""
    return await _with_secret(caller, await hooks.rotate(caller, endpoint_id))


@router.get("/{endpoint_id}/deliveries", responses=problems(404))
async def list_webhook_deliveries(
    endpoint_id: UUID,
    caller: CallerDep,
    page: NewestFirst,
    status: Annotated[ExtractionStatus | None, Query()] = None,
) -> Listed[Delivery]:
    """What was sent to an endpoint and what came back, newest first unless sorted; kept for 30 days."""
    await find_endpoint(caller, endpoint_id)
    async with caller.reading() as session:
        found = await webhooks.page_of_deliveries(session, caller.user_id, endpoint_id, page, status=status)
    return Listed(items=[Delivery.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post("/{endpoint_id}/deliveries/{delivery_id}/replay", status_code=202, responses=problems(404, 409))
async def replay_webhook_delivery(endpoint_id: UUID, delivery_id: UUID, caller: CallerDep) -> Delivery:
    """Send an event once more, under the same message id."""
    await hooks.replay(caller, endpoint_id, delivery_id)
    async with caller.reading() as session:
        row = await webhooks.read_delivery(session, caller.user_id, endpoint_id, delivery_id)
    if row is None:
        raise NotFound("No such delivery.")
    return Delivery.of(row)


async def _with_secret(caller: Caller, made: Made) -> EndpointWithSecret:
    return EndpointWithSecret.made(await find_endpoint(caller, made.endpoint_id), made.secret)
