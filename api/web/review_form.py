"""The form of the review page: which control a value is typed into, and what a person changed in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from starlette.datastructures import FormData

from api.deps import Caller
from api.schemas.results import ResultField
from api.web.visitors import text_of
from ingestio.db import results, revisions
from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.domain.reviews import corrected_fields, parse_path
from ingestio.errors import InvalidRequest
from ingestio.extraction.corrections import FORMS, kind_at
from ingestio.services.reviews import FieldChange

PREFIX = "value."
MOST_CONTROLS = 600
"""Of a statement of a thousand lines the first ones can be corrected on the page, the others through the API."""
_LONGEST_LINE = 60
_LARGEST_REVISION = 2**31 - 2
_PATTERNS = {
    FieldKind.AMOUNT: r"\s*-?(0|[1-9]\d*)(\.\d+)?\s*",
    FieldKind.NUMBER: r"\s*-?(0|[1-9]\d*)(\.\d+)?\s*",
    FieldKind.DATE: r"\s*\d{4}(-\d{2}(-\d{2})?)?\s*",
    FieldKind.CURRENCY: r"\s*[A-Z]{3}\s*",
}
_KEYBOARDS = {
    FieldKind.AMOUNT: "decimal",
    FieldKind.NUMBER: "decimal",
    FieldKind.EMAIL: "email",
    FieldKind.PHONE: "tel",
}


@dataclass(frozen=True, slots=True)
class Control:
    """How a value is typed: a line of text, a date picker, or an area for what is long."""

    element: Literal["text", "date", "area"]
    hint: str = ""
    pattern: str = ""
    keyboard: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person sent: the revision that they had seen, their changes to it, and what they want done."""

    revision: int
    action: str
    changes: dict[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> list[FieldChange]:
        return [FieldChange(path, text) for path, text in self.changes.items()]


def controls(specs: Sequence[FieldSpec], fields: Sequence[ResultField], typed: Mapping[str, str]) -> dict[str, Control]:
    """A control for each field by path, as far as one page goes; each can hold what was typed, whatever the value is now."""
    return {
        item.path: _control(kind_at(specs, parse_path(item.path)), typed.get(item.path, written(item.value)))
        for item in fields[:MOST_CONTROLS]
        if not _is_absent_list(specs, item)
    }


def _is_absent_list(specs: Sequence[FieldSpec], item: ResultField) -> bool:
    """A list or an object that was not found is one empty field, and no value can be typed for the whole."""
    spec = next((each for each in specs if each.name == item.path), None)
    return spec is not None and spec.kind in {FieldKind.LIST, FieldKind.OBJECT}


def _control(kind: FieldKind | None, text: str) -> Control:
    if kind is FieldKind.DATE and (not text or _is_whole_date(text)):
        # A picker knows whole days only; `2026-10` is kept in a line of text.
        return Control("date")
    if len(text) > _LONGEST_LINE or "\n" in text or kind is FieldKind.ADDRESS:
        return Control("area")
    if kind is None:
        return Control("text")
    return Control("text", FORMS.get(kind, ""), _PATTERNS.get(kind, ""), _KEYBOARDS.get(kind, ""))


def _is_whole_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def written(value: Any) -> str:
    """A value as a control holds it."""
    return "" if value is None else str(value)


async def read_form(caller: Caller, document_id: UUID, form: FormData) -> Typed:
    """What changed against the revision that the page showed, whatever has come since: nothing that was typed is lost, and nothing
    that was only shown is taken for typed.
    """
    number = text_of(form, "revision")
    if not (number.isascii() and number.isdigit() and int(number) <= _LARGEST_REVISION):
        raise InvalidRequest("The form is not whole. Load the page again.")
    revision = int(number)
    shown = await _shown_at(caller, document_id, revision)
    sent = {name.removeprefix(PREFIX): _plain(text_of(form, name)) for name in form if name.startswith(PREFIX)}
    changes = {path: text for path, text in sent.items() if text != _plain(written(shown.get(path)))}
    return Typed(revision, text_of(form, "action"), changes)


def _plain(text: str) -> str:
    """Browsers send line breaks their own way."""
    return text.replace("\r\n", "\n").strip()


async def _shown_at(caller: Caller, document_id: UUID, revision: int) -> Mapping[str, Any]:
    """The values as they stood at a revision, which may be one of an earlier extraction, by path."""
    async with caller.reading() as session:
        row = await results.at_revision(session, caller.user_id, document_id, revision)
        if row is None:
            return {}
        said = await revisions.corrections(session, caller.user_id, [row.id], up_to=revision)
    return {item["path"]: item["value"] for item in corrected_fields(row.fields, said.get(row.id, {}))}
