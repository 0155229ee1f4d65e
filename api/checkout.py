"""The two ways to Stripe: to subscribe, and to look after a subscription. Both answer an address to go to."""

from api.deps import Caller, FrontDoor
from ingestio.billing.gateway import StripeGateway
from ingestio.db import accounts
from ingestio.domain.plans import Membership
from ingestio.errors import FieldError, InvalidRequest, InvalidTransition, NotFound
from ingestio.services import privileged

USAGE_PAGE = "/dashboard/usage"
NO_BILLING = "Nothing is sold here: the operator of this service sets plans."


async def checkout_address(caller: Caller, door: FrontDoor, plan: Membership, origin: str) -> str:
    """Where to pay for a plan. `origin`: how the caller reaches us, unless the settings say it.

    Raises NotFound without billing, InvalidRequest for a plan that is not sold, InvalidTransition when a subscription is there already:
    a second one would be paid for beside it. Asked is Stripe itself, because our copy may be a moment late.
    """
    gateway = _gateway(door)
    price = gateway.prices.get(plan)
    if price is None:
        sold = " or ".join(gateway.prices) or "none"
        raise InvalidRequest("This plan is not for sale here.", [FieldError("plan", f"plans for sale: {sold}")])
    customer_id = await _customer(caller, gateway)
    present = (await gateway.read(customer_id)).subscription
    if present is not None and not present.has_ended:
        raise InvalidTransition(
            "There is a subscription already; change its plan or payment under Manage subscription (POST /billing/portal).",
            current=present.status,
        )
    return await gateway.checkout(customer_id, caller.user_id, price, back_to=_back_to(door, origin))


async def portal_address(caller: Caller, door: FrontDoor, origin: str) -> str:
    """Where to change plan and card, see invoices and cancel. Raises NotFound without billing."""
    gateway = _gateway(door)
    return await gateway.portal(await _customer(caller, gateway), back_to=_back_to(door, origin))


def _gateway(door: FrontDoor) -> StripeGateway:
    if door.deps.billing is None:
        raise NotFound(NO_BILLING)
    return door.deps.billing


async def _customer(caller: Caller, gateway: StripeGateway) -> str:
    """The caller's customer, made with their first visit. Two first visits at once make one: the key of the call is the user's."""
    async with caller.reading() as session:
        profile = await accounts.read_profile(session, caller.user_id)
        user = await accounts.read_user(session, caller.user_id)
    if profile is None:
        raise NotFound("No such account.")
    if profile.stripe_customer_id is not None:
        return profile.stripe_customer_id
    made = await gateway.create_customer(caller.user_id, None if user is None else user.email)
    async with caller.acting() as session:
        kept = await privileged.remember_customer(session, caller.user_id, made)
    if kept is None:
        raise NotFound("No such account.")
    return kept


def _back_to(door: FrontDoor, origin: str) -> str:
    return (door.deps.settings.public_url or origin).rstrip("/") + USAGE_PAGE
