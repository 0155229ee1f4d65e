"""Settings: who one is to others here, keys for programs, and the way out with everything one has (R34, R86, R92)."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from api.deps import DoorDep
from api.errors import invalid_request
from api.leaving import close_account
from api.schemas.accounts import ProfileChange
from api.schemas.api_keys import NewApiKey
from api.web.lists import link_maker, page_request, search_text
from api.web.visitors import PostedForm, Visitor, VisitorDep, see_other, text_of
from ingestio.db import accounts, api_keys
from ingestio.domain.api_keys import USUAL_SCOPES, Scope
from ingestio.errors import FieldError, InvalidRequest, NotFound
from ingestio.services import privileged
from ingestio.services.api_keys import MadeKey

router = APIRouter(prefix="/dashboard/settings", include_in_schema=False)

PATH = "/dashboard/settings"
CONFIRMATION = "delete"
_KEYS_SHOWN = 50
_KEYS_AT_A_GLANCE = 8  # with more there is something to search
Model = TypeVar("Model", bound=BaseModel)


@router.get("")
async def read_settings(request: Request, visitor: VisitorDep) -> Response:
    """The whole page."""
    return await _show(request, visitor)


@router.post("/profile")
async def change_profile(request: Request, visitor: VisitorDep, form: PostedForm) -> Response:
    """Change the name and the picture's address, within what row-level security lets a user change."""
    typed = {"full_name": text_of(form, "full_name"), "avatar_url": text_of(form, "avatar_url")}
    try:
        change = _read(ProfileChange, typed)
    except InvalidRequest as problem:
        return await _show(request, visitor, problem=problem, profile=typed)
    async with visitor.caller.reading() as session:
        await accounts.change_user(session, visitor.caller.user_id, change.full_name, change.avatar_url)
    return see_other(PATH, said="profile")


@router.post("/api-keys")
async def create_api_key(request: Request, visitor: VisitorDep, form: PostedForm) -> Response:
    """Make a key and show it. No redirect: the key is nowhere kept, so this answer alone can hold it."""
    typed = {"name": text_of(form, "name"), "scopes": _scopes(form)}
    caller = visitor.caller
    try:
        wanted = _read(NewApiKey, typed)
        async with caller.acting() as session:
            made = await privileged.create_key(
                session, caller.user_id, name=wanted.name, scopes=tuple(wanted.scopes), now=caller.now()
            )
    except InvalidRequest as problem:
        return await _show(request, visitor, problem=problem, new_key=typed)
    return await _show(request, visitor, made=made)


@router.post("/api-keys/{key_id}/revoke")
async def revoke_api_key(key_id: UUID, visitor: VisitorDep, form: PostedForm) -> Response:  # noqa: ARG001  # asking for it checks it
    """End a key. One that ended already is what was wanted."""
    caller = visitor.caller
    async with caller.acting() as session:
        await privileged.revoke_key(session, caller.user_id, key_id, caller.now())
    return see_other(PATH, said="revoked")


@router.post("/delete")
async def delete_account(request: Request, visitor: VisitorDep, form: PostedForm, door: DoorDep) -> Response:
    """Delete the account, if the word was typed that says so."""
    if text_of(form, "confirmation").strip().lower() != CONFIRMATION:
        wrong = FieldError("confirmation", f"Type “{CONFIRMATION}” to delete your account.")
        return await _show(request, visitor, problem=InvalidRequest("Nothing was deleted.", [wrong]))
    await close_account(visitor.caller)
    response = see_other("/sign-in", said="deleted")
    await door.browser.end(response, visitor.browser)
    return response


@router.get("/{rest:path}")
async def read_nothing(rest: str) -> Response:  # noqa: ARG001  # any action's address
    """Where a form was posted to there is nothing to read: somebody reloads a page that said what was wrong."""
    return see_other(PATH)


async def _show(
    request: Request,
    visitor: Visitor,
    *,
    problem: InvalidRequest | None = None,
    profile: Mapping[str, str] | None = None,
    new_key: Mapping[str, Any] | None = None,
    made: MadeKey | None = None,
) -> Response:
    """The page; after a post with what was typed and what was wrong with it."""
    user_id = visitor.caller.user_id
    asked, search = page_request(request, sort="-created_at", limit=_KEYS_SHOWN), search_text(request)
    async with visitor.caller.reading() as session:
        user = await accounts.read_user(session, user_id)
        keys = await api_keys.page(session, user_id, asked, search=search)
    if user is None:
        raise NotFound("No such account.")
    wrong = _wrong(problem)
    link = link_maker(request)
    return await visitor.show(
        "settings/page.html",
        status_code=200 if problem is None else 422,
        user=user,
        profile=profile or {"full_name": user.full_name or "", "avatar_url": user.avatar_url or ""},
        new_key=new_key or {"name": "", "scopes": list(USUAL_SCOPES)},
        scopes=list(Scope),
        keys=keys.items,
        search=search,
        searchable=bool(search or asked.cursor) or len(keys.items) > _KEYS_AT_A_GLANCE,
        made=made,
        first=link(cursor=None) if asked.cursor else None,
        next=link(cursor=keys.next_cursor) if keys.next_cursor else None,
        problem=problem.detail if problem is not None and not wrong else None,
        wrong=wrong,
        errors={item.field: item.message for item in wrong},
    )


def _wrong(problem: InvalidRequest | None) -> list[FieldError]:
    """What is wrong with which field of the page; one of a list's items stands for the list."""
    found = problem.errors if problem is not None else ()
    return [FieldError(item.field.partition(".")[0], item.message) for item in found]


def _scopes(form: FormData) -> list[str]:
    return [value for value in form.getlist("scopes") if isinstance(value, str)]


def _read(model: type[Model], typed: Mapping[str, Any]) -> Model:
    """A form as the API's own model, so that page and API allow the same. Raises InvalidRequest."""
    try:
        return model.model_validate(typed)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False, include_context=False)) from None
