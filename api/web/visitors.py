"""Who looks at a page, what stands around every page, and forms that are known to be ours."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from api.browser import FORM_TOKEN_FIELD
from api.deps import Caller, FrontDoor, front_door
from api.requests import lift_body_limit
from api.uploads.form import MOST_PROMPT_BYTES
from api.uploads.multipart import Part
from api.uploads.singles import MOST_FILES
from api.web.navigation import ENTRIES, Entry, current_entry
from api.web.outlook import Outlook, shortage
from ingestio.auth.sessions import BrowserIdentity
from ingestio.db import accounts
from ingestio.domain.usage import Usage
from ingestio.domain.users import LOCAL_OWNER
from ingestio.errors import Unauthenticated
from ingestio.services.usage import foresee_usage

# What a page says after a redirect. A key travels in the address, never a text: nobody can make our page say theirs.
SAID = {
    "cancelled": "The batch is being cancelled. Documents that are running stop at their next safe point.",
    "paused": "Paused. Documents that are running finish; no further one starts.",
    "resumed": "The batch goes on.",
    "retried": "Failed and cancelled documents run again.",
    "deleted": "The batch was deleted.",
    "spread": "The text was written where it fits. Look through the prompts, then go on.",
    "submitted": "Submitted. You may close this page; the batch goes on by itself.",
    "extracted": "The document is being extracted.",
    "profile": "The profile was saved.",
    "revoked": "The key was revoked. Programs that send it are refused from now on.",
    "export_ordered": "The export is being made. This list shows when it can be fetched.",
    "export_cancelled": "The export was cancelled.",
    "endpoint_enabled": "The endpoint is told again of what happens from now on.",
    "endpoint_disabled": "The endpoint is told nothing until you switch it on again.",
    "endpoint_deleted": "The endpoint was deleted, with its deliveries.",
    "replayed": "It is being sent again.",
    "export_deleted": "The export was deleted, with its file.",
    "stopped": "The extraction was stopped; its pages are free again.",
    "extracted-many": "They are being extracted again. Until they are done, each keeps the result that it has.",
    "deleted-many": "Deleted, with files and results. What was charged stays charged.",
    "saved": "Saved.",
    "approved": "Approved. No other document waits for a review.",
    "rejected": "Rejected. No other document waits for a review.",
    "approved-next": "Approved. This is the next document that waits.",
    "rejected-next": "Rejected. This is the next document that waits.",
    "subscribed": "Thank you. The plan holds as soon as the payment is confirmed, usually within seconds.",
}


_LONGEST_TOKEN = 256


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around every page."""

    entries: tuple[Entry, ...]
    current: str | None
    person: str
    plan: str
    takes_batches: bool
    """Whether the plan has batches at all."""
    kept: timedelta | None
    """How long a document stays after its last change; None for ever."""
    usage: Usage
    shortage: Outlook | None
    """What to say about the pages that are left, when they are few."""
    form_token: str
    said: str | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in on this browser, with everything a page may do in their name."""

    caller: Caller
    browser: BrowserIdentity
    form_token: str
    request: Request
    _door: FrontDoor

    async def show(self, template: str, *, status_code: int = 200, **shown: Any) -> HTMLResponse:
        """A page with the shell around it. What the shell says is read anew, after whatever the page did."""
        return self._door.renderer.page(
            self.request, template, status_code=status_code, shell=await self._shell(), visitor=self, **shown
        )

    def require_our_origin(self) -> None:
        """Raises ForeignRequest unless one of our own pages sent this request."""
        self._door.browser.require_our_origin(self.request)

    async def admit(self, parts: AsyncIterator[Part]) -> AsyncIterator[Part]:
        """The parts of an upload whose first one is the form's token: nothing of another's form is read. Raises ForeignRequest."""
        first = await anext(parts, None)
        token = "" if first is None or first.name != FORM_TOKEN_FIELD else await first.text(_LONGEST_TOKEN)
        self._door.browser.require_our_page(self.request, self.browser, token)
        async for part in parts:
            yield part

    @property
    def temporal_ui_url(self) -> str | None:
        """Where operators look at runs, when that is known."""
        return self._door.deps.settings.temporal_ui_url

    @property
    def temporal_namespace(self) -> str:
        """Where in the Temporal server our runs are."""
        return self._door.deps.settings.temporal_namespace

    @property
    def is_operator(self) -> bool:
        """Whether this is the machine's owner, in local mode; an identity provider tells us of no operators."""
        return self._door.deps.issuer is not None and self.caller.user_id == LOCAL_OWNER

    async def _shell(self) -> Shell:
        account = await self.caller.account()
        async with self.caller.reading() as session:
            usage = await foresee_usage(session, account.profile, account.plan, self.caller.now())
            user = await accounts.read_user(session, self.caller.user_id)
        identity = self.browser.identity
        return Shell(
            entries=ENTRIES,
            current=current_entry(self.request.url.path),
            person=(user and user.full_name) or identity.full_name or identity.email or identity.user_id,
            plan="Owner" if self.is_operator else account.profile.membership.value.capitalize(),
            takes_batches=account.plan.batch_documents != 0,
            kept=account.plan.kept,
            usage=usage,
            shortage=shortage(usage, self.caller.book.table, sells=self._door.deps.billing is not None),
            form_token=self.form_token,
            said=SAID.get(self.request.query_params.get("said", "")),
        )


async def _visitor(request: Request) -> Visitor:
    door = front_door(request)
    browser = await door.browser.identify(request)
    if browser is None:
        raise Unauthenticated("Sign in first.")
    caller = Caller(browser.identity.user_id, browser.identity.expires_at, door.runs, door.deps, request)
    return Visitor(caller, browser, door.browser.form_token(browser), request, door)


VisitorDep = Annotated[Visitor, Depends(_visitor)]


async def _posted(visitor: VisitorDep, request: Request) -> FormData:
    return await _our_form(visitor, request)


async def _posted_prompts(visitor: VisitorDep, request: Request) -> FormData:
    visitor.require_our_origin()
    lift_body_limit(request, MOST_PROMPT_BYTES)
    return await _our_form(visitor, request, most_fields=MOST_FILES)


async def _our_form(visitor: Visitor, request: Request, *, most_fields: int = 1000) -> FormData:
    form = await request.form(max_files=0, max_fields=most_fields)
    token = form.get(FORM_TOKEN_FIELD, "")
    front_door(request).browser.require_our_page(request, visitor.browser, str(token))
    return form


PostedForm = Annotated[FormData, Depends(_posted)]
PostedPrompts = Annotated[FormData, Depends(_posted_prompts)]
"""The same with room for a prompt of every document: without scripts a browser sends all of them, touched or not."""


def text_of(form: FormData, field: str) -> str:
    """A field of a form as text; "" when it is not there."""
    value = form.get(field, "")
    return value if isinstance(value, str) else ""


def see_other(path: str, **query: str) -> RedirectResponse:
    """After a post: look at another page, so that reloading does not post again."""
    joined = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joined}{urlencode(query)}" if query else path, status_code=303)
