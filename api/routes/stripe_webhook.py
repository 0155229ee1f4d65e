"""Stripe's webhook: the event is in the inbox before it is answered, and what follows from it happens elsewhere (R54)."""

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel

from api.deps import DoorDep
from api.schemas.problems import problems
from ingestio.billing import webhook
from ingestio.db.session import service_session
from ingestio.services import billing

router = APIRouter(tags=["webhooks"])


class Received(BaseModel):
    """The event is kept; it will not be needed again."""

    received: bool = True


@router.post("/webhooks/stripe", responses=problems(401, 408, 413, 422))
async def receive_stripe_event(
    request: Request, door: DoorDep, signature: str = Header("", alias="Stripe-Signature", max_length=4096)
) -> Received:
    """An event, signed by Stripe. Whatever is not 2xx, Stripe delivers again; a repeat of what is here changes nothing."""
    deps = door.deps
    payload = await request.body()
    webhook.verify(payload, signature, deps.settings.stripe_webhook_secret or "", deps.clock())
    event = webhook.parse_event(payload)
    async with service_session(deps.engine) as session:
        to_do = await billing.receive(session, event, deps.clock())
    if to_do:
        await door.runs.follow_stripe(event.id)
    return Received()
