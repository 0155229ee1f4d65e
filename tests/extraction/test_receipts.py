"""Till rolls as tills print them: several totals, dates without a label, a tax invoice that is a receipt."""

from pathlib import Path

from ingestio.domain.fields import Extraction
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.classify import classify_text
from ingestio.extraction.local.engine import extract_from
from tests.extraction.typed import typed

ROLL = """
KEDAI SERI AMAN
NO 12, JALAN MERANTI 3/2
47100 PUCHONG
TAX INVOICE
Inv No : CS00012456
14/03/2018 18:22
BREAD            3.70
MILO            35.00
EGGS            12.38
Sub Total       51.08
Rounding         0.02
Total Qty        3.00
Rounded         51.10
CASH            60.00
CHANGE           8.90
Goods may be returned until 21/03/2018
"""


def read(paper: str) -> Extraction:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, None, "Extract the total, date and vendor")
    return extract_from(typed(paper), request)


def test_a_tax_invoice_on_a_till_roll_is_a_receipt() -> None:
    assert classify_text(typed(ROLL)).document_type == "receipt"


def test_the_total_is_what_was_given_less_what_was_given_back() -> None:
    assert read(ROLL).data["total"] == "51.10"


def test_an_amount_that_is_printed_nowhere_is_no_total() -> None:
    without = "\n".join(line for line in ROLL.splitlines() if not line.startswith(("Rounded", "Sub", "Total Qty")))
    assert read(without).data["total"] is None


def test_the_date_beside_the_time_is_that_of_the_purchase() -> None:
    assert read(ROLL).data["date"] == "2018-03-14"
    assert read(ROLL.replace("14/03/2018 18:22\n", "")).data["date"] is None


def test_the_shop_is_the_first_line() -> None:
    assert read(ROLL).data["vendor"] == "KEDAI SERI AMAN"


ISLAND = """
LIAN HUAT HARDWARE
83000 BATU PAHAT
CASH BILL
No. 11872    Date: 05-01-18
PIPE            14.00
WALL PLUG        6.50
SCREW           10.00
TOTAL SALES     30.50
DISCOUNT         0.50
TOTAL           30.00
CASH            50.00
BALANCE         20.00
"""


def test_a_balance_below_the_cash_is_what_came_back_and_not_the_total() -> None:
    request = ExtractRequest(Path("receipt"), "image/jpeg", 1, "receipt", "Extract the total")
    assert extract_from(typed(ISLAND), request).data["total"] == "30.00"
