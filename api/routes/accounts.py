"""The caller's account, usage and plans; answered from our own rows, never by a call to somebody else (R54)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.deps import CallerDep, PersonDep
from api.downloads import as_attachment
from api.leaving import close_account
from api.schemas.problems import problems
from api.schemas.usage import Account, Plan, Plans, Usage
from api.takeout import take_out, take_out_with_files
from ingestio.db import accounts
from ingestio.errors import NotFound
from ingestio.services.usage import foresee_usage

router = APIRouter(tags=["account"])

_TAKEOUT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JSON object: `exported_at`, and an array for each kind of row that belongs to the caller; or a ZIP archive.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
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
async def export_account(
    caller: CallerDep,
    files: Annotated[bool, Query(description="As a ZIP archive with every original file beside it.")] = False,
) -> StreamingResponse:
    """Everything that is stored of the caller, as a download that is written while it is read."""
    content, media_type, name = (
        (take_out_with_files(caller), "application/zip", "ingestio-account.zip")
        if files
        else (take_out(caller), "application/json", "ingestio-account.json")
    )
    return StreamingResponse(content, media_type=media_type, headers={"Content-Disposition": as_attachment(name)})


@router.delete("/account", status_code=204)
async def delete_account(person: PersonDep) -> None:
    """Delete the account for good. Every credential ends now; what runs is cancelled, then all rows, files and results go."""
    await close_account(person)
