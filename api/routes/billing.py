"""Ways to the payment service. Prices, cards and invoices are there; here is only what a plan allows."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from api.checkout import checkout_address, portal_address
from api.deps import CallerDep, DoorDep
from api.schemas.problems import problems
from ingestio.domain.plans import Membership

router = APIRouter(prefix="/billing", tags=["account"])


class Checkout(BaseModel):
    """The plan to subscribe to."""

    model_config = ConfigDict(extra="forbid")

    plan: Literal["plus", "growth"]


class Address(BaseModel):
    """A page of the payment service, for the caller alone."""

    url: str


@router.post("/checkout", responses=problems(404, 409))
async def start_checkout(asked: Checkout, caller: CallerDep, door: DoorDep, request: Request) -> Address:
    """Where to pay for a plan. The plan holds as soon as the payment service says that it is paid."""
    origin = str(request.base_url)
    return Address(url=await checkout_address(caller, door, Membership(asked.plan), origin))


@router.post("/portal", responses=problems(404))
async def open_portal(caller: CallerDep, door: DoorDep, request: Request) -> Address:
    """Where to change the plan or the card, to see invoices and to cancel."""
    return Address(url=await portal_address(caller, door, str(request.base_url)))
