"""The caller's account, usage and plans; answered from our own rows, never by a call to somebody else (R54)."""

from fastapi import APIRouter

from api.deps import CallerDep
from api.schemas.problems import problems
from api.schemas.usage import Account, Plan, Plans, Usage
from ingestio.db import accounts
from ingestio.errors import NotFound
from ingestio.services.usage import foresee_usage

router = APIRouter(tags=["account"])


@router.get("/usage", responses=problems(404))
async def read_usage(caller: CallerDep) -> Usage:
    """Pages of the current billing period."""
    account = await caller.account()
    async with caller.reading() as session:
        current = await foresee_usage(session, account.profile, account.plan, caller.now())
    return Usage.of(account.profile, current)


@router.get("/plans", responses=problems(404))
async def read_plans(caller: CallerDep) -> Plans:
    """What each plan allows, and what holds for the caller."""
    account = await caller.account()
    return Plans(
        items=[Plan.of(name, plan) for name, plan in caller.book.table.items()],
        current=Plan.of(account.profile.membership, account.plan),
    )


@router.get("/account", responses=problems(404))
async def read_account(caller: CallerDep) -> Account:
    """Who is signed in, and on which plan."""
    account = await caller.account()
    async with caller.reading() as session:
        user = await accounts.read_user(session, caller.user_id)
    if user is None:
        raise NotFound("No such account.")
    return Account.of(user, account.profile)
