"""Drafts: files one by one, prompts, the quote, and the submission."""

import re
from dataclasses import asdict
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request

from api import steering
from api.answers import batch_answer
from api.bodies import json_body
from api.deps import ONE_OF_THE_UPLOADS, Caller, CallerDep
from api.requests import lift_body_limit
from api.schemas.batches import Batch, DraftPatch, NewDraft, Quote, Submission
from api.schemas.documents import Document
from api.schemas.forms import PATCH_OF_A_DRAFT, RAW_FILE
from api.schemas.problems import problems
from api.schemas.texts import checked_prompt, checked_prompts
from api.uploads.form import MOST_PROMPT_BYTES
from api.uploads.singles import MOST_FILES, receive_draft_file
from ingestio.db import batches
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.submissions import BatchSpec, fingerprint
from ingestio.errors import FieldError, InvalidRequest
from ingestio.services import drafts, privileged
from ingestio.services.drafts import DraftChange
from ingestio.services.submissions import Claim

router = APIRouter(prefix="/batches/{batch_id}", tags=["drafts"])

# Not `.` or `..`: a client that takes them for steps in a path asks for the draft itself, and would delete that.
_CLIENT_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")


async def make_draft(caller: Caller, draft: NewDraft, key: str | None) -> tuple[UUID, bool]:
    """Open a draft; answers its id, and True when an earlier request with the same key and content made it.

    Raises UpgradeRequired, SubscriptionInactive, PromptInvalid, IdempotencyConflict.
    """
    batch_id = uuid4()
    prompt = checked_prompt("global_prompt", draft.global_prompt)
    spec = BatchSpec(draft.name or None, draft.prompt_strategy, prompt)
    claim = None if key is None else Claim(key, fingerprint({"draft": asdict(spec)}, []))
    async with caller.acting() as session:
        made = await privileged.open_batch(session, caller.user_id, batch_id, spec, caller.book, claim=claim)
    return made, made != batch_id


@router.put(
    "/files/{client_id}",
    status_code=201,
    dependencies=[ONE_OF_THE_UPLOADS],
    responses=problems(404, 408, 409, 413, 415),
    openapi_extra={"requestBody": RAW_FILE},
)
async def put_file(
    batch_id: UUID,
    client_id: str,
    request: Request,
    caller: CallerDep,
    filename: str = Query("", max_length=4096),
    position: int | None = Query(
        None,
        ge=0,
        le=MOST_FILES,
        description="Its place among the documents, from 0; without one, or where one stands already, the end.",
    ),
) -> Document:
    """Put a file into a draft; the same client id replaces. A refused file stays listed until it is replaced or deleted."""
    _require_client_id(client_id)
    row = await receive_draft_file(caller, request, batch_id, client_id, filename, position)
    return Document.of(row, await caller.kept())


@router.delete("/files/{client_id}", status_code=204, responses=problems(404, 409))
async def delete_file(batch_id: UUID, client_id: str, caller: CallerDep) -> None:
    """Take a file, or a refusal, out of a draft."""
    _require_client_id(client_id)
    await steering.remove_file(caller, batch_id, client_id)


@router.patch("", responses=problems(404, 408, 409, 413), openapi_extra={"requestBody": PATCH_OF_A_DRAFT})
async def change_draft(batch_id: UUID, request: Request, caller: CallerDep) -> Batch:
    """Change name, strategy or prompts of a draft."""
    # Read here and not by the framework, which would read before it is known who sends so much.
    lift_body_limit(request, MOST_PROMPT_BYTES)
    patch = await json_body(request, DraftPatch)
    given = patch.model_fields_set
    prompts = checked_prompts({f"prompts.{client_id}": text for client_id, text in (patch.prompts or {}).items()})
    change = DraftChange(
        name=(patch.name or "") if "name" in given else None,
        strategy=_strategy(patch) if "prompt_strategy" in given else None,
        global_prompt=(checked_prompt("global_prompt", patch.global_prompt) or "")
        if "global_prompt" in given
        else None,
        prompts={field.removeprefix("prompts."): text for field, text in prompts.items()},
    )
    async with caller.acting() as session:
        await privileged.change_draft(session, caller.user_id, batch_id, change)
    return await batch_answer(caller, batch_id)


def _strategy(patch: DraftPatch) -> PromptStrategy:
    if patch.prompt_strategy is None:
        raise InvalidRequest(
            "A batch has a strategy.", [FieldError("prompt_strategy", f"one of {', '.join(PromptStrategy)}")]
        )
    return patch.prompt_strategy


@router.get("/quote", responses=problems(404, 409))
async def read_quote(batch_id: UUID, caller: CallerDep) -> Quote:
    """What submitting now would do, exactly and without doing it."""
    async with caller.reading() as session:
        quote = await drafts.quote(session, caller.user_id, batch_id, caller.book, caller.now())
        refused = await batches.refused_of(session, caller.user_id, [batch_id])
    return Quote.of(quote, refused.get(batch_id, []))


@router.post("/submit", status_code=202, responses=problems(402, 403, 404, 408, 409, 413))
async def submit_draft(batch_id: UUID, caller: CallerDep, body: Submission | None = None) -> Batch:
    """Reserve the pages, first fit in document order, and start the batch. What does not fit is failed at once, the rest runs."""
    await steering.submit(caller, batch_id, all_or_nothing=body.all_or_nothing if body else None)
    return await batch_answer(caller, batch_id)


def _require_client_id(client_id: str) -> None:
    if not _CLIENT_ID.fullmatch(client_id):
        raise InvalidRequest(
            "The client id is not valid.", [FieldError("client_id", "1 to 64 of A-Z a-z 0-9 . _ -, not . or ..")]
        )
