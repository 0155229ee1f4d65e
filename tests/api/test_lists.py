"""Lists: pages by cursor, filters, sorting, and clear words for a wrong question (R88)."""

import base64
import json
from typing import Any

import pytest

from ingestio.domain.batches import BatchStatus, DocumentStatus
from tests.api.conftest import User, Worker, assert_problem, documents_of
from tests.api.files import pdf


async def walk(user: User, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every item, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = await user.get(path, params=params | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert set(body) == {"items", "next_cursor"}
        assert len(body["items"]) <= params.get("limit", 50)
        found += body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            return found


async def test_pages_follow_each_other_without_gap_or_repeat(user: User) -> None:
    made = [(await user.draft(name=f"draft {index}"))["id"] for index in range(7)]

    for limit in (1, 2, 7, 50):
        found = await walk(user, "/batches", limit=limit)
        assert [item["id"] for item in found] == made[::-1]


async def test_a_page_is_stable_while_rows_are_added(user: User) -> None:
    made = [(await user.draft())["id"] for _ in range(4)]
    first = (await user.get("/batches", params={"limit": 2})).json()
    await user.draft()

    second = (await user.get("/batches", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]


async def test_the_longest_names_do_not_make_a_cursor_too_long_to_come_back(user: User) -> None:
    longest = "\N{GRINNING FACE}" * 251 + ".pdf"
    batch = (await user.upload([(longest, pdf()), (longest, pdf(2))])).json()
    for name in ("\N{GRINNING FACE}" * 200, '"' * 200):
        await user.draft(name=name)

    assert len(await walk(user, f"/batches/{batch['id']}/documents", sort="-filename", limit=1)) == 2
    assert len(await walk(user, "/batches", sort="-name", limit=1)) == 3


@pytest.mark.parametrize(
    "sort", ["created_at", "-created_at", "updated_at", "status", "-total_pages", "document_count", "-failed_count"]
)
async def test_batches_are_sorted_by_a_field_in_both_directions(user: User, sort: str) -> None:
    await user.batch([3])
    await user.batch([1, 1])
    await user.upload([("a.txt", b"text")])
    await user.draft()

    found = await walk(user, "/batches", sort=sort, limit=2)

    field = sort.removeprefix("-")
    values = [item[field] for item in found]
    if field == "status":
        values = [list(BatchStatus).index(value) for value in values]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert len({item["id"] for item in found}) == 4


def in_order(values: list[Any], *, descending: bool) -> bool:
    """Whether values stand in the database's order, where nothing is greater than everything."""
    return values == sorted(values, key=lambda value: (value is None, value or ""), reverse=descending)


@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("sort", ["id", "name", "-name", "completed_at", "-completed_at"])
async def test_batches_are_sorted_by_fields_that_not_all_of_them_have(user: User, sort: str, limit: int) -> None:
    for name in ("b", None, "a", None, "c"):
        await user.draft(name=name)
    await user.upload([("a.txt", b"text")])

    found = await walk(user, "/batches", sort=sort, limit=limit)

    assert len({item["id"] for item in found}) == len(found) == 6
    assert in_order([item[sort.removeprefix("-")] for item in found], descending=sort.startswith("-"))


@pytest.mark.parametrize(
    "sort", ["id", "batch_id", "-batch_id", "client_id", "-client_id", "document_type", "-prompt_source"]
)
async def test_documents_are_sorted_by_fields_that_not_all_of_them_have(user: User, sort: str) -> None:
    await user.upload([("b.pdf", pdf(2)), ("a.pdf", pdf(1)), ("c.pdf", pdf(2))])
    await user.document()
    await user.document()

    found = await walk(user, "/documents", sort=sort, limit=1)

    assert len({item["id"] for item in found}) == len(found) == 5
    assert in_order([item[sort.removeprefix("-")] for item in found], descending=sort.startswith("-"))


@pytest.mark.parametrize(
    "sort", ["filename", "-page_count", "size_bytes", "-status", "mime_type", "attempt", "position"]
)
async def test_documents_are_sorted_by_a_field_in_both_directions(user: User, sort: str) -> None:
    await user.upload([("b.pdf", pdf(2)), ("a.pdf", pdf(1)), ("c.pdf", pdf(2))])
    await user.document()

    found = await walk(user, "/documents", sort=sort, limit=1)

    field = sort.removeprefix("-")
    values = [list(DocumentStatus).index(item[field]) if field == "status" else item[field] for item in found]
    assert len(values) == 4
    assert values == sorted(values, reverse=sort.startswith("-"))


async def test_batches_are_filtered_by_status(user: User) -> None:
    queued, draft = await user.batch([1]), await user.draft()

    assert [item["id"] for item in await walk(user, "/batches", status="queued")] == [queued["id"]]
    assert [item["id"] for item in await walk(user, "/batches", status="pending_upload")] == [draft["id"]]
    assert await walk(user, "/batches", status="completed") == []


async def test_documents_are_filtered_by_status_and_by_a_part_of_their_name(user: User) -> None:
    batch = (await user.upload([("Invoice 7.pdf", pdf()), ("100%_a.pdf", pdf()), ("x\\_.pdf", pdf())])).json()
    found = await documents_of(user, batch["id"])
    await Worker(user).complete(found[0]["id"])

    for path in ("/documents", f"/batches/{batch['id']}/documents"):
        assert [item["filename"] for item in await walk(user, path, status="completed")] == ["Invoice 7.pdf"]
        assert [item["filename"] for item in await walk(user, path, q="INVOICE")] == ["Invoice 7.pdf"]
        assert [item["filename"] for item in await walk(user, path, q="%_")] == ["100%_a.pdf"]
        assert await walk(user, path, q="nowhere") == []


async def test_the_documents_of_a_batch_come_in_document_order(user: User) -> None:
    batch = (await user.upload([(f"{name}.pdf", pdf()) for name in "dbca"])).json()

    found = await walk(user, f"/batches/{batch['id']}/documents", limit=3)

    assert [item["filename"] for item in found] == ["d.pdf", "b.pdf", "c.pdf", "a.pdf"]


async def test_lists_hold_the_beginning_of_a_prompt_and_the_document_holds_all(user: User) -> None:
    prompt = "the total of " * 100
    batch = (await user.upload([("a.pdf", pdf())], per_document_prompts=json.dumps([prompt]))).json()

    (listed,) = await documents_of(user, batch["id"])

    assert listed["prompt"] == prompt[:200]
    assert (await user.get(f"/documents/{listed['id']}")).json()["prompt"] == prompt.strip()


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


SOME_ID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"sort": "secret"}, "sort"),
        ({"sort": "--filename"}, "sort"),
        ({"sort": ""}, "sort"),
        ({"status": "finished"}, "status"),
        ({"q": "a\x00b"}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "ä"}, "cursor"),
        ({"cursor": "x" * 5000}, "cursor"),
        ({"cursor": cursor("filename", "a", SOME_ID)}, "cursor"),
        ({"cursor": cursor("-created_at", "yesterday", SOME_ID)}, "cursor"),
        ({"cursor": cursor("-created_at", "2026-01-01T00:00:00+00:00", "x")}, "cursor"),
        ({"cursor": cursor("-created_at", "2026-01-01T00:00:00+00:00")}, "cursor"),
        ({"cursor": cursor("page_count", 10**30, SOME_ID), "sort": "page_count"}, "cursor"),
        ({"cursor": cursor("page_count", "x", SOME_ID), "sort": "page_count"}, "cursor"),
        ({"cursor": cursor("filename", "a\x00", SOME_ID), "sort": "filename"}, "cursor"),
        ({"cursor": cursor("filename", "\ud800", SOME_ID), "sort": "filename"}, "cursor"),
        ({"cursor": cursor("filename", None, SOME_ID), "sort": "filename"}, "cursor"),
        ({"cursor": cursor("status", "gone", SOME_ID), "sort": "status"}, "cursor"),
        ({"cursor": cursor("document_type", 7, SOME_ID), "sort": "document_type"}, "cursor"),
        ({"cursor": cursor("batch_id", "x", SOME_ID), "sort": "batch_id"}, "cursor"),
        ({"cursor": cursor({"a": 1})}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"[" * 3000).decode()}, "cursor"),
    ],
)
async def test_a_wrong_question_is_answered_with_the_field_that_is_wrong(
    user: User, params: dict[str, Any], field: str
) -> None:
    problem = assert_problem(await user.get("/documents", params=params), 422, "invalid_request")

    assert problem["errors"][0]["field"] == field
