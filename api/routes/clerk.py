"""Clerk's webhook. It exists only when its secret is set (R33)."""

from fastapi import APIRouter, Request

from api.deps import DoorDep
from api.schemas.problems import problems
from ingestio.auth.clerk import ClerkWebhook
from ingestio.db.session import service_session
from ingestio.services import clerk_events


def clerk_router(secret: str) -> APIRouter:
    """The route for messages that are signed with this secret. Raises ConfigurationError for what cannot be one."""
    webhook = ClerkWebhook(secret)
    router = APIRouter(tags=["webhooks"])

    @router.post("/webhooks/clerk", status_code=204, responses=problems(401, 408, 413, 422))
    async def receive_clerk_event(request: Request, door: DoorDep) -> None:
        """A message of Clerk, delivered by Svix: user.created, user.updated or user.deleted. Others are taken in and left alone."""
        event = webhook.read(request.headers, await request.body())
        async with service_session(door.deps.engine) as session:
            closed = await clerk_events.receive(session, event, door.deps.book, door.deps.clock())
        if closed and event.user is not None:
            await door.runs.erase_account(event.user.user_id)

    return router
