"""Pages are reserved at submission, first fit in document order, and never one too many (R44, R50)."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.invariants import violations
from ingestio.db.session import service_session
from ingestio.domain.plans import Membership
from tests.api.conftest import NewUser, User, Worker, assert_problem, documents_of
from tests.api.files import pdf
from tests.conftest import Database


async def test_the_worked_example_five_pages_fit_into_ten_and_twelve_do_not(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(240)

    assert_problem(await user.upload([("twelve.pdf", pdf(12))]), 402, "quota_exceeded")
    assert (await user.usage())["pages_remaining"] == 10
    assert (await user.upload([("five.pdf", pdf(5))])).status_code == 202
    assert (await user.usage())["pages_remaining"] == 5


async def test_what_does_not_fit_fails_at_once_and_the_rest_runs(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(240)

    batch = await user.batch([4, 9, 3, 3, 3])

    found = await documents_of(user, batch["id"])
    assert [item["status"] for item in found] == [
        "queued_for_processing", "failed", "queued_for_processing", "queued_for_processing", "failed",
    ]  # fmt: skip
    assert {item["error"]["code"] for item in found if item["error"]} == {"quota_exceeded"}
    assert (batch["document_count"], batch["failed_count"], batch["total_pages"]) == (5, 2, 22)
    usage = await user.usage()
    assert (usage["pages_processed"], usage["pages_reserved"], usage["pages_remaining"]) == (240, 10, 0)


async def test_every_document_has_what_was_asked_of_all_whether_it_fits_or_not(new_user: NewUser) -> None:
    """It outlives its batch, and what fails or is cancelled before it runs is asked the same when it is read by itself later (R16)."""
    user = await new_user(Membership.PLUS)
    user.has_used(240)
    files = [("a.pdf", pdf(4)), ("b.pdf", pdf(9))]

    batch = (await user.upload(files, prompt_strategy="global", global_prompt="Extract the total")).json()

    found = await documents_of(user, batch["id"])
    assert [item["status"] for item in found] == ["queued_for_processing", "failed"]
    assert {(item["prompt"], item["prompt_source"]) for item in found} == {("Extract the total", "global")}


async def test_an_upload_of_which_nothing_fits_stays_a_draft_that_runs_after_the_upgrade(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(249)

    problem = assert_problem(
        await user.upload([("a.pdf", pdf(3)), ("b.txt", b"text")], name="later"), 402, "quota_exceeded"
    )

    path = f"/batches/{problem['batch_id']}"
    draft = (await user.get(path)).json()
    assert (draft["status"], draft["name"], draft["document_count"], draft["failed_count"]) == (
        "pending_upload", "later", 1, 1,
    )  # fmt: skip
    assert draft["workflow_id"] is None
    assert_problem(await user.post(f"{path}/submit"), 402, "quota_exceeded")
    await user.change_plan(Membership.GROWTH)
    answer = await user.post(f"{path}/submit")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert (await user.usage())["pages_reserved"] == 3


async def test_all_or_nothing_refuses_the_whole_when_one_does_not_fit(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(240)

    problem = assert_problem(
        await user.upload([("a.pdf", pdf(9)), ("b.pdf", pdf(9))], all_or_nothing="true"), 402, "quota_exceeded"
    )

    assert "Insufficient quota for the entire batch" in problem["detail"]
    assert (await user.usage())["pages_reserved"] == 0
    answer = await user.post(f"/batches/{problem['batch_id']}/submit", json={"all_or_nothing": False})
    assert answer.json()["failed_count"] == 1


async def test_a_single_document_that_does_not_fit_is_not_queued(new_user: NewUser) -> None:
    user = await new_user(Membership.STARTER)
    user.has_used(20)
    document = await user.document(pages=6)

    problem = assert_problem(await user.post(f"/documents/{document['id']}/extract"), 402, "quota_exceeded")

    assert "Page quota exceeded" in problem["detail"]
    assert (await user.get(f"/documents/{document['id']}")).json()["status"] == "uploaded"
    assert (await user.usage())["pages_reserved"] == 0


async def test_documents_that_failed_for_quota_run_in_one_action_after_the_upgrade(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(248)
    batch = await user.batch([2, 5, 5])
    found = await documents_of(user, batch["id"])
    worker = Worker(user)
    await worker.complete(found[0]["id"])
    await worker.settle(batch["id"])
    await user.change_plan(Membership.GROWTH)

    answer = await user.post(f"/batches/{batch['id']}/retry")

    assert (answer.status_code, answer.json()["status"], answer.json()["completed_count"]) == (202, "queued", 1)
    again = await documents_of(user, batch["id"])
    assert [item["status"] for item in again] == ["completed", "queued_for_processing", "queued_for_processing"]
    await worker.complete(again[1]["id"])
    await worker.complete(again[2]["id"])
    await worker.settle(batch["id"])
    assert (await user.get(f"/batches/{batch['id']}")).json()["status"] == "completed"
    usage = await user.usage()
    assert (usage["pages_processed"], usage["pages_reserved"]) == (260, 0)


async def test_two_hundred_documents_against_the_last_ten_pages_take_ten_and_not_one_more(
    clean_database: Database, new_user: NewUser, engine: AsyncEngine, superuser: psycopg.Connection[object]
) -> None:
    user = await new_user(Membership.GROWTH)
    user.has_used(4990)
    content = pdf()
    lone = [item.json() for item in await in_turns(*(upload_one(user, content) for _ in range(100)))]
    drafts = [await filled_draft(user, content, 5) for _ in range(12)]

    files = [(f"{index}.pdf", content) for index in range(5)]
    answers = await asyncio.gather(
        *(until_taken(partial(user.post, f"/documents/{item['id']}/extract")) for item in lone),
        *(until_taken(partial(user.post, f"/batches/{draft}/submit")) for draft in drafts),
        *(until_taken(partial(user.upload, files)) for _ in range(8)),
    )

    # 409: sent again because its answer was 503, and had been taken up before that.
    assert {202, 402} <= {answer.status_code for answer in answers} <= {202, 402, 409}
    usage = await user.usage()
    assert (usage["pages_processed"], usage["pages_reserved"], usage["pages_remaining"]) == (4990, 10, 0)
    queued = user.row("SELECT count(*) FROM documents WHERE user_id = %s AND status = 'queued_for_processing'", user.id)
    assert queued == 10
    async with service_session(engine) as session:
        assert await violations(session) == []


async def until_taken(request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Send it again while the front door says that it is too busy, as its answer asks."""
    while (answer := await request()).status_code == 503:
        await asyncio.sleep(0.5)
    return answer


async def upload_one(user: User, content: bytes) -> httpx.Response:
    return await user.post("/documents", files={"file": ("one.pdf", content)})


async def filled_draft(user: User, content: bytes, documents: int) -> str:
    draft = await user.draft()
    await asyncio.gather(*(user.put(draft["id"], str(index), content) for index in range(documents)))
    identity: str = draft["id"]
    return identity


async def in_turns(*requests: object) -> list[httpx.Response]:
    """A few at a time: this is the arrangement, not the test."""
    turns = asyncio.Semaphore(8)

    async def one(request: object) -> httpx.Response:
        async with turns:
            answer: httpx.Response = await request  # type: ignore[misc]
            return answer

    return list(await asyncio.gather(*(one(request) for request in requests)))
