"""Names of sums that no list of labels has as a whole."""

import pytest

from ingestio.extraction.local.sum_names import sum_name
from ingestio.extraction.tokens import tokens


@pytest.mark.parametrize(
    ("printed", "named"),
    [
        ("Prime TTC", (2, "total_amount")),
        ("Rechnungssumme brutto", (2, "total_amount")),
        ("Brutto Gesamtsumme", (2, "total_amount")),
        ("Gesamtbetrag inkl. 19 % MwSt.", (4, "total_amount")),
        ("Total paid with VAT", (4, "total_amount")),
        ("Importe total EUR IVA incluido", (5, "total_amount")),
        ("Totaalbedrag exclusief btw", (3, "subtotal")),
        ("Importo totale senza IVA", (4, "subtotal")),
    ],
)
def test_a_sum_is_named_by_its_noun_and_whether_the_tax_is_in_it(printed: str, named: tuple[int, str]) -> None:
    assert sum_name(printed, tokens(printed)) == named


@pytest.mark.parametrize(
    "printed", ["Total", "brutto", "Total number of items", "Amount 119.00 incl. VAT", "Net 30 days"]
)
def test_nothing_else_is_a_sum_s_composed_name(printed: str) -> None:
    assert sum_name(printed, tokens(printed)) is None
