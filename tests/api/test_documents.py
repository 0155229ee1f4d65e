"""Documents by themselves: uploaded, extracted, cancelled, retried, looked at, deleted (R2, R65, R86)."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.events.feeds import BatchFeed
from ingestio.bootstrap import Deps
from ingestio.config import Settings
from ingestio.db.session import user_session
from ingestio.domain.plans import BUILT_IN_PLANS, Membership, overridden
from ingestio.errors import FailureCode
from ingestio.services.accounts import PlanBook
from ingestio.storage.keys import extraction_key
from tests.api import files
from tests.api.conftest import Json, NewUser, OpenDoor, User, Worker, assert_problem, documents_of, stored_files
from tests.api.files import pdf


async def test_a_single_document_is_stored_and_counted_and_costs_nothing_yet(new_user: NewUser) -> None:
    user = await new_user(Membership.STARTER)

    answer = await user.post("/documents", files={"file": ("März.pdf", pdf(3))})

    document = answer.json()
    assert answer.status_code == 201
    assert (document["filename"], document["page_count"], document["status"]) == ("März.pdf", 3, "uploaded")
    assert (document["batch_id"], document["prompt"], document["error"], document["attempt"]) == (None, None, None, 0)
    assert (await user.get(f"/documents/{document['id']}")).json() == document
    assert (await user.usage())["pages_reserved"] == 0


async def test_a_document_says_until_when_its_owners_plan_keeps_it(
    open_door: OpenDoor, new_user: NewUser, engine: AsyncEngine
) -> None:
    plans = overridden(BUILT_IN_PLANS, {"growth": {"retention_days": 30}})
    async with open_door(INGESTIO_PLANS='{"growth": {"retention_days": 30}}') as client:
        user, starter = await new_user(Membership.GROWTH, client), await new_user(Membership.STARTER, client)
        document = (await user.post("/documents", files={"file": ("a.pdf", pdf())})).json()
        listed = (await user.get("/documents")).json()["items"]
        kept_for_ever = (await starter.post("/documents", files={"file": ("a.pdf", pdf())})).json()
        under_way = (await user.post(f"/documents/{document['id']}/extract", json={})).json()
    async with user_session(engine, user.id) as session:
        told = await BatchFeed(user.id, uuid4()).rows(
            session, cast("Deps", SimpleNamespace(book=PlanBook(plans, local=True))), [UUID(document["id"])]
        )

    last_change, until = (datetime.fromisoformat(document[name]) for name in ("updated_at", "expires_at"))
    assert until - last_change == timedelta(days=30)
    assert listed == [document]
    assert (kept_for_ever["expires_at"], under_way["expires_at"]) == (None, None)
    assert [json.loads(each) for each in told] == [under_way]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"plain text", 415, "unsupported_type"),
        (files.encrypted_pdf(), 422, "encrypted"),
        (b"", 422, "corrupt"),
        (pdf() + bytes(21 << 20), 413, "file_too_large"),
    ],
)
async def test_a_refused_document_is_a_typed_problem_and_leaves_nothing(
    new_user: NewUser, settings: Settings, content: bytes, status: int, code: str
) -> None:
    user = await new_user(Membership.STARTER)
    before = stored_files(settings)

    assert_problem(await user.post("/documents", files={"file": ("a.pdf", content)}), status, code)

    assert (await user.get("/documents")).json()["items"] == []
    assert stored_files(settings) == before


async def test_the_form_holds_exactly_one_file(user: User) -> None:
    two = [("file", ("a.pdf", pdf())), ("file", ("b.pdf", pdf()))]
    assert (
        assert_problem(await user.post("/documents", files=two), 422, "invalid_request")["errors"][0]["field"] == "file"
    )
    other = {"document": ("a.pdf", pdf())}
    problem = assert_problem(await user.post("/documents", files=other), 422, "invalid_request")
    assert problem["errors"][0]["field"] == "document"
    assert_problem(await user.post("/documents", json={}), 415, "unsupported_type")


async def test_extracting_reserves_the_pages_and_queues_the_document(new_user: NewUser) -> None:
    user = await new_user(Membership.STARTER)
    document = await user.document(pages=4)

    answer = await user.post(
        f"/documents/{document['id']}/extract",
        json={
            "prompt": " the total ",
            "options": {"skip_classification": True, "custom_instructions": " in euro ", "lane": "bulk"},
        },
    )

    assert (answer.status_code, answer.json()["status"], answer.json()["attempt"]) == (202, "queued_for_processing", 1)
    assert (await user.usage())["pages_reserved"] == 4
    query = "SELECT {} FROM extraction_jobs WHERE document_id = %s"
    assert user.row(query.format("extraction_prompt"), document["id"]) == "the total"
    assert user.row(query.format("extraction_options"), document["id"]) == {
        "prompt_source": "request",
        "skip_classification": True,
        "custom_instructions": "in euro",
        "lane": "bulk",
    }


@pytest.mark.parametrize("body", [None, {}, {"prompt": None}, {"prompt": "  "}, {"options": None}])
async def test_without_a_prompt_the_document_is_extracted_automatically(user: User, body: Json | None) -> None:
    document = await user.document()

    answer = await user.post(f"/documents/{document['id']}/extract", json=body)

    assert answer.status_code == 202
    job = "SELECT extraction_prompt FROM extraction_jobs WHERE document_id = %s"
    assert user.row(job, document["id"]) is None


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"prompt": "x" * 20_001}, "prompt_invalid", "prompt"),
        ({"options": {"custom_instructions": "\x1b"}}, "prompt_invalid", "options.custom_instructions"),
        ({"options": {"lane": "fast"}}, "invalid_request", "options.lane"),
        ({"options": {"speed": 1}}, "invalid_request", "options.speed"),
        ({"prompt": 7}, "invalid_request", "prompt"),
        ([], "invalid_request", "body"),
    ],
)
async def test_a_wrong_extraction_names_the_field(user: User, body: object, code: str, field: str) -> None:
    document = await user.document()

    answer = await user.post(f"/documents/{document['id']}/extract", json=body)

    assert assert_problem(answer, 422, code)["errors"][0]["field"] == field
    assert (await user.usage())["pages_reserved"] == 0


async def test_a_document_is_extracted_once_at_a_time(user: User) -> None:
    document = await user.document()
    await user.post(f"/documents/{document['id']}/extract")

    problem = assert_problem(await user.post(f"/documents/{document['id']}/extract"), 409, "invalid_transition")

    assert problem["current"] == "queued_for_processing"


async def test_a_document_of_a_batch_goes_through_its_batch(user: User) -> None:
    batch = await user.batch([1])
    (document,) = await documents_of(user, batch["id"])

    for action in ("extract", "cancel", "retry"):
        assert_problem(await user.post(f"/documents/{document['id']}/{action}"), 409, "invalid_transition")


async def test_cancelling_ends_the_document_at_once_and_releases_its_pages(user: User) -> None:
    document = await user.document(pages=3)
    path = f"/documents/{document['id']}"
    assert assert_problem(await user.post(f"{path}/cancel"), 409, "invalid_transition")["current"] == "uploaded"
    await user.post(f"{path}/extract")

    answer = await user.post(f"{path}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert answer.json()["error"]["code"] == "cancelled"
    assert (await user.usage())["pages_reserved"] == 0
    assert_problem(await user.post(f"{path}/cancel"), 409, "invalid_transition")


async def test_a_failed_document_is_retried_with_the_prompt_it_had_or_a_new_one(user: User) -> None:
    document = await user.document()
    path = f"/documents/{document['id']}"
    assert_problem(await user.post(f"{path}/retry"), 409, "invalid_transition")
    await user.post(f"{path}/extract", json={"prompt": "the total"})
    await Worker(user).fail(document["id"], FailureCode.MODEL_BLOCKED)
    failed = (await user.get(path)).json()
    assert (failed["status"], failed["error"]["code"], failed["pages_charged"]) == ("failed", "model_blocked", 0)
    assert failed["error"]["message"]

    assert (await user.post(f"{path}/retry")).json()["attempt"] == 2
    job = "SELECT extraction_prompt FROM extraction_jobs WHERE document_id = %s ORDER BY attempt DESC"
    assert user.row(job, document["id"]) == "the total"
    await Worker(user).fail(document["id"])
    await user.post(f"{path}/retry", json={"prompt": "the date"})
    assert user.row(job, document["id"]) == "the date"


async def test_the_result_is_there_after_completion_and_stays_while_the_document_is_read_again(user: User) -> None:
    document = await user.document(pages=2)
    path = f"/documents/{document['id']}"
    assert_problem(await user.get(f"{path}/result"), 409, "result_not_ready")
    await user.post(f"{path}/extract")
    assert_problem(await user.get(f"{path}/result"), 409, "result_not_ready")
    await Worker(user).complete(document["id"])

    result = (await user.get(f"{path}/result")).json()

    assert result == {
        "document_id": document["id"],
        "document_type": "invoice",
        "provider": "test",
        "model": "test-1",
        "revision": 0,
        "review": "pending",
        "data": {"total": "12.50", "iban": None},
        "fields": [
            {
                "path": "total",
                "value": "12.50",
                "state": "supported",
                "confidence": 0.98,
                "reviewed": False,
                "machine_value": None,
                "evidence": [{"page": 1, "quote": "12,50", "box": [1.0, 2.0, 30.5, 12.0]}],
            },
            {
                "path": "iban",
                "value": None,
                "state": "not_found",
                "confidence": 0.0,
                "reviewed": False,
                "machine_value": None,
                "evidence": [],
            },
        ],
        "flags": [],
        "usage": {
            "pages": 2,
            "input_tokens": 11,
            "output_tokens": 7,
            "cached_tokens": 5,
            "thinking_tokens": 3,
            "estimated_cost": "0.000012",
        },
        "reused_from": None,
    }
    done = (await user.get(path)).json()
    assert (done["status"], done["document_type"], done["pages_charged"]) == ("completed", "invoice", 2)
    for values in ("machine", "reviewed"):
        assert (await user.get(f"{path}/result", params={"values": values})).json() == result
    assert_problem(await user.get(f"{path}/result", params={"values": "all"}), 422, "invalid_request")
    assert (await user.post(f"{path}/extract")).json()["status"] == "completed"
    await Worker(user).fail(document["id"])
    assert (await user.get(f"{path}/result")).json() == result
    assert (await user.get(path)).json()["status"] == "completed"


async def test_the_file_comes_back_as_a_download_that_no_browser_runs(user: User) -> None:
    content = pdf()
    document = (await user.post("/documents", files={"file": ('Mä"rz\u2019s.pdf', content)})).json()

    answer = await user.get(f"/documents/{document['id']}/file")

    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    disposition = answer.headers["content-disposition"]
    assert disposition == "attachment; filename=\"M__rz_s.pdf\"; filename*=UTF-8''M%C3%A4%22rz%E2%80%99s.pdf"


async def test_a_page_is_a_picture(user: User) -> None:
    document = await user.document(pages=2)

    answer = await user.get(f"/documents/{document['id']}/pages/2.png")

    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert "private" in answer.headers["cache-control"]
    for number in ("0", "3", "-1", "x", "99999999999999999999"):
        assert_problem(await user.get(f"/documents/{document['id']}/pages/{number}.png"), 404, "not_found")


async def test_a_stored_file_that_is_gone_is_not_found(user: User, settings: Settings) -> None:
    document = await user.document()
    path = user.row("SELECT storage_path FROM documents WHERE id = %s", document["id"])
    (settings.data_dir / "storage" / path).unlink()

    for address in ("file", "pages/1.png"):
        assert_problem(await user.get(f"/documents/{document['id']}/{address}"), 404, "not_found")


@pytest.fixture
def job_answer(user: User, settings: Settings) -> Iterator[Path]:
    """Where the stored answer of a job of the user would lie, filled in by the test."""
    root = settings.data_dir / "storage"
    yield root
    assert not list((root / user.id).rglob("extraction.json"))


async def test_deleting_a_document_takes_file_result_and_stored_answers_and_leaves_the_charge(
    user: User, settings: Settings, job_answer: Path
) -> None:
    before = stored_files(settings)
    document = await user.document(pages=3)
    path = f"/documents/{document['id']}"
    await user.post(f"{path}/extract")
    assert_problem(await user.ask("DELETE", path), 409, "invalid_transition")
    await Worker(user).complete(document["id"])
    job_id = user.row("SELECT id FROM extraction_jobs WHERE document_id = %s", document["id"])
    stored = job_answer / extraction_key(user.id, job_id)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"{}")

    assert (await user.ask("DELETE", path)).status_code == 204

    for address in ("", "/result", "/file", "/pages/1.png"):
        assert_problem(await user.get(f"{path}{address}"), 404, "not_found")
    assert stored_files(settings) == before
    assert (await user.usage())["pages_processed"] == 3
    assert_problem(await user.ask("DELETE", path), 404, "not_found")


async def test_deleting_a_document_of_a_batch_needs_its_end_and_counts_the_batch_anew(user: User) -> None:
    batch = await user.batch([1, 1, 2])
    found = await documents_of(user, batch["id"])
    assert_problem(await user.ask("DELETE", f"/documents/{found[0]['id']}"), 409, "invalid_transition")
    worker = Worker(user)
    await worker.fail(found[0]["id"])
    await worker.complete(found[1]["id"])
    await worker.complete(found[2]["id"])
    await worker.settle(batch["id"])

    await user.ask("DELETE", f"/documents/{found[0]['id']}")

    now = (await user.get(f"/batches/{batch['id']}")).json()
    assert (now["status"], now["document_count"], now["failed_count"], now["total_pages"]) == ("completed", 2, 0, 3)


async def test_deleting_a_document_of_a_draft_takes_it_out_of_the_draft(user: User) -> None:
    draft = await user.draft()
    document = (await user.put(draft["id"], "a", pdf(2))).json()

    assert (await user.ask("DELETE", f"/documents/{document['id']}")).status_code == 204

    now = (await user.get(f"/batches/{draft['id']}")).json()
    assert (now["document_count"], now["total_pages"]) == (0, 0)
