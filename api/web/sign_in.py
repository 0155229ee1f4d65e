"""Signing in and out. In local mode with one click; `oidc_sign_in` is the way by an identity provider."""

from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.deps import ONE_OF_THE_SIGN_INS, DoorDep, FrontDoor
from api.web.addresses import HOME, SIGNED_OUT, own_path
from api.web.rendering import THEMES
from api.web.visitors import PostedForm, VisitorDep, see_other, text_of
from ingestio.db.session import service_session
from ingestio.domain.plans import Membership
from ingestio.domain.users import LOCAL_OWNER
from ingestio.errors import NotFound
from ingestio.services import privileged

router = APIRouter(include_in_schema=False)

SAID = {
    "deleted": "Your account is deleted. What it held is being erased.",
}
_A_YEAR_SECONDS = 365 * 24 * 3600


class Person(NamedTuple):
    """Somebody whom local mode lets in with one click."""

    user_id: str
    name: str
    note: str
    membership: Membership


PEOPLE = (
    Person(LOCAL_OWNER, "the owner of this machine", "Every feature, no page limit.", Membership.GROWTH),
    Person("sample-starter", "Starter", "25 pages a month, single documents.", Membership.STARTER),
    Person("sample-plus", "Plus", "250 pages a month, batches of up to 25 documents.", Membership.PLUS),
    Person("sample-growth", "Growth", "5,000 pages a month, batches of up to 1,000 documents.", Membership.GROWTH),
)


@router.get("/")
async def read_root() -> Response:
    """There is no page in front of the product."""
    return RedirectResponse(HOME, status_code=303)


@router.get("/sign-in")
async def read_sign_in(request: Request, door: DoorDep, next: str = HOME) -> Response:  # noqa: A002  # the parameter's public name
    """The ways in."""
    said = SAID.get(request.query_params.get("said", ""))
    return door.renderer.page(
        request,
        "sign_in/page.html",
        people=_people(door),
        provider=door.deps.oidc.name if door.deps.oidc is not None else None,
        next=own_path(next),
        problem=None,
        said=said,
    )


@router.post("/sign-in", dependencies=[ONE_OF_THE_SIGN_INS])
async def sign_in(request: Request, door: DoorDep) -> Response:
    """Let a local person in. There is no session yet that could carry a form token: the browser's word on the origin must do."""
    door.browser.require_our_origin(request)
    form = await request.form(max_files=0)
    person = next((item for item in _people(door) if item.user_id == form.get("user")), None)
    if person is None:
        raise NotFound("There is nobody of that name to sign in as.")
    async with service_session(door.deps.engine) as session:
        await privileged.provision(
            session,
            person.user_id,
            email=None,
            full_name=None,
            book=door.deps.book,
            now=door.deps.clock(),
            membership=person.membership,
            returns=True,
        )
    response = see_other(own_path(text_of(form, "next")))
    await door.browser.open(response, person.user_id, email=None, full_name=None)
    return response


@router.post("/sign-out")
async def sign_out(visitor: VisitorDep, door: DoorDep, form: PostedForm) -> Response:  # noqa: ARG001  # asking for it checks it
    """End the session, not only its cookie."""
    response = see_other("/sign-in" if door.deps.oidc is None else SIGNED_OUT)
    await door.browser.end(response, visitor.browser)
    return response


@router.post("/theme")
async def choose_theme(form: PostedForm) -> Response:
    """Remember light or dark on this browser, whatever the system prefers."""
    response = see_other(own_path(text_of(form, "next")))
    theme = text_of(form, "theme")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=_A_YEAR_SECONDS, httponly=False, samesite="lax")
    return response


def _people(door: FrontDoor) -> tuple[Person, ...]:
    return PEOPLE if door.deps.issuer is not None else ()
