"""Sample documents made by this project, with the fields each of them holds.

`documents/` holds the files as people would send them, good and bad; `expected/` one JSON file for each, apart from the documents so
that `ingestio extract ingestio/samples/documents` sees documents only. `python -m tests.data.make_samples` draws both anew.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ingestio.domain.batches import PromptStrategy

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Sample:
    """One file and what must come of it.

    `expected` holds `document_type`, `pages` and `fields` (values by path, normalised as in a result); a file that is refused
    holds `refused` with its code instead, and a picture without a text layer `scanned` beside its fields.
    """

    path: Path
    expected: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether it is accepted, so that its fields must come out."""
        return self.refused is None

    @property
    def refused(self) -> str | None:
        """The code with which the file is refused at upload."""
        return self.expected.get("refused")

    @property
    def scanned(self) -> bool:
        """Whether it is a picture, whose words have to be recognised."""
        return bool(self.expected.get("scanned", False))

    @property
    def pages(self) -> int:
        """Its pages; none when it is refused."""
        return int(self.expected.get("pages", 0))

    @property
    def fields(self) -> dict[str, str]:
        """Expected values by path such as `line_items[0].amount`; empty when it is refused."""
        return dict(self.expected.get("fields", {}))


@dataclass(frozen=True, slots=True)
class DemoBatch:
    """What the demo submits at once: `prompt` for all, or `prompts` one for each sample in order, or neither under `auto`."""

    name: str
    strategy: PromptStrategy
    samples: tuple[Sample, ...]
    prompt: str | None = None
    prompts: tuple[str, ...] = ()


def folder() -> Path:
    """Where the samples live."""
    return _HERE


def documents_folder() -> Path:
    """Where the files themselves are: nothing else is in there."""
    return _HERE / "documents"


def expected_folder() -> Path:
    """Where their expectations are, named as the file with `.json` behind it."""
    return _HERE / "expected"


@cache
def samples() -> tuple[Sample, ...]:
    """All samples, sorted by file name."""
    paths = sorted(documents_folder().iterdir(), key=lambda path: path.name.casefold())
    return tuple(
        Sample(path, json.loads((expected_folder() / f"{path.name}.json").read_text("utf-8"))) for path in paths
    )


def sample(filename: str) -> Sample:
    """The sample of that file name; KeyError when there is none."""
    return {each.path.name: each for each in samples()}[filename]


_INVOICES = (
    "invoice-HP-104482.pdf",
    "Rechnung_RE-2026-0417.pdf",
    "facture-F2026-0118.pdf",
    "factura-2026-A-0093.pdf",
    "payslip-2026-10.pdf",
)

_PROMPTS = {
    "Larkfield-Brindle-MSA-2026.pdf": "Extract the parties, the effective date, the term and the governing law.",
    "CV_Ingrid_Solheim_Bakke.pdf": "Extract name, email, phone, location and skills.",
    "statement-2026-09.pdf": "Extract the account holder, IBAN, opening balance, closing balance and all transactions.",
    "PO-4500017832.pdf": "Extract the purchase order number, order date, delivery date, vendor name and total amount.",
    "terms-of-delivery.pdf": "Extract the title and the date.",
}

_MIX = (
    "Kassenbon_2026-11-14.pdf",
    "scan_2026-09-21_0003.jpg",
    "receipt-kettle-and-crumb.pdf",
    "Alpenblick Rechnung 26-0388.pdf",
    "invoice-771203.txt",
    "Kontoauszug_2026-10.pdf",
    "letter-wenlock-heritage.pdf",
    "report-rivermead-greenway.pdf",
    "membership-application-marchetti.pdf",
    "invoice-771204.pdf",
)


def demo_batch(strategy: PromptStrategy) -> DemoBatch:
    """The demo's batch for a strategy: readable documents and one file that is refused, each time for another reason."""
    match strategy:
        case PromptStrategy.GLOBAL:
            prompt = "Extract the invoice number, invoice date, due date, vendor name, subtotal, tax amount, total amount and currency."
            return DemoBatch("Supplier invoices", strategy, tuple(map(sample, _INVOICES)), prompt=prompt)
        case PromptStrategy.PER_DOCUMENT:
            return DemoBatch(
                "A prompt for each", strategy, tuple(map(sample, _PROMPTS)), prompts=tuple(_PROMPTS.values())
            )
        case PromptStrategy.AUTO:
            return DemoBatch("Monday's mail", strategy, tuple(map(sample, _MIX)))
