"""Results on the wire."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ingestio.db.results import ResultRow
from ingestio.domain.evidence import FieldState
from ingestio.domain.reviews import Scalar, corrected_data, corrected_fields


class Evidence(BaseModel):
    """Where a value was seen."""

    page: int = Field(description="From 1.")
    quote: str
    box: tuple[float, float, float, float] | None = Field(
        description="x0, y0, x1, y1 in PDF points from the page's top left."
    )


class ResultField(BaseModel):
    """One value with its evidence."""

    path: str = Field(description="A place inside `data`, such as `line_items[0].amount`.")
    value: str | int | float | bool | None
    state: FieldState
    confidence: float
    reviewed: bool = Field(False, description="Whether `value` is a person's.")
    machine_value: str | int | float | bool | None = Field(
        None,
        description="What the machine read, where `value` is a person's; state, confidence and evidence belong to it.",
    )
    evidence: list[Evidence]


class ResultUsage(BaseModel):
    """What the extraction cost."""

    pages: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int = Field(description="Among the input: what the model's service had kept from an earlier call.")
    thinking_tokens: int = Field(description="Among the output: what the model thought before it answered.")
    estimated_cost: str | None = Field(
        description="What the tokens come to at the operator's prices, in their currency; null where these are not known."
    )


class Result(BaseModel):
    """What a document holds."""

    document_id: UUID
    document_type: str
    provider: str
    model: str
    revision: int
    review: Literal["pending", "approved", "rejected"]
    data: dict[str, Any]
    fields: list[ResultField]
    flags: list[Any]
    usage: ResultUsage
    reused_from: UUID | None

    @classmethod
    def of(cls, row: ResultRow, corrections: Mapping[str, Scalar]) -> "Result":
        return cls(
            document_id=row.document_id,
            document_type=row.document_type,
            provider=row.provider,
            model=row.model,
            revision=row.revision,
            review="pending" if row.review is None else row.review.value,
            data=corrected_data(row.data, corrections),
            fields=[ResultField.model_validate(item) for item in corrected_fields(row.fields, corrections)],
            flags=row.flags,
            usage=ResultUsage(pages=row.pages, **dataclasses.asdict(row.usage)),
            reused_from=row.reused_from,
        )
