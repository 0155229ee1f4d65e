"""Reviews: people correct and judge results, and another extraction neither overwrites nor hides what they said (R85).

Every change moves a document's revision by one, whether it is a correction, a decision or another extraction. Whoever writes names the
revision that they looked at; with any other they are told to look again, so nobody overwrites what they have not seen.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingestio.db import documents, results, revisions, search
from ingestio.db.documents import DocumentRow
from ingestio.db.results import ResultRow
from ingestio.db.session import ServiceSession
from ingestio.domain.batches import PromptSource
from ingestio.domain.concerns import ReviewRules, concerns_of
from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.domain.reviews import (
    PENDING,
    FieldPath,
    ReviewDecision,
    RevisionKind,
    Scalar,
    corrected_data,
    corrected_fields,
    followed,
    is_reachable,
    parse_path,
    put,
    value_at,
    write_path,
)
from ingestio.domain.search import texts_in, words_of
from ingestio.errors import FieldError, InvalidRequest, NotFound, ResultNotReady, RevisionConflict
from ingestio.extraction.corrections import checked_value, kind_at
from ingestio.extraction.values import NotOfKind, leaves

Recorded = tuple[RevisionKind, str, Any, Any]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A person's value for one field; None says that the document has none."""

    path: str
    value: str | None


async def correct_fields(
    session: ServiceSession,
    user_id: str,
    document_id: UUID,
    revision: int,
    changes: Sequence[FieldChange],
    rules: ReviewRules,
) -> None:
    """Put people's values beside the machine's: one revision, all changes or none. An earlier verdict is open again.

    Raises NotFound, ResultNotReady, RevisionConflict, and InvalidRequest that names every field that is wrong.
    """
    document, row = await _lock(session, user_id, document_id, revision)
    said = (await revisions.corrections(session, user_id, [row.id])).get(row.id, {})
    recorded = _checked(await fields_of(row), row, corrected_data(row.data, said), changes)
    said |= {path: value for _, path, _, value in recorded}
    await _revise(session, document, row, row.revision + 1, recorded, concerns=_concerns(document, row, said, rules))
    await _let_find(session, document, row, said)


async def decide_review(
    session: ServiceSession, user_id: str, document_id: UUID, revision: int, decision: ReviewDecision
) -> None:
    """Approve or reject a result as it stands. Raises NotFound, ResultNotReady, RevisionConflict."""
    document, row = await _lock(session, user_id, document_id, revision)
    recorded: list[Recorded] = [(RevisionKind.DECISION, "", row.review or PENDING, decision)]
    await _revise(session, document, row, row.revision + 1, recorded, concerns=document.concerns, review=decision)


async def carry_over(session: ServiceSession, user_id: str, document_id: UUID, rules: ReviewRules) -> None:
    """After another extraction: people's values stand over the new result too, and what it read differently is on record.

    For the transaction that saved the new result, which holds the document's lock: a correction that came first is seen here, one that
    comes later meets the new revision. A person's value for a field that is no longer asked for is recorded as gone.
    """
    document = await documents.read(session, user_id, document_id)
    assert document is not None
    new, old = await results.latest(session, user_id, document_id, 2)
    said = (await revisions.corrections(session, user_id, [old.id])).get(old.id, {})
    specs = await fields_of(new)
    moved = [(followed(old.data, new.data, parse_path(path)), value) for path, value in said.items()]
    kept = {path: value for path, value in moved if path is not None and kind_at(specs, path) is not None}
    recorded: list[Recorded] = [
        (RevisionKind.KEPT, write_path(path), value_at(new.data, path), value) for path, value in kept.items()
    ]
    before = dict(leaves("", corrected_data(old.data, said)))
    after = dict(leaves("", new.data))
    settled = {write_path(path): value for path, value in kept.items()}
    recorded += [
        (RevisionKind.EXTRACTION, path, before.get(path), after.get(path))
        for path in dict.fromkeys((*before, *after))
        if path not in settled and before.get(path) != after.get(path)
    ]
    await _revise(session, document, new, old.revision + 1, recorded, concerns=_concerns(document, new, settled, rules))
    await _let_find(session, document, new, settled)


