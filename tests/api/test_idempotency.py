"""The same key and content give the same answer, whatever repeats, races or re-encodes (R63)."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from ingestio.config import Settings
from ingestio.domain.plans import Membership
from tests.api.conftest import NewUser, User, assert_problem, stored_files
from tests.api.files import pdf

Files = list[tuple[str, bytes]]


async def count_batches(user: User) -> int:
    return len((await user.get("/batches")).json()["items"])


async def test_a_repeat_answers_the_first_batch_and_stores_nothing(user: User, settings: Settings) -> None:
    sent = [("a.pdf", pdf(2)), ("bad.txt", b"hello"), ("b.pdf", pdf())]
    first = await user.upload(sent, key="once", name="x")
    before = stored_files(settings)

    again = await user.upload(sent, key="once", name="x")

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await count_batches(user) == 1
    assert stored_files(settings) == before
    assert (await user.usage())["pages_reserved"] == 3


async def test_another_boundary_and_another_order_of_fields_are_the_same_content(user: User) -> None:
    content = pdf()

    async def send(boundary: str, *, fields_first: bool) -> str:
        fields = f'--{boundary}\r\nContent-Disposition: form-data; name="prompt_strategy"\r\n\r\nauto\r\n'.encode()
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'.encode()
        file = head + content + b"\r\n"
        body = (fields + file if fields_first else file + fields) + f"--{boundary}--\r\n".encode()
        answer = await user.post(
            "/batches",
            content=body,
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": "k"},
        )
        assert answer.status_code == 202, answer.text
        identity: str = answer.json()["id"]
        return identity

    assert await send("one", fields_first=True) == await send("another", fields_first=False)


CHANGES: list[Callable[[Files], tuple[Files, dict[str, str]]]] = [
    lambda files: (files, {"name": "other"}),
    lambda files: (files, {"prompt_strategy": "global", "global_prompt": "the total"}),
    lambda files: (files, {"all_or_nothing": "true"}),
    lambda files: (files, {"per_document_prompts": '["a prompt"]'}),
    lambda files: ([*files, ("c.pdf", pdf())], {}),
    lambda files: (files[::-1], {}),
    lambda files: ([("renamed.pdf", files[0][1]), files[1]], {}),
    lambda files: ([("a.pdf", pdf()), files[1]], {}),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_other_content_under_the_same_key_is_a_conflict_and_leaves_nothing(
    user: User, settings: Settings, change: Callable[[Files], tuple[Files, dict[str, str]]]
) -> None:
    files = [("a.pdf", pdf()), ("b.pdf", pdf())]
    await user.upload(files, key="k")
    before = stored_files(settings)
    changed, fields = change(files)

    answer = await user.upload(changed, key="k", **fields)

    assert_problem(answer, 409, "idempotency_conflict")
    assert await count_batches(user) == 1
    assert stored_files(settings) == before


async def test_twins_at_the_same_moment_make_one_batch(user: User, settings: Settings) -> None:
    files = [("a.pdf", pdf()), ("b.pdf", pdf())]
    before = stored_files(settings)

    answers = await asyncio.gather(*(user.upload(files, key="twins") for _ in range(6)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5
    assert await count_batches(user) == 1
    assert (await user.usage())["pages_reserved"] == 2
    assert len(stored_files(settings)) == len(before) + 2


async def test_a_key_belongs_to_its_user(user: User, other: User) -> None:
    files = [("a.pdf", pdf())]

    mine, theirs = await user.upload(files, key="k"), await other.upload(files, key="k")

    assert mine.json()["id"] != theirs.json()["id"]
    assert theirs.status_code == 202


async def test_without_a_key_every_request_is_a_batch(user: User) -> None:
    files = [("a.pdf", pdf())]

    await user.upload(files)
    await user.upload(files)

    assert await count_batches(user) == 2


async def test_a_key_is_free_again_after_a_day(user: User) -> None:
    await user.upload([("a.pdf", pdf())], key="k")
    user.superuser.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE user_id = %s", [user.id]
    )

    answer = await user.upload([("b.pdf", pdf())], key="k")

    assert answer.status_code == 202
    assert await count_batches(user) == 2


async def test_an_upload_that_did_not_fit_may_use_its_key_again_after_the_upgrade(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(248)
    files = [("a.pdf", pdf(5))]
    assert_problem(await user.upload(files, key="k"), 402, "quota_exceeded")
    await user.change_plan(Membership.GROWTH)

    answer = await user.upload(files, key="k")

    assert answer.status_code == 202
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_key_is_short_and_printable(user: User, key: str) -> None:
    answer = await user.post(
        "/batches",
        files=[("files", ("a.pdf", pdf()))],
        data={"prompt_strategy": "auto"},
        headers={"Idempotency-Key": key},
    )

    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["field"] == "Idempotency-Key"


async def test_the_same_holds_for_a_single_document(user: User, settings: Settings) -> None:
    content = pdf()

    async def send(name: str = "a.pdf") -> tuple[int, str]:
        answer = await user.post("/documents", files={"file": (name, content)}, headers={"Idempotency-Key": "k"})
        return answer.status_code, answer.json().get("id", answer.json().get("code"))

    first = await send()
    before = stored_files(settings)

    assert await send() == first
    assert await send("b.pdf") == (409, "idempotency_conflict")
    assert stored_files(settings) == before


async def test_the_key_of_a_batch_that_was_deleted_finds_nothing(user: User) -> None:
    files = [("a.txt", b"hello")]
    batch = (await user.upload(files, key="k")).json()
    await user.ask("DELETE", f"/batches/{batch['id']}")

    assert_problem(await user.upload(files, key="k"), 404, "not_found")


async def test_the_same_holds_for_a_draft(user: User) -> None:
    async def send(**fields: str) -> httpx.Response:
        return await user.post("/batches", json={"prompt_strategy": "auto"} | fields, headers={"Idempotency-Key": "k"})

    first, *twins = await asyncio.gather(*(send() for _ in range(4)))

    assert {answer.status_code for answer in (first, *twins)} == {201}
    assert len({answer.json()["id"] for answer in (first, *twins)}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in (first, *twins)) == 3
    assert_problem(await send(name="other"), 409, "idempotency_conflict")
    assert_problem(await user.upload([("a.pdf", pdf())], key="k"), 409, "idempotency_conflict")
    assert await count_batches(user) == 1


async def test_a_key_is_one_request_whatever_it_is_for(user: User, settings: Settings) -> None:
    """One key for the document, its batch and their export says that all three are one request, which they are not."""
    content, key = pdf(), {"Idempotency-Key": "k"}
    document = (await user.post("/documents", files={"file": ("a.pdf", content)}, headers=key)).json()
    before = stored_files(settings)

    batch = await user.upload([("a.pdf", content)], key="k")
    draft = await user.post("/batches", json={"prompt_strategy": "auto"}, headers=key)
    export = await user.post("/exports", json={"document_ids": [document["id"]], "format": "csv"}, headers=key)

    for answer in (batch, draft, export):
        assert_problem(answer, 409, "idempotency_conflict")
    assert await count_batches(user) == 0
    assert stored_files(settings) == before


async def test_a_key_for_two_requests_of_different_kinds_at_once_goes_to_one(user: User) -> None:
    content, key = pdf(), {"Idempotency-Key": "k"}

    answers = await asyncio.gather(
        *(user.post("/batches", json={"prompt_strategy": "auto"}, headers=key) for _ in range(3)),
        *(user.post("/documents", files={"file": ("a.pdf", content)}, headers=key) for _ in range(3)),
    )

    codes = [answer.status_code for answer in answers]
    assert sorted([codes[:3], codes[3:]]) == [[201] * 3, [409] * 3]
