"""Documents as people look for them and deal with them: the history, many at a time, one by itself on every plan (R2, R88, R92)."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ingestio.domain.plans import Membership
from tests.api.conftest import NewUser, User, Worker
from tests.api.files import encrypted_pdf, pdf
from tests.api.test_reviews import extracted
from tests.api.web.conftest import ORIGIN, PAGE, Browser

LIST = "/dashboard/documents"


@pytest.fixture
async def desk(user: User, app: FastAPI, stranger: Browser) -> Browser:
    """The browser of the user who owns the documents."""
    await stranger.sign_in_as(app, user.id)
    return stranger


def shown(page: httpx.Response) -> list[str]:
    """The documents that a list shows, in order."""
    return re.findall(r'class="name"><a href="/dashboard/review/([^"]+)"', page.text)


async def test_documents_are_found_by_values_type_and_name_and_by_all_words_together(user: User, desk: Browser) -> None:
    tea = await extracted(user, vendor="Müller & Söhne GmbH", iban="DE89370400440532013000")
    other = await extracted(user, vendor="請求書株式会社")
    lone = (await user.document())["id"]

    for text, found in (
        ("mull", {tea}),
        ("MÜLLER söhne", {tea}),
        ("de8937", {tea}),
        ("書株", {other}),
        ("12.50", {tea, other}),
        ("invoice 12.50 one.pdf", {tea, other}),
        ("ne.pd", {tea, other, lone}),
        ("sohne 請求", set()),
        ("%", set()),
        ("nothing", set()),
    ):
        page = await desk.get(LIST, params={"q": text})
        assert set(shown(page)) == found, text
        listed = (await user.get("/documents", params={"q": text})).json()["items"]
        assert {item["id"] for item in listed} == found, text


async def test_a_corrected_value_is_found_and_a_value_of_an_earlier_extraction_is_not(user: User) -> None:
    document = await extracted(user, vendor="Before Ltd")
    change = {"revision": 0, "changes": [{"path": "total", "value": "987.65"}]}
    assert (await user.ask("PATCH", f"/documents/{document}/fields", json=change)).status_code == 200

    async def found(text: str) -> bool:
        return bool((await user.get("/documents", params={"q": text})).json()["items"])

    assert await found("987")
    assert await found("12"), "what the machine read is part of the record"
    await extracted(user, document, vendor="After Ltd")
    assert [await found(text) for text in ("987", "after", "before")] == [True, True, False]


async def test_nobody_finds_a_document_by_anothers_values(user: User, other: User) -> None:
    await extracted(other, vendor="Confidential")

    assert (await user.get("/documents", params={"q": "confidential"})).json()["items"] == []


async def test_the_search_of_values_is_answered_by_an_index_for_the_user_themselves(user: User) -> None:
    """Row-level security lets an index answer leakproof operators only; this is why words are a table."""
    with user.superuser.transaction(force_rollback=True):
        user.superuser.execute("SET LOCAL enable_seqscan = off")
        user.superuser.execute("SET LOCAL ROLE authenticated")
        user.superuser.execute("SELECT set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{user.id}"}}'])
        query = "EXPLAIN SELECT document_id FROM document_words WHERE user_id = %s AND word >= 'a' AND word < 'b'"
        plan = "\n".join(row[0] for row in user.superuser.execute(query.encode(), [user.id]).fetchall())

    assert "document_words_pkey" in plan
    assert re.search(r"Index Cond: .*word >= ", plan), plan


async def test_the_list_is_filtered_by_type_status_and_review(user: User, desk: Browser) -> None:
    done = await extracted(user)
    receipt = (await user.document())["id"]
    await user.post(f"/documents/{receipt}/extract")
    await Worker(user).complete(receipt, document_type="receipt", fields=[], data={})
    lone = (await user.document())["id"]

    for query, found in (
        ({"type": "receipt"}, [receipt]),
        ({"type": "invoice"}, [done]),
        ({"status": "uploaded"}, [lone]),
        ({"status": "completed", "sort": "created_at"}, [done, receipt]),
        ({"review": "needed"}, [done]),
        ({"type": "receipt", "status": "uploaded"}, []),
    ):
        assert shown(await desk.get(LIST, params=query)) == found
        assert [item["id"] for item in (await user.get("/documents", params=query)).json()["items"]] == found


async def test_the_list_comes_in_pages(user: User, desk: Browser) -> None:
    batch = await user.batch([1] * 52)
    first = await desk.get(LIST, params={"sort": "filename"})
    (address,) = re.findall(r'href="([^"]+)" rel="next"', first.text)

    second = await desk.get(address.replace("&amp;", "&"))

    assert (len(shown(first)), len(shown(second))) == (50, 2)
    assert not set(shown(first)) & set(shown(second))
    assert batch["document_count"] == 52


async def test_what_was_ticked_is_extracted_again_and_what_cannot_be_is_said_by_name(user: User, desk: Browser) -> None:
    done, running = await extracted(user), (await user.document())["id"]
    await user.post(f"/documents/{running}/extract")
    headers = PAGE | {"Origin": ORIGIN}
    data = {"csrf_token": await desk.token(), "action": "extract", "document_ids": [done, running, "nonsense"]}

    answer = await desk.client.post(LIST, headers=headers, data=data)

    assert answer.status_code == 409
    assert "1 document done, 1 not" in answer.text
    assert "The document is being extracted already." in answer.text
    again = (await user.get(f"/documents/{done}")).json()
    assert (again["status"], again["attempt"]) == ("completed", 2)
    query = "SELECT extraction_prompt FROM extraction_jobs WHERE document_id = %s AND attempt = %s"
    assert user.row(query, done, 2) == user.row(query, done, 1)
    assert read_anew(user, done, 2)


def read_anew(user: User, document: str, attempt: int) -> bool:
    """Whether an attempt may not answer with what was read before."""
    query = "SELECT extraction_options ->> 'reuse' FROM extraction_jobs WHERE document_id = %s AND attempt = %s"
    return bool(user.row(query, document, attempt) == "false")


async def test_a_first_question_may_be_answered_by_an_earlier_reading_and_a_second_may_not(
    user: User, desk: Browser
) -> None:
    document = (await user.document())["id"]
    await desk.post(f"{LIST}/{document}/extract", prompt="the total")
    await Worker(user).complete(document)
    await desk.post(f"{LIST}/{document}/extract", prompt="the total")

    assert [read_anew(user, document, attempt) for attempt in (1, 2)] == [False, True]


async def test_what_was_ticked_is_deleted_and_nothing_else(user: User, other: User, desk: Browser) -> None:
    gone, kept, theirs = [await extracted(somebody) for somebody in (user, user, other)]
    data = {"csrf_token": await desk.token(), "action": "delete", "document_ids": [gone, theirs]}

    answer = await desk.client.post(f"{LIST}?sort=filename", headers=PAGE | {"Origin": ORIGIN}, data=data)

    assert answer.headers["location"] == f"{LIST}?sort=filename&said=deleted-many"
    assert [item["id"] for item in (await user.get("/documents")).json()["items"]] == [kept]
    assert [item["id"] for item in (await other.get("/documents")).json()["items"]] == [theirs]


async def upload(desk: Browser, content: bytes, token: str | None = None) -> httpx.Response:
    """The form of one file, as a browser sends it."""
    files: list[tuple[str, Any]] = [
        ("csrf_token", (None, (token or await desk.token()).encode())),
        ("file", ("one.pdf", content, "application/pdf")),
    ]
    return await desk.client.post(f"{LIST}/new", headers=PAGE | {"Origin": ORIGIN}, files=files)


async def test_somebody_without_batches_uploads_one_document_says_what_to_extract_and_gets_it(
    new_user: NewUser, app: FastAPI, stranger: Browser
) -> None:
    user = await new_user(Membership.STARTER)
    await stranger.sign_in_as(app, user.id)
    assert f'href="{LIST}/new"' in (await stranger.get("/dashboard/batch-upload")).text

    uploaded = await upload(stranger, pdf(3))
    page = await stranger.get(uploaded.headers["location"])
    assert "Extract 3 pages" in page.text
    document = uploaded.headers["location"].rpartition("/")[2]
    asked = await stranger.post(f"{LIST}/{document}/extract", prompt="the total")

    assert asked.headers["location"] == f"/dashboard/review/{document}?said=extracted"
    now = (await user.get(f"/documents/{document}")).json()
    assert (now["status"], (await user.usage())["pages_reserved"]) == ("queued_for_processing", 3)
    stopped = await stranger.post(f"{LIST}/{document}/cancel")
    assert stopped.headers["location"].endswith("said=stopped")
    assert (await user.usage())["pages_reserved"] == 0
    await stranger.post(f"{LIST}/{document}/delete")
    assert (await user.get("/documents")).json()["items"] == []


async def test_a_file_that_cannot_be_taken_is_said_beside_the_field(desk: Browser) -> None:
    answer = await upload(desk, encrypted_pdf())

    assert answer.status_code == 422
    assert re.search(r'id="file-error">.*password', answer.text)
    assert (await upload(desk, pdf(), token="0" * 64)).status_code == 403


async def test_what_is_not_possible_is_said_on_the_documents_own_page(
    new_user: NewUser, app: FastAPI, stranger: Browser
) -> None:
    user = await new_user(Membership.STARTER)
    await stranger.sign_in_as(app, user.id)
    document = (await user.document(pages=26))["id"]

    short = await stranger.post(f"{LIST}/{document}/extract", prompt="the total")
    wrong = await stranger.post(f"{LIST}/{document}/extract", prompt="x" * 20_001)

    assert (short.status_code, wrong.status_code) == (402, 422)
    assert "Page quota exceeded" in short.text
    assert ">the total</textarea>" in short.text
    assert 'id="prompt-text-error"' in wrong.text
