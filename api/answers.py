"""Rows as they are answered: read under the caller's own eyes, so that another user's id is not found (R29)."""

from uuid import UUID

from api.deps import Caller
from api.schemas.batches import Batch
from api.schemas.documents import Document
from ingestio.db import batches, documents
from ingestio.db.batches import BatchRow
from ingestio.db.documents import DocumentRow
from ingestio.errors import NotFound


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
    return Document.of(await find_document(caller, document_id))


async def find_document(caller: Caller, document_id: UUID) -> DocumentRow:
    """The document's row. Raises NotFound."""
    async with caller.reading() as session:
        row = await documents.read(session, caller.user_id, document_id)
    if row is None:
        raise NotFound("No such document.")
    return row
