"""Queries that find documents by name, type and values.

Values are found by the words of `document_words`, which is a plain table with a plain index on purpose: comparisons of text are the
operators that row-level security lets an index answer for a user. A full-text or trigram index would be passed over for them.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from ingestio.db.models import Document, DocumentWord
from ingestio.db.session import ServiceSession
from ingestio.domain.search import words_of

MOST_TYPED = 8
# Behind everything that begins with a word, in the order of the column.
_LAST = "\U0010ffff"


def matches(user_id: str, text: str) -> ColumnElement[bool]:
    """Documents whose file name holds the text, or whose name, type or values hold every word of it, at least as a beginning."""
    whole = Document.original_filename.icontains(text, autoescape=True)
    words = words_of([text], MOST_TYPED)
    return or_(whole, and_(*(_has(user_id, word) for word in words))) if words else whole


def _has(user_id: str, word: str) -> ColumnElement[bool]:
    found = select(DocumentWord.document_id).where(
        DocumentWord.user_id == user_id, DocumentWord.word >= word, DocumentWord.word < word + _LAST
    )
    return or_(
        Document.original_filename.icontains(word, autoescape=True),
        Document.document_type.icontains(word, autoescape=True),
        Document.id.in_(found),
    )


async def write_words(session: ServiceSession, user_id: str, document_id: UUID, words: Sequence[str]) -> None:
    """Let a document be found by these words and no others."""
    await session.execute(
        delete(DocumentWord).where(
            DocumentWord.document_id == document_id, DocumentWord.user_id == user_id, DocumentWord.word.not_in(words)
        )
    )
    if words:
        rows = [{"user_id": user_id, "word": word, "document_id": document_id} for word in words]
        await session.execute(insert(DocumentWord).on_conflict_do_nothing(), rows)
