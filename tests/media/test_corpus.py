"""Real strange documents, where they are at hand: `../shared/corpus` beside the repository; never part of it."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from ingestio.domain.media import MediaType
from ingestio.media.counting import PageCount, Refusal, count_pages
from ingestio.media.sniff import HEAD_BYTES, sniff
from ingestio.media.text import read_text

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(
        not (CORPUS / "index.jsonl").exists(), reason="the shared documents are not at ../shared/corpus"
    ),
]


def entries(folder: str) -> list[dict[str, Any]]:
    """The index's entries whose file is here; one that was replaced by another of its name is not."""
    if not (CORPUS / "index.jsonl").exists():
        return []
    listed = map(json.loads, (CORPUS / "index.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        entry
        for entry in listed
        if entry["file"].startswith(folder)
        and hashlib.sha256((CORPUS / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    ]


@pytest.mark.parametrize("entry", entries("pages/"), ids=lambda entry: str(entry["file"]))
async def test_a_strange_pdf_has_the_pages_that_three_tools_see(entry: dict[str, Any]) -> None:
    path = CORPUS / entry["file"]
    media_type = sniff(path.read_bytes()[:HEAD_BYTES])
    started = time.monotonic()
    answer = await count_pages(path, media_type) if media_type else None
    assert time.monotonic() - started < 20
    if entry["refuse"]:
        assert not isinstance(answer, PageCount)
        assert (isinstance(answer, Refusal) and answer.code == "encrypted") == entry["encrypted"]
    else:
        assert answer == PageCount(entry["pages"])


async def test_the_words_of_real_invoices_hold_what_is_printed_on_them() -> None:
    documents = [entry for entry in entries("invoices/") if entry["file"].endswith(".pdf")]
    missing = []
    for entry in documents:
        text = await read_text(CORPUS / entry["file"], MediaType.PDF)
        words = [word for page in text.pages for line in page.lines for word in line.words]
        for word in words:
            x0, y0, x1, y1 = word.box
            assert x0 <= x1
            assert y0 <= y1
        number = str(entry["expected"]["invoice_number"]).replace(" ", "")
        if number not in "".join(word.text for word in words):
            missing.append(entry["file"])
    # One of them has its number only in the attached XML.
    assert len(missing) <= 1, missing
