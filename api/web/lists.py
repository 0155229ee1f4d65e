"""Lists on pages: what their address asks for, and the addresses of their other views."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request

from api.schemas.texts import storable
from ingestio.db.pages import PageRequest

LONGEST_SEARCH = 200
Kind = TypeVar("Kind", bound=StrEnum)


def page_request(request: Request, *, sort: str, limit: int = 50) -> PageRequest:
    """Which page of a list an address asks for. A wrong sort or cursor is answered by the query that knows them."""
    query = request.query_params
    return PageRequest(limit, query.get("cursor") or None, query.get("sort") or sort)


def choice(request: Request, name: str, kinds: type[Kind]) -> Kind | None:
    """A filter of an address; None for none, and for a word that is none of ours."""
    value = request.query_params.get(name, "")
    return kinds(value) if value in kinds._value2member_map_ else None


def search_text(request: Request) -> str:
    """What was typed into the search field, as far as a database can look for it."""
    try:
        return storable(request.query_params.get("q", "").strip()[:LONGEST_SEARCH])
    except ValueError:
        return ""


def link_maker(request: Request) -> Callable[..., str]:
    """Makes the page's own address with some parameters changed; None takes one away."""

    def link(**changes: str | None) -> str:
        kept = {name: value for name, value in request.query_params.items() if name != "said"}
        query = {name: value for name, value in (kept | changes).items() if value}
        return f"{request.url.path}?{urlencode(query)}" if query else request.url.path

    return link
