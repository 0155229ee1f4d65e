"""The page of a batch: how it gets on."""

import re

import pytest
from fastapi import FastAPI

from tests.api.conftest import User, Worker, documents_of
from tests.api.files import encrypted_pdf, pdf
from tests.api.web.conftest import Browser
from tests.api.web.test_wizard import draft_of, post_whole


async def test_the_timeline_of_a_batch_grows_with_what_ended(user: User, app: FastAPI, stranger: Browser) -> None:
    batch = await user.batch([1, 1, 1])
    good, bad, _ = await documents_of(user, batch["id"])
    await stranger.sign_in_as(app, user.id)
    path = f"/dashboard/batches/{batch['id']}"
    assert "Nothing has ended yet." in (await stranger.get(path)).text

    await Worker(user).complete(good["id"])
    await Worker(user).fail(bad["id"])

    page = (await stranger.get(path)).text
    assert "2 documents ended in" in page
    timeline = page[page.index('id="batch-timeline"') : page.index("2 documents ended")]
    assert re.findall(r'<rect class="(\w+)"', timeline) == ["done", "failed"]


async def test_many_refused_files_do_not_stand_before_the_documents(browser: Browser) -> None:
    for refused, folded in ((3, False), (4, True)):
        files = [("a.pdf", pdf()), *((f"locked-{number}.pdf", encrypted_pdf()) for number in range(refused))]
        answer = await post_whole(browser, files, prompt_strategy="auto")

        page = (await browser.get(answer.headers["location"])).text
        assert page.count("needs a password") == refused
        assert ('<details class="more" id="refused">' in page) == folded


@pytest.mark.parametrize("sort", ["name", "-name"])
async def test_batches_are_sorted_by_name(user: User, app: FastAPI, stranger: Browser, sort: str) -> None:
    await stranger.sign_in_as(app, user.id)
    for name in ("Beta", "Alpha"):
        await draft_of(stranger, name=name)

    page = (await stranger.get(f"/dashboard/batches?sort={sort}")).text
    assert f'aria-sort="{"descending" if sort == "-name" else "ascending"}"' in page
    assert (page.index("Alpha") < page.index("Beta")) == (sort == "name")
