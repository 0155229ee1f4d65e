"""Rows as they are answered: read under the caller's own eyes, so that another user's id is not found (R29)."""

from uuid import UUID

from api.deps import Caller
from api.schemas.batches import Batch
from api.schemas.documents import Document
from api.schemas.results import Result
from ingestio.db import batches, documents, results, revisions
from ingestio.db.batches import BatchRow
from ingestio.db.documents import DocumentRow
from ingestio.errors import NotFound, ResultNotReady


async def batch_answer(caller: Caller, batch_id: UUID) -> Batch:
    """One batch with its refused files. Raises NotFound."""
    async with caller.reading() as session:
        row = await batches.read(session, caller.user_id, batch_id)
        if row is None:
            raise NotFound("No such batch.")
        refused = await batches.refused_of(session, caller.user_id, [batch_id])
    return Batch.of(row, refused.get(batch_id, []))


async def find_batch(caller: Caller, batch_id: UUID) -> BatchRow:
    """The batch's row alone. Raises NotFound."""
    async with caller.reading() as session:
        row = await batches.read(session, caller.user_id, batch_id)
    if row is None:
        raise NotFound("No such batch.")
    return row


async def document_answer(caller: Caller, document_id: UUID) -> Document:
    """One document with its whole prompt. Raises NotFound."""
    return Document.of(await find_document(caller, document_id), await caller.kept())


async def find_document(caller: Caller, document_id: UUID) -> DocumentRow:
    """The document's row. Raises NotFound."""
    async with caller.reading() as session:
        row = await documents.read(session, caller.user_id, document_id)
    if row is None:
        raise NotFound("No such document.")
    return row


async def find_result(caller: Caller, document_id: UUID, *, corrected: bool = True) -> Result | None:
    """A document's newest result, with people's corrections unless the machine's values are wanted; None before there is one."""
    async with caller.reading() as session:
        row = await results.newest(session, caller.user_id, document_id)
        said = await revisions.corrections(session, caller.user_id, [row.id] if row and corrected else [])
    return None if row is None else Result.of(row, said.get(row.id, {}))


async def result_answer(caller: Caller, document_id: UUID, *, corrected: bool = True) -> Result:
    """The same, for a document that must have one. Raises NotFound, ResultNotReady."""
    document = await find_document(caller, document_id)
    result = await find_result(caller, document_id, corrected=corrected)
    if result is None:
        raise ResultNotReady(f"The document is {document.status}; it has no result yet.")
    return result
