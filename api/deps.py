"""What routes ask for: who is calling, and the way to the database, to storage and to the runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer

from api.browser import FORM_TOKEN_HEADER, READING, BrowserSessions
from api.credentials import SignIn
from api.events.hub import Hub
from api.load import MOST_PICTURES, MOST_UPLOADS, Places
from api.rates.meter import Meter
from api.runs import Runs
from api.web.rendering import Renderer
from ingestio.bootstrap import Deps
from ingestio.db.accounts import ProfileRow
from ingestio.db.session import ServiceSession, UserSession, service_connection, service_session, user_session
from ingestio.domain.concerns import ReviewRules
from ingestio.domain.plans import Membership, Plan, Rate
from ingestio.errors import InsufficientScope, NotFound, PlanLimit, Unauthenticated
from ingestio.services import accounts, privileged
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import ObjectStore
from ingestio.webhooks.addresses import Addresses


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What one API process runs on, made at its start."""

    deps: Deps
    runs: Runs
    sign_in: SignIn
    browser: BrowserSessions
    renderer: Renderer
    events: Hub
    meter: Meter
    closing: asyncio.Event
    """Set when the process is told to stop: whoever holds a stream open ends it then, because the stop waits for open answers."""
    uploads: Places = field(default_factory=lambda: Places(MOST_UPLOADS, "uploads"))
    pictures: Places = field(default_factory=lambda: Places(MOST_PICTURES, "page pictures"))


@dataclass(frozen=True, slots=True)
class Account:
    """What the caller bought."""

    profile: ProfileRow
    plan: Plan


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified user with everything a route may do in their name. Sessions are short: never held over an upload, a count or a call."""

    user_id: str
    expires_at: datetime
    """Until when they are signed in: nothing that they opened lasts longer."""
    runs: Runs
    _deps: Deps
    _request: Request
    is_program: bool = False
    """Came with an API key."""
    _membership: Membership | None = None
    """The plan that their credential was found on when the request came; None where only a session was asked for."""

    def reading(self) -> AbstractAsyncContextManager[UserSession]:
        """One transaction that sees this user's rows only."""
        return user_session(self._deps.engine, self.user_id)

    def acting(self) -> AbstractAsyncContextManager[ServiceSession]:
        """One transaction for an operation of `services.privileged`, and for nothing else."""
        return service_session(self._deps.engine)

    @property
    def store(self) -> ObjectStore:
        return self._deps.store

    @property
    def book(self) -> PlanBook:
        return self._deps.book

    @property
    def review_rules(self) -> ReviewRules:
        return self._deps.settings.review_rules

    def now(self) -> datetime:
        return self._deps.clock()

    @property
    def addresses(self) -> Addresses:
        """Where this instance may send webhooks."""
        return Addresses(self._deps.settings.webhook_networks)

    def link_to(self, request: Request, export_id: UUID) -> str:
        """The address of one of this user's export files, which works without signing in for an hour."""
        site = self._deps.settings.public_url or str(request.base_url)
        path = request.url_for("read_export_file", export_id=str(export_id)).path
        return f"{site.rstrip('/')}{path}?link={self._deps.links.issue(self.user_id, export_id, self.now())}"

    async def account(self) -> Account:
        """Profile and plan, read fresh (R52). Raises NotFound when the account was deleted meanwhile."""
        async with self.reading() as session:
            profile = await accounts.read_profile(session, self.user_id)
        if profile is None:
            raise NotFound("No such account.")
        return Account(profile, self.book.plan_of(self.user_id, profile.membership))

    def file_limit(self, account: Account) -> PlanLimit:
        """How large a file of theirs may be."""
        return self.book.explain(self.user_id, account.profile.membership, "file_mb")

    def counts(self, rate: Rate) -> bool:
        """Whether anybody is limited in this: otherwise it need not be found out how much there is to count."""
        return front_door(self._request).meter.counts(rate)

    async def count_request(self) -> None:
        """Count this request against the caller's plan (R56). Raises RateLimited."""
        if self.counts(Rate.REQUESTS):
            membership, plan = await self._plan()
            await front_door(self._request).meter.spend(self._request, Rate.REQUESTS, self.user_id, membership, plan)

    async def kept(self) -> timedelta | None:
        """How long a document of theirs stays after its last change; None for ever."""
        return (await self._plan())[1].kept if self.book.forgets else None

    async def _plan(self) -> tuple[Membership, Plan]:
        membership = self._membership or (await self.account()).profile.membership
        return membership, self.book.plan_of(self.user_id, membership)

    async def spend(self, rate: Rate, cost: int = 1, *, account: Account | None = None) -> None:
        """Count what this request is about to do against the caller's plan (R56). Raises RateLimited, and then nothing was counted."""
        if self.counts(rate):
            found = account or await self.account()
            await front_door(self._request).meter.spend(
                self._request, rate, self.user_id, found.profile.membership, found.plan, cost
            )


def front_door(request: Request) -> FrontDoor:
    """The process's own, put there when it started."""
    door: FrontDoor = request.app.state.front_door
    return door


async def _caller(request: Request) -> Caller:
    door = front_door(request)
    authorization = request.headers.get("authorization")
    browser = None if authorization is not None else await door.browser.identify(request)
    if browser is None:
        found = await door.sign_in.identify(authorization)
        found.require_scope(request.method, request.url.path)
        return Caller(
            found.user_id, found.expires_at, door.runs, door.deps, request, found.scopes is not None, found.membership
        )
    if request.method not in READING:
        door.browser.require_our_page(request, browser, request.headers.get(FORM_TOKEN_HEADER, ""))
    return Caller(browser.identity.user_id, browser.identity.expires_at, door.runs, door.deps, request)


async def _counted(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    await caller.count_request()
    return caller


async def _downloader(
    request: Request,
    export_id: UUID,
    link: Annotated[str | None, Query(max_length=1024, description="From `url` of the export.")] = None,
) -> Caller:
    if link is None:
        return await _caller(request)
    door = front_door(request)
    now = door.deps.clock()
    opened = door.deps.links.read(link, export_id, now)
    async with service_connection(door.deps.engine) as connection:
        standing = await privileged.standing(connection, opened.user_id, opened.issued_at)
    if standing.gone:
        raise Unauthenticated("This account was deleted.")
    return Caller(opened.user_id, now, door.runs, door.deps, request)


# Only for the OpenAPI description; `_caller` reads the header itself, so that what is wrong with it is said in our own words.
_BEARER = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="A token of the configured issuer, or an API key."
)

DoorDep = Annotated[FrontDoor, Depends(front_door)]


async def _upload_place(door: DoorDep) -> AsyncIterator[None]:
    with door.uploads.taken():
        yield


async def _picture_place(door: DoorDep) -> AsyncIterator[None]:
    with door.pictures.taken():
        yield


async def _sign_in(door: DoorDep, request: Request) -> None:
    await door.meter.spend_sign_in(request)


ONE_OF_THE_SIGN_INS = Depends(_sign_in)
ONE_OF_THE_UPLOADS = Depends(_upload_place)
ONE_OF_THE_PICTURES = Depends(_picture_place)
CallerDep = Annotated[Caller, Depends(_counted)]


async def _person(caller: CallerDep) -> Caller:
    if caller.is_program:
        raise InsufficientScope("No API key may do this; sign in.")
    return caller


PersonDep = Annotated[Caller, Depends(_person)]
DownloaderDep = Annotated[Caller, Depends(_downloader)]
"""Who fetches an export's file: the caller, or its owner as a signed link says."""
SIGNED_IN_ROUTES = [Security(_BEARER)]
