"""The one-shot batch: one multipart request in, a committed batch out (R22, R60..R63).

The shell of the batch is committed before the first file is handled. What the form says may come before or after the files, so the
accepting transaction completes the shell. Nothing that this leaves behind can be mistaken for an accepted batch: on any failure the
shell goes and the objects with it, and a crash in between leaves a shell that upkeep removes.
"""

import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from starlette.requests import Request

from api.deps import Account, Caller
from api.requests import lift_body_limit
from api.uploads.form import FILES, BatchForm
from api.uploads.intake import Intake
from api.uploads.multipart import Admit, Part, form_parts
from api.uploads.names import display_name
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.plans import Plan, Rate
from ingestio.domain.submissions import BatchSpec, ReceivedFile, RefusedUpload, fingerprint
from ingestio.errors import FieldError, InvalidRequest, RefusalCode, Unavailable
from ingestio.metrics import COUNTS
from ingestio.observability import Event, tell
from ingestio.services import privileged
from ingestio.services.accounts import require_batches, require_room
from ingestio.services.submissions import GIVEN_UP, Accepted, Claim

logger = logging.getLogger("ingestio.api")

# The form's fields, and room for parts that browsers add without a file in them.
_OTHER_PARTS = 32
_MOST_FILES = 100_000
_FORM_BYTES = 40 << 20
# A shell is swept after an hour without news; several notes within it may fail.
_NOTE_SECONDS = 600.0
_UNKNOWN_YET = BatchSpec(None, PromptStrategy.GLOBAL, None)


@dataclass(frozen=True, slots=True)
class OneShot:
    """What became of the request: the batch, whether it was made by an earlier request, and the plan that its run belongs to."""

    batch_id: UUID
    replayed: bool
    queued: bool
    plan: str


async def receive_batch(caller: Caller, request: Request, key: str | None, *, admit: Admit | None = None) -> OneShot:
    """Take a whole batch in and submit it. `admit` may refuse the form by its first part.

    Raises UpgradeRequired and SubscriptionInactive before a byte is read, InvalidRequest, PromptMissing, PromptInvalid and
    BatchTooLarge for what is wrong with the whole, RateLimited, IdempotencyConflict, QuotaExceeded (the upload stays a draft) and
    Unavailable.
    """
    account = await caller.account()
    require_batches(account.profile, caller.book)
    lift_body_limit(request)
    shell = _Shell(caller)
    form = BatchForm(account.plan)
    async with Intake(caller.store, caller.user_id, caller.file_limit(account)) as intake:
        try:
            await _read(caller, request, account, form, intake, shell, admit)
            spec = form.spec()
            received, refused = _with_prompts(form, intake, await intake.settled())
            claim = None if key is None else Claim(key, _fingerprint(form, intake))
            await caller.spend(Rate.EXTRACTIONS, len(received), account=account)
            accepted = await _accept(caller, shell, spec, received, refused, claim)
        except BaseException:
            if not await shell.forget():
                intake.hand_over(item.document_id for item in intake.arrivals)
            raise
        if accepted.replayed:
            await shell.forget()
        else:
            intake.hand_over(item.document_id for item in received)
            _tell(caller, accepted.batch_id, received, refused)
    if accepted.short is not None:
        raise accepted.short
    return OneShot(
        accepted.batch_id,
        accepted.replayed,
        queued=bool(received) and not accepted.replayed,
        plan=account.profile.membership.value,
    )


def _tell(caller: Caller, batch_id: UUID, received: Sequence[ReceivedFile], refused: Sequence[RefusedUpload]) -> None:
    pages = sum(item.page_count for item in received)
    tell(Event.BATCH_CREATED, user_id=caller.user_id, batch_id=str(batch_id), documents=len(received), pages=pages)
    for item in refused:
        COUNTS.add("ingestio_refusals_total", code=item.code)


