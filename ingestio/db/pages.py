"""Cursor pagination: keyset, so that a list stays right while rows are added, and page 1,000 costs what page 1 costs."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, literal, or_, tuple_
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from ingestio.errors import FieldError, InvalidRequest

T = TypeVar("T")
MAXIMUM = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: `sort` a field name, `-` before it for descending; `cursor` from the page before."""

    limit: int = 50
    cursor: str | None = None
    sort: str = "-created_at"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows and the way to the next ones; `next_cursor` None at the end."""

    items: list[T]
    next_cursor: str | None


async def paginate(
    session: AsyncSession,
    statement: Select[*tuple[Any, ...]],
    request: PageRequest,
    *,
    columns: Mapping[str, InstrumentedAttribute[Any]],
    identity: InstrumentedAttribute[UUID],
    read: Callable[[Any], T],
) -> Page[T]:
    """Run `statement` for one page, sorted by one of `columns` and then by id; what has no value comes last, descending first.

    Raises InvalidRequest for a wrong sort or cursor.
    """
    name = request.sort.removeprefix("-")
    column = columns.get(name)
    if column is None:
        raise InvalidRequest(
            "Cannot sort by this.", [FieldError("sort", f"one of {', '.join(sorted(columns))}, with - for descending")]
        )
    if not 1 <= request.limit <= MAXIMUM:
        raise InvalidRequest("Wrong page size.", [FieldError("limit", f"1 to {MAXIMUM}")])
    descending = request.sort.startswith("-")
    statement = statement.add_columns(column.label("sort_key"))
    if request.cursor is not None:
        key, row_id = _decode(request.cursor, request.sort, column)
        statement = statement.where(_beyond(column, identity, key, row_id, descending=descending))
    order = (column.desc(), identity.desc()) if descending else (column.asc(), identity.asc())
    try:
        rows = (await session.execute(statement.order_by(*order).limit(request.limit + 1))).all()
    except DataError:
        # A forged cursor whose value no column of this type can hold: a number out of range, a NUL in a name.
        if request.cursor is None:
            raise
        raise _wrong_cursor() from None
    more = len(rows) > request.limit
    rows = rows[: request.limit]
    return Page([read(row) for row in rows], _encode(request.sort, rows[-1]) if more else None)


def _beyond(
    column: InstrumentedAttribute[Any],
    identity: InstrumentedAttribute[UUID],
    key: Any,
    row_id: UUID,
    *,
    descending: bool,
) -> ColumnElement[bool]:
    """The rows that come after this one. PostgreSQL's own order: NULL is greater than every value."""
    if key is None:
        same = column.is_(None)
        return or_(and_(same, identity < row_id), column.is_not(None)) if descending else and_(same, identity > row_id)
    here = tuple_(column, identity)
    there = tuple_(literal(key, column.type), literal(row_id, identity.type))
    if descending:
        return here < there
    return or_(here > there, column.is_(None)) if _may_be_null(column) else here > there


def _may_be_null(column: InstrumentedAttribute[Any]) -> bool:
    return bool(column.property.columns[0].nullable)


def _encode(sort: str, row: Any) -> str:
    key = row.sort_key
    if isinstance(key, datetime):
        key = key.isoformat()
    elif isinstance(key, UUID):
        key = str(key)
    # As UTF-8: escaped, a name of many emoji would make a longer cursor than is taken back.
    written = json.dumps([sort, key, str(row.id)], ensure_ascii=False)
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _decode(cursor: str, sort: str, column: InstrumentedAttribute[Any]) -> tuple[Any, UUID]:
    try:
        made_for, key, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        identity = UUID(row_id)
        value = _value(key, column)
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise _wrong_cursor() from None
    if made_for != sort:
        raise _wrong_cursor()
    return value, identity


def _value(key: Any, column: InstrumentedAttribute[Any]) -> Any:
    """What a cursor says of its row's place. Raises ValueError for what the column cannot hold."""
    if key is None and _may_be_null(column):
        return None
    kind = column.type.python_type
    if isinstance(key, str) == (kind is int):
        raise ValueError("neither a number nor a text, where it should be")
    if isinstance(key, str):
        key.encode()  # half of a surrogate pair is no text, and the driver could not send it
    return datetime.fromisoformat(key) if kind is datetime else kind(key)


def _wrong_cursor() -> InvalidRequest:
    return InvalidRequest("Wrong cursor.", [FieldError("cursor", "use next_cursor of the page before, same sort")])
