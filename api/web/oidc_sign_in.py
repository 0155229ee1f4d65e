"""Signing in and out at an identity provider. A way in is a link and a way out leads over a page of ours: browsers that obey the content
security policy let no form's answer lead to another site (R31)."""

from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import ONE_OF_THE_SIGN_INS, DoorDep, FrontDoor
from api.web.addresses import HOME, SIGNED_OUT, own_path
from api.web.visitors import see_other
from ingestio.auth.attempts import Attempt
from ingestio.auth.sessions import ATTEMPT, LONGEST
from ingestio.db.session import service_session
from ingestio.errors import IngestioError, NotFound, Unauthenticated, Unavailable
from ingestio.services import privileged

if TYPE_CHECKING:
    # Only with an identity provider is its HTTP client worth the time that importing it takes.
    from ingestio.auth.oidc import OidcClient, SignedIn

router = APIRouter(include_in_schema=False)

CALLBACK = "/sign-in/callback"
# A browser keeps about four kilobytes a cookie; an issuer whose token is longer is left without the hint.
_LONGEST_HINT = 3_500


@router.get("/sign-in/start", dependencies=[ONE_OF_THE_SIGN_INS])
async def begin(request: Request, door: DoorDep, next: str = HOME) -> Response:  # noqa: A002  # the parameter's public name
    """Send the browser to the identity provider."""
    attempt = Attempt.new()
    response = see_other(await _client(door).way_in(attempt, _own_address(request, door) + CALLBACK))
    kept = door.deps.cookies.keep(asdict(attempt) | {"next": own_path(next)})
    _set(response, door, "attempt", kept, "/sign-in", int(ATTEMPT.total_seconds()))
    return response


@router.get(CALLBACK)
async def finish(request: Request, door: DoorDep) -> Response:
    """The browser is back. Whatever went wrong is said on the page with the ways in."""
    try:
        kept = door.deps.cookies.kept(request.cookies.get(_name(door, "attempt"), ""))
        if kept is None:
            raise Unauthenticated("This sign-in was not begun on this browser, or it took too long.")
        attempt = Attempt(*(str(kept.get(name, "")) for name in ("state", "nonce", "verifier")))
        address = _own_address(request, door)
        signed_in = await _client(door).finish(attempt, request.query_params, address + CALLBACK)
        response: Response = see_other(own_path(str(kept.get("next", HOME))))
        await _open(response, door, signed_in)
    except (Unauthenticated, Unavailable) as problem:
        response = _said(request, door, problem)
    _set(response, door, "attempt", "", "/sign-in", 0)
    return response


@router.get(SIGNED_OUT)
async def leave(request: Request, door: DoorDep) -> Response:
    """The session here is over; end the one at the identity provider as well, where it offers that."""
    id_token = request.cookies.get(_name(door, "hint"))
    way_out = await _client(door).way_out(id_token, _own_address(request, door) + "/sign-in")
    if way_out is None:
        response: Response = see_other("/sign-in")
    else:
        # The header needs no script, and the address is the provider's own, from its discovery.
        headers = {"Refresh": f"1; url={way_out}"}
        response = door.renderer.page(
            request, "sign_in/signed_out.html", headers=headers, way_out=way_out, provider=_client(door).name
        )
    _set(response, door, "hint", "", SIGNED_OUT, 0)
    return response


async def _open(response: Response, door: FrontDoor, signed_in: "SignedIn") -> None:
    """Make the account if it is new, and the session."""
    identity = signed_in.identity
    async with service_session(door.deps.engine) as session:
        await privileged.provision(
            session,
            identity.user_id,
            email=identity.email,
            full_name=identity.full_name,
            book=door.deps.book,
            now=door.deps.clock(),
        )
    await door.browser.open(response, identity.user_id, email=identity.email, full_name=identity.full_name)
    if len(signed_in.id_token) <= _LONGEST_HINT:
        _set(response, door, "hint", signed_in.id_token, SIGNED_OUT, int(LONGEST.total_seconds()))


def _said(request: Request, door: FrontDoor, problem: IngestioError) -> Response:
    return door.renderer.page(
        request,
        "sign_in/page.html",
        status_code=problem.status,
        people=(),
        provider=_client(door).name,
        next=HOME,
        problem=problem.detail,
        said=None,
    )


def _client(door: FrontDoor) -> "OidcClient":
    if door.deps.oidc is None:
        raise NotFound("There is nothing at this address.")
    return door.deps.oidc


def _own_address(request: Request, door: FrontDoor) -> str:
    """Scheme and host under which browsers reach us; without INGESTIO_PUBLIC_URL those of the request, whose host is one of ours."""
    public = urlsplit(door.deps.settings.public_url or "")
    return f"{public.scheme}://{public.netloc}" if public.netloc else f"{request.url.scheme}://{request.url.netloc}"


def _name(door: FrontDoor, purpose: str) -> str:
    return f"{door.deps.cookies.cookie_name}_{purpose}"


def _set(response: Response, door: FrontDoor, purpose: str, value: str, path: str, seconds: int) -> None:
    response.set_cookie(
        _name(door, purpose),
        value,
        max_age=seconds,
        path=path,
        httponly=True,
        samesite="lax",
        secure=door.browser.secure,
    )
