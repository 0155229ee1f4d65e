"""The page of a batch: how it gets on."""

import re

from fastapi import FastAPI

from tests.api.conftest import User, Worker, documents_of
from tests.api.web.conftest import Browser


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
