"""Which fields a document is read for, as a schema for a model and as a strict check of what comes back (R76, R77, R78)."""

import re
from dataclasses import dataclass, replace
from typing import Any

from ingestio.domain.fields import FieldKind, FieldSpec
from ingestio.errors import DocumentFailed, FailureCode
from ingestio.extraction.base import OTHER
from ingestio.extraction.catalogue import DOCUMENT_TYPES, Concept, DocumentType
from ingestio.extraction.prompts import requested_fields
from ingestio.extraction.requested import RequestedField
from ingestio.extraction.tokens import compact, fold
from ingestio.extraction.values import NotOfKind, normalise

__all__ = ["DOCUMENT_TYPES", "Concept", "DocumentType", "Wanted", "fields_for", "json_schema", "validate", "wanted_for"]

_MAX_ITEMS = 20_000
_WRITING = {
    FieldKind.DATE: "ISO 8601 date, as precise as the document is (YYYY-MM-DD, YYYY-MM or YYYY)",
    FieldKind.AMOUNT: "decimal string with a point and no thousands separators, such as 1234.50",
    FieldKind.NUMBER: "decimal string with a point, such as 12 or 1.5",
    FieldKind.CURRENCY: "ISO 4217 code, such as EUR",
    FieldKind.IBAN: "without blanks",
    FieldKind.ADDRESS: "on one line, parts separated by commas",
}
# How a field that no type knows gives its kind away: by the last word of its name, first match wins.
_WORDS_BY_KIND = {
    FieldKind.IBAN: "iban",
    FieldKind.EMAIL: "email mail emails",
    FieldKind.DATE: "date dates datum fecha deadline birthday dob day expiry expires",
    FieldKind.PHONE: "phone telephone mobile fax tel cell",
    FieldKind.CURRENCY: "currency",
    FieldKind.ADDRESS: "address adresse anschrift direccion indirizzo",
    FieldKind.AMOUNT: "amount total price cost fee fees balance sum charge charges tax salary rent premium value discount deposit "
    "subtotal gross net rate betrag summe preis montant prix importe precio importo prezzo bedrag prijs",
    FieldKind.IDENTIFIER: "number no nr id code reference ref nummer numero sku isbn vin",
    FieldKind.NUMBER: "quantity qty count rooms nights guests pages weight percentage percent units age hours days pieces",
}
_KIND_WORDS = tuple((kind, frozenset(text.split())) for kind, text in _WORDS_BY_KIND.items())
_SHORTER_LABELS = (
    ("number", ("no", "nr", "id", "")),
    ("id", ("no", "number", "")),
    ("date", ("",)),
    ("name", ("",)),
    ("amount", ("",)),
    ("code", ("", "no")),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field to find. `concept` is what the types know about it, and None for a field of the user's own."""

    spec: FieldSpec
    concept: Concept | None


def fields_for(document_type: str | None, prompt: str | None) -> tuple[FieldSpec, ...]:
    """The fields that `prompt` names, under the user's names, or the type's default ones when it names none.

    A type's own default prompt means its default fields. An unknown or missing type counts as `other`.
    """
    return tuple(wanted.spec for wanted in wanted_for(document_type, prompt))


def wanted_for(document_type: str | None, prompt: str | None) -> tuple[Wanted, ...]:
    """As `fields_for`, with what the types know about each field."""
    kind = DOCUMENT_TYPES.get(document_type or OTHER, DOCUMENT_TYPES[OTHER])
    if prompt and prompt.strip():
        words = " ".join(prompt.split())
        default_of = next(
            (each for each in DOCUMENT_TYPES.values() if words in (each.default_prompt, *each.earlier_prompts)), None
        )
        asked = () if default_of else requested_fields(prompt)
        if asked:
            return tuple(_wanted(field, kind) for field in asked)
        kind = default_of or kind
    return tuple(Wanted(concept.spec, concept) for concept in kind.concepts if not concept.extra)


def _wanted(asked: RequestedField, document_type: DocumentType) -> Wanted:
    concept = _concept_for(asked, document_type)
    if concept is None:
        return Wanted(_own_field(asked), None)
    is_list = concept.spec.kind is FieldKind.LIST
    if asked.kind is FieldKind.OBJECT or (asked.kind is FieldKind.LIST and not is_list):
        return Wanted(_own_field(asked), None)  # the user wants another shape than the types know
    children = concept.spec.children
    if asked.children:
        children = tuple(_child(each, concept) for each in asked.children)
    spec = replace(
        concept.spec, name=asked.name, description=asked.description or concept.spec.description, children=children
    )
    return Wanted(spec, concept)


def _child(asked: RequestedField, parent: Concept) -> FieldSpec:
    known = child_concept(asked.name, parent) or child_concept(asked.label, parent)
    if known is None:
        return _own_field(asked)
    return replace(known.spec, name=asked.name, description=asked.description or known.spec.description)


def child_concept(asked: str, parent: Concept) -> Concept | None:
    """The column or part of `parent` that goes by this name."""
    key = compact(asked)
    by_name = next((each for each in parent.children if compact(each.name) == key), None)
    return by_name or next((each for each in parent.children if key in each.aliases), None)


def _concept_for(asked: RequestedField, document_type: DocumentType) -> Concept | None:
    """The type's own concept first, then the other types' in their order; plural and possessive forms count as well."""
    spellings = dict.fromkeys(
        (asked.label, asked.name, re.sub(r"s$", "", asked.label), re.sub(r"['’]s\b", "", asked.label))
    )
    for kind in (document_type, *(each for each in DOCUMENT_TYPES.values() if each is not document_type)):
        for spelling in spellings:
            concept = kind.concept(spelling)
            if concept is not None:
                return concept
    return None


def _own_field(asked: RequestedField) -> FieldSpec:
    """A field that no type knows: its label is its name, its kind what the prompt or the words of the name say."""
    kind = asked.kind or _kind_by_name(asked.label)
    children = tuple(_own_field(child) for child in asked.children)
    if kind is FieldKind.OBJECT and not children:
        kind = FieldKind.TEXT
    return FieldSpec(asked.name, kind, asked.description or asked.label, _own_labels(asked.label), children)


def _kind_by_name(label: str) -> FieldKind:
    words = re.findall(r"[^\W_]+", fold(label))
    for kind, signs in _KIND_WORDS:
        if words and (words[-1] in signs or (kind is not FieldKind.AMOUNT and words[-1].rstrip("s") in signs)):
            return kind
    if words and words[0] in ("total", "date", "datum", "fecha"):
        return FieldKind.AMOUNT if words[0] == "total" else FieldKind.DATE
    return FieldKind.TEXT


def _own_labels(label: str) -> tuple[str, ...]:
    """The name itself, and the ways in which `number`, `date` and `name` are left out or abbreviated on paper."""
    plain = " ".join(re.findall(r"[^\W_]+", label))
    labels = [plain]
    for word, others in _SHORTER_LABELS:
        if re.search(rf"(?i)\s{word}$", plain):
            labels.extend(re.sub(rf"(?i)\s{word}$", f" {other}", plain).strip() for other in others)
    return tuple(dict.fromkeys(labels))


def json_schema(fields: tuple[FieldSpec, ...]) -> dict[str, Any]:
    """A JSON Schema for a model's structured answer: every field required and nullable, nothing else allowed."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _property(field: FieldSpec) -> dict[str, Any]:
    description = "; ".join(filter(None, (field.description.rstrip("."), _WRITING.get(field.kind))))
    if field.kind is FieldKind.LIST:
        items = json_schema(field.children) if field.children else {"type": "string"}
        return {"type": ["array", "null"], "description": description, "items": items}
    if field.kind is FieldKind.OBJECT:
        return {**json_schema(field.children), "type": ["object", "null"], "description": description}
    return {"type": ["string", "null"], "description": description}


def validate(data: Any, fields: tuple[FieldSpec, ...]) -> dict[str, Any]:
    """The asked-for values of `data`, normalised: in the fields' order, absent ones None, others left out.

    Raises DocumentFailed(model_output_invalid) naming the paths that do not fit: a value of another shape, a date that is none,
    an amount that is not one number. The values themselves are never in the message.
    """
    problems: list[str] = []
    if not isinstance(data, dict):
        raise DocumentFailed(FailureCode.MODEL_OUTPUT_INVALID, "The model's answer is not an object.")
    checked = {field.name: _checked(data.get(field.name), field, field.name, problems) for field in fields}
    if problems:
        named = "; ".join(problems[:10]) + ("" if len(problems) <= 10 else f"; and {len(problems) - 10} more")
        raise DocumentFailed(FailureCode.MODEL_OUTPUT_INVALID, f"The model's answer does not fit the schema: {named}.")
    return checked


def _checked(value: Any, field: FieldSpec, path: str, problems: list[str]) -> Any:
    if value is None:
        return None
    if field.kind is FieldKind.LIST:
        return _checked_list(value, field, path, problems)
    if field.kind is FieldKind.OBJECT:
        if not isinstance(value, dict):
            problems.append(f"{path}: an object was expected")
            return None
        parts = {
            part.name: _checked(value.get(part.name), part, f"{path}.{part.name}", problems) for part in field.children
        }
        return parts if any(part is not None for part in parts.values()) else None
    try:
        return normalise(field.kind, value)
    except NotOfKind as error:
        problems.append(f"{path}: {error}")
        return None


def _checked_list(value: Any, field: FieldSpec, path: str, problems: list[str]) -> list[Any] | None:
    if not isinstance(value, list):
        problems.append(f"{path}: a list was expected")
        return None
    if len(value) > _MAX_ITEMS:
        problems.append(f"{path}: more than {_MAX_ITEMS} entries")
        return None
    entry = FieldSpec("", FieldKind.OBJECT if field.children else FieldKind.TEXT, children=field.children)
    entries = [_checked(each, entry, f"{path}[{index}]", problems) for index, each in enumerate(value)]
    return [each for each in entries if each is not None] or None