async def _read(
    caller: Caller,
    request: Request,
    account: Account,
    form: BatchForm,
    intake: Intake,
    shell: "_Shell",
    admit: Admit | None,
) -> None:
    """Read the form to its end: fields into `form`, files into `intake`."""
    plan = account.plan
    parts = form_parts(
        request.headers.get("content-type", ""),
        request.stream(),
        most_parts=(plan.batch_documents or _MOST_FILES) + _OTHER_PARTS,
        most_bytes=_most_bytes(plan),
    )
    position = 0
    async for part in parts if admit is None else admit(parts):
        if part.name != FILES:
            form.add(part.name, await part.text(form.limit_bytes(part.name)))
            continue
        content = await _content(part)
        if content is None:
            continue
        require_room(account.profile, caller.book, position + 1)
        await caller.spend(Rate.UPLOADS, account=account)
        await shell.open()
        name = display_name(part.filename or "", f"document-{position + 1}")
        await intake.take(shell.noting(content), client_id=str(position), position=position, filename=name)
        position += 1
    if position == 0:
        raise InvalidRequest("The batch has no file.", [FieldError(FILES, "send at least one file")])


async def _content(part: Part) -> AsyncIterator[bytes] | None:
    """The part's content; None for the empty, nameless part that a browser sends for a file input nobody used."""
    if part.filename:
        return part.chunks()
    first = await anext(part.chunks(), None)
    if first is None:
        return None

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in part.chunks():
            yield chunk

    return whole()


def _most_bytes(plan: Plan) -> int | None:
    if plan.batch_documents is None or plan.file_bytes is None:
        return None
    return plan.batch_documents * plan.file_bytes + _FORM_BYTES


def _with_prompts(
    form: BatchForm, intake: Intake, settled: Sequence[ReceivedFile | RefusedUpload]
) -> tuple[list[ReceivedFile], list[RefusedUpload]]:
    """Give each file its own prompt; under `per_document` a file without one is refused."""
    received: list[ReceivedFile] = []
    refused: list[RefusedUpload] = []
    prompts = form.prompts_of([item.filename for item in intake.arrivals])
    for item, prompt in zip(settled, prompts, strict=True):
        if isinstance(item, RefusedUpload):
            refused.append(item)
        elif prompt is None and form.needs_own_prompts:
            message = "This strategy needs a prompt for every document, and this one has none."
            refused.append(
                RefusedUpload(item.client_id, item.position, item.filename, RefusalCode.PROMPT_MISSING, message)
            )
        else:
            received.append(replace(item, prompt=prompt))
    return received, refused


def _fingerprint(form: BatchForm, intake: Intake) -> str:
    return fingerprint(form.fingerprint_fields(), [item.mark for item in intake.arrivals])


async def _accept(
    caller: Caller,
    shell: "_Shell",
    spec: BatchSpec,
    received: Sequence[ReceivedFile],
    refused: Sequence[RefusedUpload],
    claim: Claim | None,
) -> Accepted:
    async with caller.acting() as session:
        return await privileged.accept_batch(
            session,
            caller.user_id,
            shell.batch_id,
            received,
            refused,
            claim=claim,
            book=caller.book,
            now=caller.now(),
            spec=spec,
        )


class _Shell:
    """The batch row, made when the first file arrives: a form that is refused for its fields leaves no trace."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._opened = False
        self._noted = time.monotonic()
        self.batch_id = uuid4()

    async def open(self) -> None:
        """Commit the row, once."""
        if self._opened:
            return
        # Before the commit, whose answer may be lost.
        self._opened = True
        async with self._caller.acting() as session:
            await privileged.open_batch(
                session, self._caller.user_id, self.batch_id, _UNKNOWN_YET, self._caller.book, receiving=True
            )

    async def noting(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes; now and then the row is told that they still come, so that a slow upload is not taken for a dead one."""
        async for chunk in chunks:
            if time.monotonic() > self._noted + _NOTE_SECONDS:
                self._noted = time.monotonic()
                if not await self._note():
                    raise Unavailable(GIVEN_UP)
            yield chunk

    async def _note(self) -> bool:
        """False when the row is gone. A database that is away now is asked again by the next note."""
        try:
            async with self._caller.acting() as session:
                return await privileged.keep_receiving(session, self._caller.user_id, self.batch_id)
        except Unavailable as error:
            logger.warning("an upload could not be noted: %s", error.detail, extra={"batch_id": str(self.batch_id)})
            return True

    async def forget(self) -> bool:
        """Remove the row; False when it has to be taken for accepted: it holds documents, or nobody can tell now."""
        if not self._opened:
            return True
        try:
            async with self._caller.acting() as session:
                return await privileged.forget_shell(session, self._caller.user_id, self.batch_id)
        except Unavailable as error:
            logger.warning("a shell is left to upkeep: %s", error.detail, extra={"batch_id": str(self.batch_id)})
            return False
