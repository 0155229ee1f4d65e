"""The caller's account, usage and plans; answered from our own rows, never by a call to somebody else (R54)."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.deps import CallerDep, PersonDep
from api.downloads import as_attachment
from api.leaving import close_account
from api.schemas.problems import problems
from api.schemas.usage import Account, Plan, Plans, Usage
from api.takeout import take_out
from ingestio.db import accounts
from ingestio.errors import NotFound
from ingestio.services.usage import foresee_usage

router = APIRouter(tags=["account"])

_TAKEOUT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One JSON object: `exported_at`, and an array for each kind of row that belongs to the caller.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


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


@router.get("/account/export", response_class=StreamingResponse, responses=_TAKEOUT)
async def export_account(caller: CallerDep) -> StreamingResponse:
    """Everything that is stored of the caller, as a download that is written while it is read; originals by their links."""
    headers = {"Content-Disposition": as_attachment("ingestio-account.json")}
    return StreamingResponse(take_out(caller), media_type="application/json", headers=headers)


@router.delete("/account", status_code=204)
async def delete_account(person: PersonDep) -> None:
    """Delete the account for good. Every credential ends now; what runs is cancelled, then all rows, files and results go."""
    await close_account(person)
