"""Holds an attached electronic invoice against what the pages show.

The structured part leads: where it says something, that is the value. Whether a person can see the same on the page is a fact of its own:
what is printed nowhere stays without evidence, and a page that says something else is flagged, because one of the two is wrong or forged.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from ingestio.domain.evidence import FieldState
from ingestio.domain.fields import ExtractedField, FieldKind
from ingestio.extraction.einvoice import EInvoice
from ingestio.extraction.occurrences import Occurrences
from ingestio.extraction.schemas import Wanted, child_concept
from ingestio.extraction.tokens import compact
from ingestio.extraction.values import NotOfKind, normalise

# More than a reviewer reads of one document.
_MOST_NAMED = 50
_CONFIRMED = 0.99


@dataclass(slots=True)
class Checked:
    """The data with the electronic invoice's values in it. `confirmed`: paths where page and XML agree; `changed`: whose value is new."""

    data: dict[str, Any]
    confirmed: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    unprinted: list[str] = field(default_factory=list)

    def flags(self) -> list[dict[str, Any]]:
        """What the reviewer has to know."""
        flags: list[dict[str, Any]] = [{"code": "einvoice_mismatch", **each} for each in self.mismatches[:_MOST_NAMED]]
        if self.unprinted:
            flags.append({"code": "einvoice_only", "paths": self.unprinted[:_MOST_NAMED]})
        return flags


def check(data: dict[str, Any], wanted: tuple[Wanted, ...], invoice: EInvoice, seen: Occurrences) -> Checked:
    """`data` as it was read from the pages, completed and corrected by the electronic invoice. `data` itself stays as it is."""
    checked = Checked(dict(data))
    for each in wanted:
        if each.concept is None:
            continue
        name = each.spec.name
        if each.spec.kind is FieldKind.LIST:
            if each.concept.name == "line_items" and each.spec.children and invoice.lines:
                checked.data[name] = _lines(data.get(name), each, invoice, seen, checked)
        elif each.concept.name in invoice.values:
            printed = data.get(name)
            checked.data[name] = _value(printed, each.spec.kind, invoice.values[each.concept.name], name, seen, checked)
    return checked


def confirmed(field: ExtractedField) -> ExtractedField:
    """What page and electronic invoice say alike is as sure as anything gets."""
    return replace(field, confidence=_CONFIRMED) if field.state is FieldState.SUPPORTED else field


def _value(printed: Any, kind: FieldKind, attached: str, path: str, seen: Occurrences, checked: Checked) -> Any:
    try:
        value = normalise(kind, attached)
    except NotOfKind:
        return printed
    if value is None:
        return printed
    if _same(printed, value, kind):
        checked.confirmed.add(path)
        return printed
    checked.changed.add(path)
    if not seen.find(kind, value):
        if printed is None:
            checked.unprinted.append(path)
        else:
            checked.mismatches.append({"path": path, "printed": printed, "attached": value})
    return value


def _same(printed: Any, value: str, kind: FieldKind) -> bool:
    if printed is None:
        return False
    if kind is FieldKind.TEXT:
        # `ACME` on the page is `ACME GmbH` in the XML.
        one, other = compact(str(printed)), compact(value)
        return bool(one and other) and (one in other or other in one)
    if kind in (FieldKind.IDENTIFIER, FieldKind.TAX_ID):
        return compact(str(printed)) == compact(value)
    return bool(printed == value)


def _lines(
    printed: Any, wanted: Wanted, invoice: EInvoice, seen: Occurrences, checked: Checked
) -> list[dict[str, Any]]:
    """The line items: the pages' own where there are as many, each held against its line of the XML, else those of the XML."""
    assert wanted.concept is not None
    name = wanted.spec.name
    rows = printed if isinstance(printed, list) and all(isinstance(each, dict) for each in printed) else []
    if rows and len(rows) != len(invoice.lines):
        checked.mismatches.append({"path": name, "printed": str(len(rows)), "attached": str(len(invoice.lines))})
        rows = []
    lines: list[dict[str, Any]] = []
    for index, line in enumerate(invoice.lines):
        row = dict(rows[index]) if rows else {}
        for child in wanted.spec.children:
            known = child_concept(child.name, wanted.concept)
            attached = line.get(known.name) if known else None
            path = f"{name}[{index}].{child.name}"
            row[child.name] = (
                row.get(child.name)
                if attached is None
                else _value(row.get(child.name), child.kind, attached, path, seen, checked)
            )
        lines.append(row)
    return lines
