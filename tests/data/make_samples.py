"""Draws the sample documents anew: `python -m tests.data.make_samples`. The bytes are the same every time.

Each document gets a file of its expected outcome. A good one: document type, pages and values by path, normalised as in a
result. A picture: `failed` beside its true fields. A bad one: `refused` with the code.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from ingestio.samples import documents_folder, expected_folder
from tests.data import (
    american_invoices,
    boxed_invoices,
    british_invoice,
    contracts,
    german_invoices,
    letters,
    orders,
    receipts,
    refusals,
    scans,
    statements,
    typed_invoice,
)
from tests.data.trade import Made

MAKERS: tuple[Callable[[], Made], ...] = (
    american_invoices.american,
    british_invoice.british,
    american_invoices.software,
    german_invoices.german,
    german_invoices.swiss,
    boxed_invoices.french,
    boxed_invoices.spanish,
    boxed_invoices.dutch,
    typed_invoice.typed,
    receipts.cafe,
    receipts.supermarket,
    orders.purchase_order,
    orders.form,
    statements.british,
    contracts.services_agreement,
    letters.letter,
    letters.report,
    letters.resume,
    scans.receipt_jpeg,
    scans.invoice_png,
    scans.parking_webp,
    scans.contract_tiff,
    scans.invoice_scan_pdf,
    refusals.payslip,
    refusals.protected_statement,
    refusals.cut_off,
    refusals.web_page,
    refusals.archive,
)


def files() -> dict[Path, bytes]:
    """Every committed file with its content."""
    made: dict[Path, bytes] = {}
    for make in MAKERS:
        sample = make()
        made[documents_folder() / sample.filename] = sample.content
        text = json.dumps(sample.expected, indent=2, ensure_ascii=False) + "\n"
        made[expected_folder() / f"{sample.filename}.json"] = text.encode()
    return made


def main() -> None:
    """Writes what differs and removes what is no sample any more."""
    wanted = files()
    for folder in (documents_folder(), expected_folder()):
        folder.mkdir(exist_ok=True)
        for stale in set(folder.iterdir()) - set(wanted):
            stale.unlink()
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
