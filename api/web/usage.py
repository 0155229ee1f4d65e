"""Usage: what the period holds, what each plan allows, and a receipt for every document that was charged."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.web.lists import link_maker, page_request
from api.web.visitors import VisitorDep
from ingestio.db import usage

router = APIRouter(prefix="/dashboard/usage", include_in_schema=False)


@router.get("")
async def read_usage(request: Request, visitor: VisitorDep) -> Response:
    """The current period with its receipts, newest first."""
    caller = visitor.caller
    asked = page_request(request, sort="-created_at", limit=25)
    account = await caller.account()
    async with caller.reading() as session:
        receipts = await usage.receipts(session, caller.user_id, asked)
    link = link_maker(request)
    return await visitor.show(
        "usage/page.html",
        plans=caller.book.table,
        membership=account.profile.membership,
        subscription_status=account.profile.subscription_status,
        own=account.plan,
        receipts=receipts.items,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=receipts.next_cursor) if receipts.next_cursor else None,
    )
