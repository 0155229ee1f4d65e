"""The offline engine on papers typed for it: layouts and languages beyond the sample documents."""

from pathlib import Path

import pytest

from ingestio.domain.fields import Extraction
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.classify import classify_text
from ingestio.extraction.local.engine import extract_from
from ingestio.extraction.tokens import compact
from tests.extraction.typed import Paper, in_size, papers, typed

INVOICES = papers("invoices.toml")
OTHERS = papers("others.toml")
STRANGERS = papers("strangers.toml")
MAKERS = papers("makers.toml")
NEWCOMERS = papers("newcomers.toml")
NOWHERE = Path("never-read.pdf")


def read(paper: Paper, prompt: str | None = None) -> Extraction:
    return extract_from(paper.text, ExtractRequest(NOWHERE, "application/pdf", 1, None, prompt))


def misread(paper: Paper, extraction: Extraction) -> list[tuple[str, object, object]]:
    """What was read otherwise than expected; names may differ in case and punctuation."""
    found = {field.path: field.value for field in extraction.fields}
    wrong: list[tuple[str, object, object]] = []
    for path, value in paper.expected.items():
        got: object = len(extraction.data.get(path[1:]) or []) if path.startswith("#") else found.get(path)
        same = got == value or (isinstance(value, str) and isinstance(got, str) and compact(got) == compact(value))
        if not same:
            wrong.append((path, value, got))
    return wrong


# What these rules cannot know: a firm's trade name alone.
KNOWN_MISSES = {
    ("vendor_name", "SPEDIZIONI RAPIDE S.N.C.", "SPEDIZIONI RAPIDE S.N.C. di Conti & C."),
    ("vendor_name", "ELF", "ELF SA"),
}


@pytest.mark.parametrize("paper", INVOICES, ids=[paper.name for paper in INVOICES])
def test_an_invoice_is_read_in_its_country_s_layout(paper: Paper) -> None:
    extraction = read(paper)
    assert extraction.document_type == "invoice"
    assert set(misread(paper, extraction)) <= KNOWN_MISSES
    assert [field.path for field in extraction.fields if field.state == "unsupported"] == []


@pytest.mark.parametrize(
    "paper",
    [*OTHERS, *STRANGERS, *MAKERS, *NEWCOMERS],
    ids=[f"{paper.document_type}-{paper.name}" for paper in [*OTHERS, *STRANGERS, *MAKERS, *NEWCOMERS]],
)
def test_other_papers_are_read_by_their_own_rules(paper: Paper) -> None:
    extraction = read(paper)
    assert extraction.document_type == paper.document_type
    assert misread(paper, extraction) == []


@pytest.mark.parametrize("paper", [*INVOICES, *OTHERS], ids=lambda paper: paper.name)
def test_classification_names_the_type_with_confidence(paper: Paper) -> None:
    answer = classify_text(paper.text)
    assert answer.document_type == paper.document_type
    assert 0.3 <= answer.confidence <= 0.99
    assert answer.runner_up != answer.document_type


def test_only_the_first_three_pages_are_classified() -> None:
    pages = "\f".join(
        ["A list of nothing in particular"] * 3
        + ["INVOICE\nInvoice number 1\nInvoice date 2026-01-01\nAmount due 1.00"]
    )
    assert classify_text(typed(pages)).document_type == "other"


@pytest.mark.parametrize("mark", ["ORIGINAL", "Copia cliente", "ОРИГИНАЛ"])
def test_which_copy_it_is_takes_nothing_from_a_title(mark: str) -> None:
    title = f"INVOICE {mark}"
    small = in_size(typed(f"{title}\nSea salt   12.00\nSum of it   12.00"), {title: 0.7})
    assert classify_text(small).document_type == "invoice"


@pytest.mark.parametrize("paper", INVOICES, ids=lambda paper: paper.name)
def test_a_prompt_that_names_fields_yields_those_under_the_user_s_names(paper: Paper) -> None:
    extraction = read(paper, "Extract the invoice number, date, total and vendor")
    assert list(extraction.data) == ["invoice_number", "date", "total", "vendor"]
    whole = read(paper).data
    for asked, known in (
        ("invoice_number",) * 2,
        ("date", "invoice_date"),
        ("total", "total_amount"),
        ("vendor", "vendor_name"),
    ):
        assert extraction.data[asked] == whole[known]


def test_every_value_carries_its_page_words_and_box() -> None:
    extraction = read(INVOICES[0])
    number = next(field for field in extraction.fields if field.path == "invoice_number")
    assert number.state == "supported"
    (evidence,) = number.evidence
    assert (evidence.page, evidence.quote) == (1, "987654321")
    assert evidence.box is not None
    assert evidence.box[0] < evidence.box[2] < 612


def test_the_same_text_gives_the_same_answer() -> None:
    assert read(INVOICES[3]) == read(INVOICES[3])


def test_a_small_caption_stands_over_its_value() -> None:
    text = typed("""
Stonebridge Print Co                       Invoice No: 90211
18 Mill Row, Salem OR 97301                Invoice Date: June 3rd, 2024
QTY     DESCRIPTION                 PRICE         SUBTOTAL
2       Posters                     $15.00        $30.00
4       Leaflets                    $10.00        $40.00

PAYMENT INFO                        DUE BY              TOTAL DUE

Account No: 118822                  July 1st, 2024      $70.00
""")
    small = in_size(text, {"PAYMENT INFO": 0.6, "DUE BY": 0.6, "TOTAL DUE": 0.6})
    data = extract_from(small, ExtractRequest(NOWHERE, "application/pdf", 1, None, None)).data
    assert (data["total_amount"], data["due_date"]) == ("70.00", "2024-07-01")


def test_a_name_is_read_in_two_large_lines() -> None:
    text = typed("""
Rosamund                 PROFILE
                         Researcher with nine years in health technology.
Achterdijk               WORK EXPERIENCE
                         Senior Researcher, Polder Health, Utrecht
UX Researcher            Mar 2020 - Present
r.a@mail.example         Led diary studies.
                         EDUCATION
SKILLS                   MSc Design, TU Delft, 2013 - 2015
""")
    large = in_size(text, {"Rosamund": 2.0, "Achterdijk": 2.0})
    assert extract_from(large, ExtractRequest(NOWHERE, "application/pdf", 1, "resume", None)).data["name"] == (
        "Rosamund Achterdijk"
    )


def test_a_large_title_is_nobody_s_name() -> None:
    text = typed("""
Lebenslauf

Persönliche Daten
Name                Sebastian Thalhofer
Geburtsdatum 11.02.1991
E-Mail              s.thalhofer@post.example
Berufserfahrung
04/2018 – heute         Bauleiter, Inntal Hochbau GmbH, Passau
Ausbildung
2010 – 2014             Bauingenieurwesen (B.Eng.), OTH Regensburg
""")
    large = in_size(text, {"Lebenslauf": 2.0})
    extraction = extract_from(large, ExtractRequest(NOWHERE, "application/pdf", 1, None, None))
    assert (extraction.document_type, extraction.data["name"]) == ("resume", "Sebastian Thalhofer")


def test_a_number_with_its_series_points_at_both() -> None:
    number = next(field for field in read(NEWCOMERS[0]).fields if field.path == "invoice_number")
    assert (number.state, number.value) == ("supported", "0003-00001234")
    assert [each.quote for each in number.evidence] == ["0003 00001234"]
