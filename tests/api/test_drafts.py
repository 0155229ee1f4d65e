"""Drafts: files come one by one, prompts change, the quote is exact, and submitting happens once (R43, R60)."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from ingestio.config import Settings
from ingestio.domain.plans import Membership
from tests.api import files
from tests.api.conftest import NewUser, User, assert_problem, documents_of, stored_files
from tests.api.files import pdf


async def test_a_draft_is_made_empty_and_says_what_is_in_it(user: User) -> None:
    draft = await user.draft(name="May", prompt_strategy="global", global_prompt="the total")

    assert (draft["status"], draft["document_count"], draft["total_pages"]) == ("pending_upload", 0, 0)
    assert (draft["name"], draft["extraction_prompt"]) == ("May", "the total")
    await user.put(draft["id"], "a", pdf(2))
    await user.put(draft["id"], "b", b"no picture")
    now = (await user.get(f"/batches/{draft['id']}")).json()
    assert (now["document_count"], now["total_pages"], now["failed_count"]) == (1, 2, 1)


async def test_putting_a_file_answers_its_document(user: User) -> None:
    draft = await user.draft()

    answer = await user.put(draft["id"], "x-1._", pdf(3), "../März.pdf")

    document = answer.json()
    assert answer.status_code == 201
    assert (document["client_id"], document["filename"], document["page_count"]) == ("x-1._", "März.pdf", 3)
    assert (document["status"], document["batch_id"]) == ("uploaded", draft["id"])
    assert (await user.usage())["pages_reserved"] == 0


async def test_files_stand_where_they_were_chosen_in_whatever_order_they_come(user: User) -> None:
    draft = await user.draft()
    for client_id, place in (("c", 2), ("a", 0), ("again", 0), ("b", 1)):
        path = f"/batches/{draft['id']}/files/{client_id}"
        answer = await user.ask("PUT", path, params={"position": place}, content=pdf())
        assert answer.status_code == 201

    assert [item["client_id"] for item in await documents_of(user, draft["id"])] == ["a", "b", "c", "again"]


async def test_without_a_name_a_file_is_called_by_its_client_id(user: User) -> None:
    draft = await user.draft()

    assert (await user.put(draft["id"], "scan-7", pdf(), "")).json()["filename"] == "scan-7"


async def test_the_same_bytes_under_the_same_client_id_change_nothing(user: User, settings: Settings) -> None:
    draft, content = await user.draft(), pdf()
    first = (await user.put(draft["id"], "a", content)).json()
    before = stored_files(settings)

    again = await user.put(draft["id"], "a", content)

    assert (again.status_code, again.json()) == (201, first)
    assert stored_files(settings) == before


async def test_other_bytes_under_the_same_client_id_replace_the_file_and_keep_its_place_and_prompt(
    user: User, settings: Settings
) -> None:
    draft = await user.draft(prompt_strategy="per_document")
    for name in ("a", "b"):
        await user.put(draft["id"], name, pdf())
    await user.ask("PATCH", f"/batches/{draft['id']}", json={"prompts": {"a": "the date"}})
    before = stored_files(settings)

    await user.put(draft["id"], "a", pdf(4))

    found = await documents_of(user, draft["id"])
    assert [(item["client_id"], item["page_count"], item["prompt"]) for item in found] == [
        ("a", 4, "the date"),
        ("b", 1, None),
    ]
    assert len(stored_files(settings)) == len(before)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"plain text", 415, "unsupported_type"),
        (files.encrypted_pdf(), 422, "encrypted"),
        (files.damaged_pdf(), 422, "corrupt"),
        (b"", 422, "corrupt"),
        (files.huge_picture(), 422, "image_too_large"),
        (pdf(5001), 422, "too_many_pages"),
        (pdf(0), 422, "no_pages"),
    ],
)
async def test_a_refused_file_is_a_typed_problem_and_stays_listed_until_it_is_replaced(
    user: User, settings: Settings, content: bytes, status: int, code: str
) -> None:
    draft = await user.draft()
    before = stored_files(settings)

    assert_problem(await user.put(draft["id"], "a", content, "bad.pdf"), status, code)

    (refused,) = (await user.get(f"/batches/{draft['id']}")).json()["refused_files"]
    assert (refused["client_id"], refused["filename"], refused["code"]) == ("a", "bad.pdf", code)
    assert stored_files(settings) == before
    await user.put(draft["id"], "a", pdf())
    assert (await user.get(f"/batches/{draft['id']}")).json()["refused_files"] == []


async def test_a_refused_file_takes_the_place_of_the_good_one_it_replaces(user: User, settings: Settings) -> None:
    draft = await user.draft()
    before = stored_files(settings)
    await user.put(draft["id"], "a", pdf())

    assert_problem(await user.put(draft["id"], "a", b"text"), 415, "unsupported_type")

    assert await documents_of(user, draft["id"]) == []
    assert stored_files(settings) == before


async def test_a_file_beyond_the_limit_is_refused_by_its_declared_length_or_while_it_streams(
    new_user: NewUser, settings: Settings
) -> None:
    user = await new_user(Membership.PLUS)
    user.superuser.execute("UPDATE profiles SET membership = 'starter' WHERE user_id = %s", [user.id])
    draft_id = uuid4()
    user.superuser.execute("INSERT INTO extraction_batches (id, user_id) VALUES (%s, %s)", [draft_id, user.id])
    before = stored_files(settings)
    content = pdf() + bytes(21 << 20)

    async def streamed() -> object:
        yield content

    assert_problem(await user.put(str(draft_id), "a", content), 413, "file_too_large")
    assert_problem(await user.put(str(draft_id), "b", streamed()), 413, "file_too_large")

    listed = (await user.get(f"/batches/{draft_id}")).json()["refused_files"]
    assert [(item["client_id"], item["code"]) for item in listed] == [("a", "file_too_large"), ("b", "file_too_large")]
    assert stored_files(settings) == before


@pytest.mark.parametrize("client_id", ["a b", "x" * 65, "ä", "a,b", "%2e", "%2e%2e"])
async def test_a_client_id_has_a_small_alphabet(user: User, client_id: str) -> None:
    draft = await user.draft()

    problem = assert_problem(await user.put(draft["id"], client_id, pdf()), 422, "invalid_request")

    assert problem["errors"][0]["field"] == "client_id"


async def test_a_draft_holds_as_many_files_as_the_plan_allows(new_user: NewUser, settings: Settings) -> None:
    user = await new_user(Membership.PLUS)
    draft = await user.draft()
    content = pdf()
    for number in range(25):
        assert (await user.put(draft["id"], str(number), content)).status_code == 201
    before = stored_files(settings)

    assert_problem(await user.put(draft["id"], "one-more", content), 413, "batch_too_large")

    assert stored_files(settings) == before
    assert (await user.put(draft["id"], "3", pdf())).status_code == 201


async def test_a_file_or_a_refusal_is_deleted_by_its_client_id(user: User, settings: Settings) -> None:
    draft = await user.draft()
    before = stored_files(settings)
    await user.put(draft["id"], "good", pdf())
    await user.put(draft["id"], "bad", b"text")

    for client_id in ("good", "bad"):
        answer = await user.ask("DELETE", f"/batches/{draft['id']}/files/{client_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert_problem(await user.ask("DELETE", f"/batches/{draft['id']}/files/{client_id}"), 404, "not_found")

    now = (await user.get(f"/batches/{draft['id']}")).json()
    assert (now["document_count"], now["failed_count"], now["refused_files"]) == (0, 0, [])
    assert stored_files(settings) == before


async def test_a_patch_changes_what_it_names_and_nothing_else(user: User) -> None:
    draft = await user.draft(name="old", prompt_strategy="global", global_prompt="the total")
    path = f"/batches/{draft['id']}"

    async def patched(**change: object) -> tuple[object, ...]:
        answer = await user.ask("PATCH", path, json=change)
        assert answer.status_code == 200, answer.text
        now = answer.json()
        return now["name"], now["prompt_strategy"], now["extraction_prompt"]

    assert await patched() == ("old", "global", "the total")
    assert await patched(name="new") == ("new", "global", "the total")
    assert await patched(global_prompt=" the date ") == ("new", "global", "the date")
    assert await patched(prompt_strategy="auto") == ("new", "auto", None)
    assert await patched(prompt_strategy="global", global_prompt="both") == ("new", "global", "both")
    assert await patched(global_prompt=None) == ("new", "global", None)
    assert await patched(name=None) == (None, "global", None)


async def test_a_patch_may_be_called_what_patches_of_json_are_called(user: User) -> None:
    path = f"/batches/{(await user.draft())['id']}"
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        answer = await user.ask("PATCH", path, content=json.dumps({"name": kind}), headers={"Content-Type": kind})
        assert (answer.status_code, answer.json().get("name")) == (200, kind)


async def test_own_prompts_are_set_and_taken_away_by_client_id(user: User) -> None:
    draft = await user.draft(prompt_strategy="per_document")
    await user.put(draft["id"], "a", pdf())
    path = f"/batches/{draft['id']}"

    await user.ask("PATCH", path, json={"prompts": {"a": " the total "}})
    assert [item["prompt"] for item in await documents_of(user, draft["id"])] == ["the total"]
    await user.ask("PATCH", path, json={"prompts": {"a": None}})
    assert [item["prompt"] for item in await documents_of(user, draft["id"])] == [None]


async def test_one_patch_has_room_for_the_longest_prompt_of_every_document(user: User) -> None:
    draft = await user.draft(prompt_strategy="per_document")
    await user.put(draft["id"], "a", pdf())
    longest = "\N{EARTH GLOBE EUROPE-AFRICA}" * 20_000
    nobodys = {f"nobody-{number}": longest for number in range(1, 100)}

    answer = await user.ask("PATCH", f"/batches/{draft['id']}", json={"prompts": nobodys})
    assert [item["field"] for item in assert_problem(answer, 422, "invalid_request")["errors"]] == [
        f"prompts.{client_id}" for client_id in sorted(nobodys)
    ]

    answer = await user.ask("PATCH", f"/batches/{draft['id']}", json={"name": "x" * (32 << 20)})
    assert_problem(answer, 413, "request_too_large")


async def test_nobodys_prompts_are_not_read(user: User, front: httpx.AsyncClient) -> None:
    draft = await user.draft()
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield b" " * (1 << 20)

    answer = await front.patch(
        f"/api/v1/batches/{draft['id']}", content=endless(), headers={"Content-Type": "application/json"}
    )

    assert_problem(answer, 401, "unauthenticated")
    assert taken == 0


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"prompts": {"nobody": "x"}}, "invalid_request", "prompts.nobody"),
        ({"prompts": {"a": "x" * 20_001}}, "prompt_invalid", "prompts.a"),
        ({"global_prompt": "\x00"}, "prompt_invalid", "global_prompt"),
        ({"prompt_strategy": None}, "invalid_request", "prompt_strategy"),
        ({"prompt_strategy": "best"}, "invalid_request", "prompt_strategy"),
        ({"name": "x" * 201}, "invalid_request", "name"),
        ({"name": "a\x00b"}, "invalid_request", "name"),
        ({"status": "completed"}, "invalid_request", "status"),
        ({"prompts": ["a"]}, "invalid_request", "prompts"),
        ({"prompts": {"\ud800": "x"}}, "invalid_request", "body"),
    ],
)
async def test_a_wrong_patch_names_the_field_and_changes_nothing(
    user: User, change: dict[str, object], code: str, field: str
) -> None:
    draft = await user.draft()
    await user.put(draft["id"], "a", pdf())
    before = (await user.get(f"/batches/{draft['id']}")).json()

    body = json.dumps(change)  # which, unlike httpx, can write half of a surrogate pair
    answer = await user.ask(
        "PATCH", f"/batches/{draft['id']}", content=body, headers={"Content-Type": "application/json"}
    )

    problem = assert_problem(answer, 422, code)
    assert problem["errors"][0]["field"] == field
    assert "Value error" not in problem["errors"][0]["message"]
    assert (await user.get(f"/batches/{draft['id']}")).json() == before


async def test_the_quote_is_exact_and_costs_nothing(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(240)
    draft = await user.draft()
    for client_id, pages in (("a", 4), ("b", 9), ("c", 5)):
        await user.put(draft["id"], client_id, pdf(pages))
    await user.put(draft["id"], "d", b"text")

    quote = (await user.get(f"/batches/{draft['id']}/quote")).json()

    assert (quote["documents"], quote["pages"], quote["fits"], quote["documents_that_fit"]) == (3, 18, False, 2)
    assert (quote["pages_remaining"], quote["pages_after"]) == (10, 1)
    assert [item["code"] for item in quote["refused_files"]] == ["unsupported_type"]
    assert [(item["client_id"], item["pages"], item["fits"]) for item in quote["files"]] == [
        ("a", 4, True),
        ("b", 9, False),
        ("c", 5, True),
    ]
    assert (await user.usage())["pages_remaining"] == 10
    await user.post(f"/batches/{draft['id']}/submit")
    assert (await user.usage())["pages_remaining"] == quote["pages_after"]
    assert_problem(await user.get(f"/batches/{draft['id']}/quote"), 409, "invalid_transition")


async def test_the_quote_and_the_usage_see_the_period_that_a_submission_would_open(new_user: NewUser) -> None:
    user = await new_user(Membership.PLUS)
    user.has_used(250)
    user.superuser.execute(
        "UPDATE user_usage SET billing_period_start = now() - interval '40 days', billing_period_end = now() - interval '9 days' "
        "WHERE user_id = %s",
        [user.id],
    )
    draft = await user.draft()
    await user.put(draft["id"], "a", pdf(7))

    quote = (await user.get(f"/batches/{draft['id']}/quote")).json()
    usage = await user.usage()

    assert (quote["fits"], quote["pages_remaining"], quote["pages_after"]) == (True, 250, 243)
    assert (usage["pages_processed"], usage["pages_remaining"]) == (0, 250)
    assert (await user.post(f"/batches/{draft['id']}/submit")).status_code == 202
    assert (await user.usage())["pages_remaining"] == 243


async def test_a_draft_is_submitted_once(user: User) -> None:
    draft = await user.draft()
    await user.put(draft["id"], "a", pdf())
    path = f"/batches/{draft['id']}"

    assert (await user.post(f"{path}/submit")).json()["status"] == "queued"

    again = assert_problem(await user.post(f"{path}/submit"), 409, "invalid_transition")
    assert again["current"] == "queued"
    assert_problem(await user.put(draft["id"], "b", pdf()), 409, "invalid_transition")
    assert_problem(await user.ask("PATCH", path, json={"name": "x"}), 409, "invalid_transition")
    assert_problem(await user.ask("DELETE", f"{path}/files/a"), 409, "invalid_transition")


async def test_an_incomplete_draft_is_not_submitted(user: User) -> None:
    empty = await user.draft()
    assert_problem(await user.post(f"/batches/{empty['id']}/submit"), 422, "invalid_request")

    promptless = await user.draft(prompt_strategy="global")
    await user.put(promptless["id"], "a", pdf())
    problem = assert_problem(await user.post(f"/batches/{promptless['id']}/submit"), 422, "prompt_missing")
    assert problem["errors"][0]["field"] == "global_prompt"

    own = await user.draft(prompt_strategy="per_document")
    for client_id in ("a", "b", "c"):
        await user.put(own["id"], client_id, pdf())
    await user.ask("PATCH", f"/batches/{own['id']}", json={"prompts": {"b": "the total"}})
    problem = assert_problem(await user.post(f"/batches/{own['id']}/submit"), 422, "prompt_missing")
    assert [item["field"] for item in problem["errors"]] == ["prompts.a", "prompts.c"]


async def test_deleting_a_draft_takes_its_documents_along(user: User, settings: Settings) -> None:
    before = stored_files(settings)
    draft = await user.draft()
    document = (await user.put(draft["id"], "a", pdf())).json()

    assert (await user.ask("DELETE", f"/batches/{draft['id']}")).status_code == 204

    assert_problem(await user.get(f"/batches/{draft['id']}"), 404, "not_found")
    assert_problem(await user.get(f"/documents/{document['id']}"), 404, "not_found")
    assert stored_files(settings) == before
