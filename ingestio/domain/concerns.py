"""Why a person should look at a result: the rules of the review queue, in one place (R85).

A concern is a code. `unsupported_value`, `missing_value` and `low_confidence` come from the fields; every flag that a result carries
(pages without text, hidden text, a check that failed) is a concern under its own code, unless the rules leave it out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from ingestio.domain.evidence import FieldState


class Concern(StrEnum):
    """What can be the matter with a field."""

    UNSUPPORTED = "unsupported_value"
    MISSING = "missing_value"
    LOW_CONFIDENCE = "low_confidence"


# When nobody named fields, most of a type's fields may be missing from a good document; these may not.
EXPECTED = {
    "invoice": frozenset({"invoice_number", "invoice_date", "vendor_name", "total_amount"}),
    "receipt": frozenset({"merchant_name", "receipt_date", "total_amount"}),
    "purchase_order": frozenset({"purchase_order_number", "order_date"}),
    "bank_statement": frozenset({"closing_balance", "transactions"}),
    "contract": frozenset({"parties"}),
    "resume": frozenset({"name"}),
    "id_document": frozenset({"document_number", "surname"}),
}


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """Which concerns bring a document into the queue; `INGESTIO_REVIEW_RULES` overrides them by these names."""

    unsupported: bool = True
    missing: bool = True
    """A value that a prompt named, or without one, that every document of its type has."""
    confidence_below: float = 0.5
    ignored_flags: tuple[str, ...] = ("instructions_not_applied", "lane_not_available")


def overridden(rules: ReviewRules, changes: Mapping[str, Any]) -> ReviewRules:
    """The rules with some changed. Raises ValueError that says which name or value is wrong."""
    known = {field.name: getattr(rules, field.name) for field in fields(rules)}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"{name} is no rule; known are {', '.join(known)}")
        if name == "ignored_flags":
            if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
                raise ValueError(f"{name} must be a list of codes")
            value = tuple(value)
        elif isinstance(known[name], bool) != isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} must be {'true or false' if isinstance(known[name], bool) else 'a number'}")
        elif not 0 <= value <= 1:
            raise ValueError(f"{name} must be a number from 0 to 1")
        known[name] = value
    return ReviewRules(**known)


def concerns_of(
    document_type: str,
    result_fields: Iterable[Mapping[str, Any]],
    flags: Iterable[Mapping[str, Any]],
    rules: ReviewRules,
    *,
    asked_for: bool,
) -> list[str]:
    """The concerns of one result, each once. `asked_for`: a prompt of the user's own named the fields.

    A field that a person has set is no concern any more. Cells of a list may be empty without one.
    """
    expected = EXPECTED.get(document_type, frozenset())
    found: dict[str, None] = {}
    for field in result_fields:
        if field.get("reviewed"):
            continue
        match field["state"]:
            case FieldState.UNSUPPORTED if rules.unsupported:
                found[Concern.UNSUPPORTED.value] = None
            case FieldState.NOT_FOUND if rules.missing:
                if "[" not in field["path"] and (asked_for or field["path"] in expected):
                    found[Concern.MISSING.value] = None
            case FieldState.SUPPORTED if field["confidence"] < rules.confidence_below:
                found[Concern.LOW_CONFIDENCE.value] = None
            case _:
                pass
    codes = (flag.get("code") for flag in flags)
    found |= {code: None for code in codes if isinstance(code, str) and code not in rules.ignored_flags}
    return list(found)
