"""Draws the evaluation's data set: `python -m tests.data.make_evaluation FOLDER [--part]`. The bytes are the same every time.

200 documents in two folders, `text` and `scans`: eight layouts of invoices in seven languages and what else people send. A scan is a paper
of the same kind as a picture: turned a little, blurred, noisy, some of it upside down. Beside each lies its truth (`ingestio eval`).
`--part`: every fifth document with a text layer, which is what the tests read.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.data.evaluation.facts import LANGUAGES, Voice, invoice
from tests.data.evaluation.invoices import LAYOUTS
from tests.data.evaluation.others import MAKERS
from tests.data.scans import encoded, rendered, scanned
from tests.data.trade import Invoice
from tests.data.writing import plain

SEED = 20261128
PART = 5
# Each in every language.
_INVOICES = 18
_OTHERS = {"receipt": 28, "bank_statement": 14, "contract": 14, "resume": 7, "letter": 4}
_ORDERS = 7
# Where a layout does not show what others do.
_NO_IBAN = frozenset({"cards", "typed", "sidebar"})


@dataclass(frozen=True, slots=True)
class Plan:
    """One document to draw: everything about it follows from its number."""

    number: int
    document_type: str
    language: str
    layout: int = 0

    @property
    def scanned(self) -> bool:
        return self.number % 5 == 3 and self.document_type in ("invoice", "receipt")

    @property
    def name(self) -> str:
        kind = LAYOUTS[self.layout].__name__ if self.document_type in ("invoice", "purchase_order") else ""
        return "-".join(filter(None, (f"{self.number:03}", self.document_type, kind, self.language)))


def plans() -> Iterator[Plan]:
    """All 200, in order."""
    number = 0
    for invoices in range(_INVOICES):
        for language in LANGUAGES:
            yield Plan(number, "invoice", language, invoices % len(LAYOUTS))
            number += 1
    kinds = [kind for kind, count in _OTHERS.items() for _ in range(count)] + ["purchase_order"] * _ORDERS
    for index, kind in enumerate(kinds):
        yield Plan(number, kind, LANGUAGES[index % len(LANGUAGES)], index % len(LAYOUTS))
        number += 1


def drawn(plan: Plan) -> tuple[dict[str, Any], bytes]:
    """The truth about a document, and its PDF."""
    voice = Voice(plan.language, Random(SEED * 1000 + plan.number))
    fields: dict[str, str | None]
    if plan.document_type in MAKERS:
        said, content = MAKERS[plan.document_type](voice)
        fields = dict(said)
    else:
        order = plan.document_type == "purchase_order"
        count = 30 if plan.number % 11 == 7 and not plan.scanned else voice.random.randrange(1, 9)
        facts = invoice(voice, count, order=order)
        layout = LAYOUTS[plan.layout]
        content = layout(facts, voice, order)
        fields = dict(facts.fields(with_amount_due=bool(facts.paid)))
        if len(facts.taxes) > 1:
            fields["tax_amount"] = None  # each rate's tax is printed, their sum is not
        if not order:
            fields |= _by_rate(facts)
        if order:
            fields = _of_order(fields)
        elif layout.__name__ in _NO_IBAN:
            fields.pop("iban")
    return {"document_type": plan.document_type, "fields": fields}, content


def _by_rate(facts: Invoice) -> dict[str, str]:
    fields: dict[str, str] = {}
    for index, (rate, (_, tax)) in enumerate(facts.taxes.items()):
        fields[f"tax_breakdown[{index}].rate"] = plain(rate)
        fields[f"tax_breakdown[{index}].amount"] = str(tax)
    return fields


def _of_order(fields: dict[str, str | None]) -> dict[str, str | None]:
    """An order's names for what an invoice calls otherwise; its customer is the buyer."""
    renamed = {"invoice_number": "purchase_order_number", "invoice_date": "order_date", "customer_name": "buyer_name"}
    left_out = ("due_date", "purchase_order_number", "vendor_tax_id", "iban")
    kept = {name: value for name, value in fields.items() if name not in left_out}
    return {renamed.get(name, name): value for name, value in kept.items()}


def picture(plan: Plan, pdf: bytes) -> bytes:
    """The first page as an office scanner gives it; what is more than one page became one by its few lines."""
    random = Random(plan.number)
    page = rendered(pdf, 200 if plan.document_type == "receipt" else 150)[0]
    degrees = random.choice((0.4, -0.7, 1.3, -1.8, 2.4)) + (180 if random.random() < 0.15 else 0)
    return encoded(
        scanned(page, degrees, strength=random.randrange(10, 34), seed=plan.number), "JPEG", quality=72, dpi=(150, 150)
    )


def write(folder: Path, *, part: bool = False) -> int:
    """Writes the data set and answers how many documents it has."""
    count = 0
    for plan in plans():
        if part and (plan.scanned or plan.number % PART):
            continue
        truth, pdf = drawn(plan)
        place = folder / ("scans" if plan.scanned else "text")
        place.mkdir(parents=True, exist_ok=True)
        suffix, content = (".jpg", picture(plan, pdf)) if plan.scanned else (".pdf", pdf)
        (place / f"{plan.name}{suffix}").write_bytes(content)
        (place / f"{plan.name}{suffix}.json").write_text(
            json.dumps(truth, ensure_ascii=False, indent=1) + "\n", "utf-8"
        )
        count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", action="store_true")
    arguments = parser.parse_args()
    print(f"{write(arguments.folder, part=arguments.part)} documents in {arguments.folder}")


if __name__ == "__main__":
    main()
