"""What a camera sees of a till roll: several totals, lost blanks, letters for digits; and what is said of it is printed there."""

import random
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestio.domain.evidence import Evidence, FieldState
from ingestio.domain.fields import ExtractedField, Extraction
from ingestio.domain.text import DocumentText
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.classify import classify_text
from ingestio.extraction.dates import month_number
from ingestio.extraction.local.engine import extract_from
from ingestio.extraction.tokens import compact
from tests.extraction.typed import PAPERS, Paper, papers, typed

TILLS = papers("tills.toml")
TEXTS = [each["text"] for each in tomllib.loads((PAPERS / "tills.toml").read_text(encoding="utf-8"))["paper"]]
LOOKALIKES = {
    "O": "0",
    "0": "O",
    "l": "1",
    "1": "l",
    "5": "S",
    "S": "5",
    ".": ",",
    ",": ".",
    ":": "",
    "/": "1",
    "8": "B",
}
# A legible picture is never as sure as text in the file is.
RECOGNISED = 0.94


def read(text: DocumentText, prompt: str | None = None) -> Extraction:
    return extract_from(text, ExtractRequest(Path("receipt"), "image/jpeg", 1, None, prompt))


def without_blanks(text: str) -> str:
    """As recognition loses them: the words of a cell in one run."""
    return re.sub(r"(?<=\S) (?=\S)", "", text)


@pytest.mark.parametrize("text", [str, without_blanks], ids=["blanks", "no-blanks"])
@pytest.mark.parametrize(("paper", "printed"), list(zip(TILLS, TEXTS, strict=True)), ids=[each.name for each in TILLS])
def test_a_photographed_receipt_is_read_also_where_blanks_are_lost(paper: Paper, printed: str, text: type[str]) -> None:
    page = paper.text.pages[0]
    seen = typed(text(printed), width=page.width, height=page.height, confidence=RECOGNISED)
    assert classify_text(seen).document_type == "receipt"
    got = read(seen).data
    wanted = {name: value for name, value in paper.expected.items() if text is str or name != "currency"}
    assert {name: compact(str(got[name])) for name in wanted} == {
        name: compact(str(value)) for name, value in wanted.items()
    }


def noisy(text: str, seed: int) -> str:
    """Blanks lost, characters taken for others, lines gone or in another place."""
    chance = random.Random(seed)
    lines = [line for line in text.split("\n") if chance.random() > 0.05]
    if chance.random() < 0.3:
        chance.shuffle(lines)
    kept = []
    for line in lines:
        seen = without_blanks(line) if chance.random() < 0.5 else line
        kept.append("".join(LOOKALIKES.get(char, char) if chance.random() < 0.04 else char for char in seen))
    return "\n".join(kept)


@settings(max_examples=60, deadline=None)  # a busy machine may be late
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
@example(TEXTS[26 % len(TEXTS)], 26)  # the date `20/ll/2017`
@example(TEXTS[585 % len(TEXTS)], 585)  # the price `1l2.20O`, which has no time in it
def test_whatever_the_noise_a_supported_value_is_printed_where_it_is_said_to_be(text: str, seed: int) -> None:
    seen = typed(noisy(text, seed), confidence=RECOGNISED)
    if not seen.has_text:
        return
    for field in read(seen).fields:
        if field.state is FieldState.SUPPORTED:
            assert field.evidence
            assert all(stands_there(each, seen) for each in field.evidence), field
            assert says(field), field


def stands_there(evidence: Evidence, text: DocumentText) -> bool:
    """Whether every word of the quote is, letter by letter, one whose middle lies in the box."""
    assert evidence.box is not None
    x0, y0, x1, y1 = evidence.box
    words = [word for line in text.pages[evidence.page - 1].lines for word in line.words]
    inside = [
        word.text
        for word in words
        if x0 <= (word.box[0] + word.box[2]) / 2 <= x1 and y0 <= (word.box[1] + word.box[3]) / 2 <= y1
    ]
    return all(any(quoted in word for word in map(compact, inside)) for quoted in map(compact, evidence.quote.split()))


def says(field: ExtractedField) -> bool:
    """Whether a reader of the quote alone, who knows nothing of our rules, finds the value in it."""
    quote, value = " ".join(each.quote for each in field.evidence), str(field.value)
    if field.path.endswith("_date"):
        numbers = re.findall(
            r"\d+|[^\W\d_]+", re.sub(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " ", as_digits(quote))
        )
        year, month, day = value.split("-")
        read_as = {each.lstrip("0") for each in numbers} | {
            str(month_number(each)) for each in numbers if each.isalpha()
        }
        return {str(int(day)), str(int(month))} <= read_as and bool(read_as & {year, year[2:], str(int(year[2:]))})
    if re.fullmatch(r"-?\d+(?:\.\d+)?", value) and not field.path.endswith(("number", "_id", "phone", "digits")):
        digits = re.sub(r"\D", "", quote)
        return bool(digits) and any(int(digits) == abs(Decimal(value)) * 10**decimals for decimals in range(5))
    if field.path == "currency":
        return bool(re.search(r"[$€£₺₫đ]|\bR[Mp]|[A-Z]{2,3}|z|(?i:rupiah|ringgit|lira|dollar|euro|pound)", quote))
    return compact(value) in compact(quote) or compact(quote) in compact(value)


def as_digits(text: str) -> str:
    return re.sub(
        r"[OoIl](?=\d)|(?<=\d)[OoIl]|(?<=[/.-])[OoIl]{1,2}(?=[/.-])",
        lambda m: "".join("0" if char in "Oo" else "1" for char in m[0]),
        text,
    )
