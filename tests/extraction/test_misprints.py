"""Words of labels that recognition got nearly right, and words that only look like them."""

import pytest

from ingestio.extraction.misprints import put_right
from tests.extraction.test_tills import read
from tests.extraction.typed import typed

FAINT = """
TOKO CEMARA
GULA 1KG                27.000
Tatal Item    3
5ubtotal                27.000
PAJAK                    2.700
TUTAL                   29.700
TUNAT                   58.700
KEMBALI                 29.000
Total Savings               0
"""


@pytest.mark.parametrize(
    ("seen", "printed"),
    [
        ("TUTAL", "TOTAL"),
        ("Tatal", "Total"),
        ("CA5H", "CASH"),
        ("Anount (RM)", "Amount (RM)"),
        ("TOTA1: 9.00", "TOTAL: 9.00"),
    ],
)
def test_a_word_that_sums_hang_on_is_put_right(seen: str, printed: str) -> None:
    assert put_right(seen) == printed


@pytest.mark.parametrize("word", ["CHARGE", "CASE", "Dates", "DOTE", "TIME", "TOT0L5", "Müller"])
def test_another_word_stays_as_it_is(word: str) -> None:
    assert put_right(word) == word


def test_the_total_of_a_faint_receipt_is_found_and_quoted_as_it_was_seen() -> None:
    found = read(typed(FAINT, confidence=0.9))
    assert found.data["total_amount"] == "29700.00"
    assert found.data["subtotal"] == "27000.00"


def test_text_in_the_file_is_what_it_is() -> None:
    assert (
        read(typed("Tatal   12.00\nReceipt\nChange   1.00\nTime 12:10", confidence=1.0)).data.get("total_amount")
        is None
    )
