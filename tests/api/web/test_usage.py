"""The receipts of the usage page: found by document and state, sorted, in pages."""

import re

import pytest
from fastapi import FastAPI

from tests.api.conftest import User, Worker
from tests.api.test_reviews import extracted
from tests.api.web.conftest import Browser

NAMES = re.compile(r'<td class="name"><a href="/dashboard/review/[^"]+">([^<]+)</a>')


@pytest.fixture
async def ledger(user: User, app: FastAPI, stranger: Browser) -> Browser:
    """The browser of somebody who was charged for one batch's first document and has pages reserved for the others."""
    batch = await user.batch([1, 2, 3])
    documents = (await user.get(f"/batches/{batch['id']}/documents")).json()["items"]
    await Worker(user).complete(documents[0]["id"])
    await stranger.sign_in_as(app, user.id)
    return stranger


async def receipts(browser: Browser, query: str) -> list[str]:
    return NAMES.findall((await browser.get(f"/dashboard/usage{query}")).text)


async def test_receipts_are_found_by_document_and_by_state(ledger: Browser) -> None:
    everything = await receipts(ledger, "")
    assert len(everything) == 3
    charged = await receipts(ledger, "?state=committed")
    reserved = await receipts(ledger, "?state=reserved")

    assert len(charged) == 1
    assert sorted(charged + reserved) == sorted(everything)
    assert await receipts(ledger, f"?q={charged[0].upper()}") == charged
    assert await receipts(ledger, f"?q={charged[0]}&state=reserved") == []
    assert "No receipt of that name and state." in (await ledger.get("/dashboard/usage?q=nothing%25")).text


async def test_receipts_are_sorted_by_pages(ledger: Browser) -> None:
    few = await receipts(ledger, "?sort=pages")

    assert await receipts(ledger, "?sort=-pages") == few[::-1]
    assert 'aria-sort="ascending"' in (await ledger.get("/dashboard/usage?sort=pages")).text


async def test_the_review_queue_is_searched(user: User, app: FastAPI, stranger: Browser) -> None:
    await extracted(user)
    await stranger.sign_in_as(app, user.id)
    everything = (await stranger.get("/dashboard/review")).text
    (name,) = NAMES.findall(everything)

    assert NAMES.findall((await stranger.get(f"/dashboard/review?q={name}")).text) == [name]
    assert "No document fits" in (await stranger.get("/dashboard/review?q=nothing%25")).text
