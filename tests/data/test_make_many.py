"""The invoices made by the thousand are sound PDFs that hold what is said of them."""

import time
from decimal import Decimal
from io import BytesIO

import pikepdf
import pypdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.make_many import invoice_fields, make_invoice_pdf
from tests.data.page_values import stands_on


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 9_999_999), pages=st.integers(1, 5))
def test_every_invoice_has_its_pages_and_its_values(seed: int, pages: int) -> None:
    content = make_invoice_pdf(seed, pages)
    with pypdfium2.PdfDocument(content) as document:
        assert len(document) == pages
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
    fields = invoice_fields(seed, pages)
    assert {path: value for path, value in fields.items() if not stands_on(text, path, value)} == {}
    lines = sum(
        (
            Decimal(value)
            for path, value in fields.items()
            if path.startswith("line_items") and path.endswith(".amount")
        ),
        Decimal(0),
    )
    assert lines == Decimal(fields["subtotal"])
    assert lines + Decimal(fields["tax_amount"]) == Decimal(fields["total_amount"])


@pytest.mark.parametrize("pages", [1, 2, 3, 60])
def test_strict_readers_find_nothing_to_repair(pages: int) -> None:
    content = make_invoice_pdf(7, pages)
    with pikepdf.open(BytesIO(content), attempt_recovery=False) as document:
        assert len(document.pages) == pages
        assert document.check_pdf_syntax() == []
    assert len(pypdf.PdfReader(BytesIO(content), strict=True).pages) == pages


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    made = {make_invoice_pdf(seed) for seed in range(500)}
    assert len(made) == 500
    assert made == {make_invoice_pdf(seed) for seed in range(500)}
    assert make_invoice_pdf(3, 2) != make_invoice_pdf(3, 1)


def test_no_page_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one page"):
        make_invoice_pdf(1, 0)


def test_a_thousand_take_less_than_two_seconds_of_one_core() -> None:
    start = time.process_time()
    for seed in range(1000):
        make_invoice_pdf(seed)
    assert time.process_time() - start < 2