async def _revise(
    session: ServiceSession,
    document: DocumentRow,
    row: ResultRow,
    revision: int,
    recorded: Sequence[Recorded],
    *,
    concerns: Sequence[str],
    review: ReviewDecision | None = None,
) -> None:
    """Record what changed, and move the result and its document to where that leaves them."""
    await revisions.append(session, document.user_id, document.id, row.id, revision, recorded)
    await results.revise(session, document.user_id, row.id, revision, review)
    await documents.judge(session, document.user_id, document.id, concerns, review)


async def _let_find(
    session: ServiceSession, document: DocumentRow, row: ResultRow, corrections: Mapping[str, Scalar]
) -> None:
    """A document is found by what the machine read and by what people made of it."""
    words = words_of((*texts_in(row.data), *texts_in(dict(corrections))))
    await search.write_words(session, document.user_id, document.id, words)


def _concerns(
    document: DocumentRow, row: ResultRow, corrections: Mapping[str, Scalar], rules: ReviewRules
) -> list[str]:
    asked_for = document.prompt_source not in (None, PromptSource.AUTO)
    fields = corrected_fields(row.fields, corrections)
    return concerns_of(row.document_type, fields, row.flags, rules, asked_for=asked_for)


async def _lock(
    session: ServiceSession, user_id: str, document_id: UUID, revision: int
) -> tuple[DocumentRow, ResultRow]:
    """A document with its newest result at the revision that the caller has seen; the document's lock keeps it so."""
    document = await documents.lock(session, user_id, document_id)
    if document is None:
        raise NotFound("No such document.")
    row = await results.newest(session, user_id, document_id)
    if row is None:
        raise ResultNotReady(f"The document is {document.status}; it has no result yet.")
    if row.revision != revision:
        raise RevisionConflict(
            f"The result is at revision {row.revision}, and the change was made to revision {revision}. "
            "Read the result again, then repeat the change.",
            current=row.revision,
        )
    return document, row


async def fields_of(row: ResultRow) -> tuple[FieldSpec, ...]:
    """The fields that a result was read for. In a thread: the longest prompt takes a tenth of a second to understand."""
    return await asyncio.to_thread(_fields_for, row.document_type, row.prompt)


def _fields_for(document_type: str, prompt: str | None) -> tuple[FieldSpec, ...]:
    # Imported when it is wanted: the catalogue of types is a good part of a front door's start.
    from ingestio.extraction.schemas import fields_for

    return fields_for(document_type, prompt)


def _checked(
    specs: Sequence[FieldSpec], row: ResultRow, data: dict[str, Any], changes: Sequence[FieldChange]
) -> list[Recorded]:
    """What to record; `data` takes the values in, so that a change may add to the row that the one before it began."""
    known = {item["path"] for item in row.fields}
    recorded: list[Recorded] = []
    wrong: list[FieldError] = []
    seen: set[str] = set()
    for change in changes:
        try:
            path = _place(specs, known, data, change.path)
            if change.path in seen:
                raise NotOfKind("named twice")
            seen.add(change.path)
            value = checked_value(_kind(specs, path), change.value)
        except ValueError as error:
            wrong.append(FieldError(f"changes.{change.path}", str(error)))
            continue
        recorded.append((RevisionKind.CORRECTION, change.path, value_at(data, path), value))
        put(data, path, value)
    if wrong:
        raise InvalidRequest("The changes do not fit the result; `errors` says where.", wrong)
    return recorded


def _place(specs: Sequence[FieldSpec], known: set[str], data: dict[str, Any], text: str) -> FieldPath:
    """A path that a value can be put at. Raises ValueError that says what is wrong with it."""
    path = parse_path(text)
    asked_for = any(spec.name == path[0] for spec in specs)
    if kind_at(specs, path) is None and (asked_for or text not in known):
        raise ValueError("the result has no such field")
    if not is_reachable(data, path):
        raise ValueError("rows are added at the end of a list, one after the other")
    return path


def _kind(specs: Sequence[FieldSpec], path: FieldPath) -> FieldKind:
    """What the value has to be; what an engine found beyond the schema is text."""
    return kind_at(specs, path) or FieldKind.TEXT
