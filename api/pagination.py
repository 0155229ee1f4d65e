"""The query parameters that every list takes, and the shape that every list answers in (R88)."""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from ingestio.db.pages import MAXIMUM, PageRequest

T = TypeVar("T")

_LONGEST_CURSOR = 4096


class Listed(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


def _page(default_sort: str) -> Callable[..., PageRequest]:
    def page(
        limit: Annotated[int, Query(ge=1, le=MAXIMUM)] = 50,
        cursor: Annotated[str | None, Query(max_length=_LONGEST_CURSOR)] = None,
        sort: Annotated[
            str, Query(max_length=64, description="A field name, `-` before it for descending.")
        ] = default_sort,
    ) -> PageRequest:
        return PageRequest(limit, cursor, sort)

    return page


NewestFirst = Annotated[PageRequest, Depends(_page("-created_at"))]
InDocumentOrder = Annotated[PageRequest, Depends(_page("position"))]
