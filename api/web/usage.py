"""Usage and billing: what the period holds, what each plan allows and costs to get, what happens next, and a receipt for every document."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.checkout import checkout_address, portal_address
from api.deps import DoorDep, FrontDoor
from api.web.lists import choice, link_maker, page_request, search_text
from api.web.outlook import outlook
from api.web.visitors import PostedForm, VisitorDep, text_of
from ingestio.db import usage
from ingestio.domain.batches import LedgerState
from ingestio.domain.plans import Membership
from ingestio.errors import FieldError, InvalidRequest
from ingestio.services.usage import foresee_usage

router = APIRouter(prefix="/dashboard/usage", include_in_schema=False)


@router.get("")
async def read_usage(request: Request, visitor: VisitorDep, door: DoorDep) -> Response:
    """The current period with its receipts, newest first unless sorted."""
    caller = visitor.caller
    asked = page_request(request, sort="-created_at", limit=25)
    state, search = choice(request, "state", LedgerState), search_text(request)
    account = await caller.account()
    async with caller.reading() as session:
        receipts = await usage.receipts(session, caller.user_id, asked, state=state, search=search)
        current = await foresee_usage(session, account.profile, account.plan, caller.now())
    link = link_maker(request)
    gateway = door.deps.billing
    has_subscription = account.profile.stripe_subscription_id is not None
    return await visitor.show(
        "usage/page.html",
        plans=caller.book.table,
        forgets=caller.book.forgets,
        membership=account.profile.membership,
        own=account.plan,
        outlook=outlook(account.profile, current, sells=gateway is not None),
        # Whoever has a subscription changes it where it is kept: a second one would be paid for beside it.
        for_sale=() if gateway is None or has_subscription else tuple(gateway.prices),
        can_manage=gateway is not None and account.profile.stripe_customer_id is not None,
        receipts=receipts.items,
        state=state,
        states=list(LedgerState),
        search=search,
        sort=asked.sort,
        link=link,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=receipts.next_cursor) if receipts.next_cursor else None,
    )


@router.post("/checkout")
async def choose_plan(request: Request, visitor: VisitorDep, form: PostedForm, door: DoorDep) -> Response:
    """On to where a plan is paid for."""
    plan = text_of(form, "plan")
    if plan not in Membership._value2member_map_:
        raise InvalidRequest("There is no such plan.", [FieldError("plan", f"one of {', '.join(Membership)}")])
    address = await checkout_address(visitor.caller, door, Membership(plan), str(request.base_url))
    return _leaving(request, door, address)


@router.post("/portal")
async def manage_subscription(request: Request, visitor: VisitorDep, form: PostedForm, door: DoorDep) -> Response:  # noqa: ARG001  # asking for it checks it
    """On to where plan, card and invoices are kept."""
    return _leaving(request, door, await portal_address(visitor.caller, door, str(request.base_url)))


def _leaving(request: Request, door: FrontDoor, address: str) -> Response:
    return door.renderer.page(request, "usage/leaving.html", address=address, host=urlsplit(address).netloc)
