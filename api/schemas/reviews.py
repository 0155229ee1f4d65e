"""Reviews on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ingestio.db.revisions import RevisionRow
from ingestio.domain.reviews import ReviewDecision, RevisionKind
from ingestio.services.reviews import FieldChange

_LARGEST_REVISION = 2**31 - 2
_MOST_CHANGES = 1000
_LONGEST_PATH = 300
_SEEN = Field(ge=0, le=_LARGEST_REVISION, description="The revision of the result that the change is made to.")


class Change(BaseModel):
    """A person's value for one field."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        min_length=1,
        max_length=_LONGEST_PATH,
        description="A place inside `data`, such as `line_items[0].amount`; one past the last row adds a row.",
    )
    value: str | None = Field(
        description="In the form of results: amounts are decimal strings, dates ISO 8601, currencies ISO 4217. Null: the document has none."
    )

    @property
    def wanted(self) -> FieldChange:
        return FieldChange(self.path, self.value)


class Corrections(BaseModel):
    """Changes to one result: all of them are made, or none."""

    model_config = ConfigDict(extra="forbid")

    revision: int = _SEEN
    changes: list[Change] = Field(min_length=1, max_length=_MOST_CHANGES)


class Review(BaseModel):
    """A verdict on a result as it stands."""

    model_config = ConfigDict(extra="forbid")

    revision: int = _SEEN
    decision: ReviewDecision


class Revision(BaseModel):
    """One value that changed, or one decision."""

    id: UUID
    revision: int = Field(description="What one request or one extraction changed shares a number.")
    kind: RevisionKind = Field(
        description="`correction` and `decision` are a person's; another extraction leaves `kept` where a person's value stands over "
        "what was read this time, and `extraction` where it read another value than the one that stood before."
    )
    path: str | None = Field(description="Null for a decision.")
    before: Any = None
    after: Any = None
    by: str = Field(description="The user's id.")
    created_at: datetime

    @classmethod
    def of(cls, row: RevisionRow) -> "Revision":
        return cls(
            id=row.id,
            revision=row.revision,
            kind=row.kind,
            path=row.path or None,
            before=row.before,
            after=row.after,
            by=row.user_id,
            created_at=row.created_at,
        )
