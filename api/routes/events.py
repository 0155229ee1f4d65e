"""Live events: what happens to a batch or to everything of a user, as server-sent events."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from api.answers import find_batch
from api.deps import Caller, CallerDep, DoorDep
from api.events.cursors import Cursor, end_of
from api.events.feeds import BatchFeed, UserFeed
from api.events.stream import DESCRIPTION, EventStream
from api.schemas.problems import problems

router = APIRouter(tags=["events"])

_LONGEST_ID = 64
# Then the client comes again and is asked anew who it is: a session that was ended elsewhere, an account that is gone.
_LONGEST_STREAM_SECONDS = 900.0
_ENDED: dict[int | str, dict[str, Any]] = {
    204: {"description": "The batch has ended and the client has seen its last event: do not come again."}
}


def _resumed(
    last_event_id: Annotated[
        str | None,
        Header(max_length=_LONGEST_ID, description="The id of the last event that was seen; browsers send it."),
    ] = None,
    after: Annotated[
        str | None, Query(max_length=_LONGEST_ID, description="The same, for a client that cannot set the header.")
    ] = None,
) -> Cursor | None:
    given = last_event_id or after
    return Cursor.read(given) if given else None


Resumed = Annotated[Cursor | None, Depends(_resumed)]


@router.get("/batches/{batch_id}/events", response_class=Response, responses=DESCRIPTION | _ENDED | problems(404))
async def stream_batch(batch_id: UUID, caller: CallerDep, door: DoorDep, resumed: Resumed) -> Response:
    """Events `document` and `batch` of one batch, each with the whole object as its data, until the batch has ended.

    Several changes of a document within a moment are one event. Without Last-Event-ID the stream begins with the batch as it is; with it,
    it begins with everything that changed since. It ends with the terminal `batch` event, after which a reconnect is answered 204, and
    when the token expires.
    """
    batch = await find_batch(caller, batch_id)
    ended = end_of(batch)
    if resumed is not None and ended is not None and resumed.end == ended:
        return Response(status_code=204)
    return EventStream(door.events, BatchFeed(caller.user_id, batch_id), resumed, _seconds_left(caller))


@router.get("/events", response_class=Response, responses=DESCRIPTION)
async def stream_user(caller: CallerDep, door: DoorDep, resumed: Resumed) -> Response:
    """Events `usage` and `batch` of everything that is the caller's, each with the whole object as its data, until the token expires."""
    return EventStream(door.events, UserFeed(caller.user_id), resumed, _seconds_left(caller))


def _seconds_left(caller: Caller) -> float:
    return min(max(0.0, (caller.expires_at - caller.now()).total_seconds()), _LONGEST_STREAM_SECONDS)
