"""What one document is asked, and what counts as an answer to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.domain.windows import PageWindow
from ingestio.errors import DocumentFailed
from ingestio.extraction.base import OTHER
from ingestio.extraction.gemini import wording
from ingestio.extraction.schemas import DOCUMENT_TYPES, json_schema, validate

_TYPE, _DATA = "document_type", "data"
_NAMED_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Found:
    """A valid answer: normalised data, and the type that the model saw when it was asked for it."""

    data: dict[str, Any]
    document_type: str


class Unfit(Exception):
    """An answer that does not fit the schema; the message names paths, never values."""


@dataclass(frozen=True, slots=True)
class Question:
    """The fields that are wanted, and what the user said about them. `asks_type`: nobody classified the document yet.

    `window`: what is sent are only these pages of a document of `page_count`; None: all of it.
    """

    fields: tuple[FieldSpec, ...]
    user_data: str
    asks_type: bool
    window: PageWindow | None = None
    page_count: int = 0

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the answer."""
        data = json_schema(self.fields)
        if not self.asks_type:
            return data
        return {
            "type": "object",
            "properties": {_TYPE: {"type": "string", "enum": list(DOCUMENT_TYPES)}, _DATA: data},
            "required": [_TYPE, _DATA],
            "additionalProperties": False,
        }

    @property
    def before(self) -> list[str]:
        """What precedes the document: the user's words when they are long, and so the same beginning for every document."""
        return [self.user_data] if len(self.user_data) >= wording.LONG_CHARACTERS else []

    def after(self, problem: str | None = None) -> list[str]:
        """What follows the document, in order: the user's words and an earlier answer's `problem` as data, then the rules."""
        rules = wording.EXTRACTION_RULES
        if self.window is not None:
            rules += wording.part_rule(self.window, self.page_count)
        if problem is not None:
            rules += wording.REPAIR_RULE
        data = [] if self.before else [self.user_data]
        if problem is not None:
            data.append(wording.repair_data(problem))
        return [*filter(None, data), rules]

    def read(self, value: Any) -> Found:
        """The answer's data, each field there and of its kind. Raises Unfit."""
        document_type: str = OTHER
        data = value
        if self.asks_type:
            if not isinstance(value, Mapping) or not isinstance(value.get(_DATA), Mapping):
                raise Unfit(f"{_DATA}: an object was expected")
            data = value[_DATA]
            document_type = next((name for name in DOCUMENT_TYPES if name == value.get(_TYPE)), OTHER)
        # A field that is missing was not looked for; taking it for null would report as absent what may be in the document.
        missing = _missing(data, self.fields, "")
        if missing:
            raise Unfit("; ".join(f"{path}: missing" for path in missing[:_NAMED_PROBLEMS]))
        try:
            return Found(validate(data, self.fields), document_type)
        except DocumentFailed as error:
            raise Unfit(error.detail) from None


def _missing(value: Any, fields: Sequence[FieldSpec], path: str) -> list[str]:
    """Paths of required fields that objects do not have; other shapes are for `validate` to judge."""
    if not isinstance(value, Mapping):
        return []
    missing: list[str] = []
    for field in fields:
        where = f"{path}{field.name}"
        if field.name not in value:
            missing.append(where)
        elif field.kind is FieldKind.OBJECT:
            missing += _missing(value[field.name], field.children, f"{where}.")
        elif field.kind is FieldKind.LIST and isinstance(value[field.name], list):
            for index, entry in enumerate(value[field.name]):
                missing += _missing(entry, field.children, f"{where}[{index}].")
    return missing
