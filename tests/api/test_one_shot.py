"""One request with files and prompts makes a batch; what is wrong with a file never stops the others (R60..R62)."""

import json
from typing import Any

import pytest

from ingestio.config import Settings
from ingestio.domain.plans import Membership
from tests.api import files
from tests.api.conftest import NewUser, User, assert_problem, documents_of, stored_files
from tests.api.files import pdf

BATCH_KEYS = {
    "id", "name", "status", "paused", "prompt_strategy", "extraction_prompt", "document_count", "completed_count", "failed_count",
    "cancelled_count", "total_pages", "refused_files", "created_at", "updated_at", "completed_at", "workflow_id",
}  # fmt: skip
DOCUMENT_KEYS = {
    "id", "batch_id", "client_id", "filename", "mime_type", "size_bytes", "page_count", "status", "document_type", "prompt",
    "prompt_source", "error", "pages_charged", "attempt", "created_at", "updated_at",
}  # fmt: skip


async def test_a_batch_of_every_kind_of_file_is_queued_with_its_pages_counted_from_the_bytes(user: User) -> None:
    sent = [
        ("invoice.pdf", pdf(3), "application/pdf", 3),
        ("scan.png", files.picture("PNG"), "image/png", 1),
        ("photo.jpg", files.picture("JPEG"), "image/jpeg", 1),
        ("fax.tif", files.picture("TIFF", frames=4), "image/tiff", 4),
        ("web.webp", files.picture("WEBP"), "image/webp", 1),
    ]

    answer = await user.upload([(name, content) for name, content, *_ in sent], name="March")

    batch = answer.json()
    assert answer.status_code == 202
    assert batch.keys() >= BATCH_KEYS
    assert batch["status"] == "queued"
    assert batch["name"] == "March"
    assert (batch["document_count"], batch["failed_count"], batch["total_pages"]) == (5, 0, 10)
    assert batch["workflow_id"] == f"batch/{batch['id']}"
    found = await documents_of(user, batch["id"])
    assert [(item["filename"], item["mime_type"], item["page_count"]) for item in found] == [
        (name, kind, pages) for name, _, kind, pages in sent
    ]
    assert all(item.keys() >= DOCUMENT_KEYS for item in found)
    assert [item["client_id"] for item in found] == ["0", "1", "2", "3", "4"]
    assert {item["status"] for item in found} == {"queued_for_processing"}
    assert (await user.usage())["pages_reserved"] == 10


async def test_the_type_is_what_the_bytes_say_and_not_what_the_name_or_the_client_says(user: User) -> None:
    answer = await user.post(
        "/batches",
        files=[("files", ("picture.png", pdf(2), "image/png"))],
        data={"prompt_strategy": "auto"},
    )

    (document,) = await documents_of(user, answer.json()["id"])
    assert (document["mime_type"], document["page_count"]) == ("application/pdf", 2)


async def test_each_bad_file_is_refused_with_its_own_code_and_the_good_one_runs(user: User, settings: Settings) -> None:
    before = stored_files(settings)
    sent = [
        ("good.pdf", pdf()),
        ("locked.pdf", files.encrypted_pdf()),
        ("cut.pdf", files.damaged_pdf()),
        ("program.pdf", b"MZ" + bytes(100)),
        ("nothing.pdf", b""),
        ("bomb.png", files.huge_picture()),
        ("long.pdf", pdf(5001)),
        ("empty.pdf", pdf(0)),
    ]

    batch = (await user.upload(sent)).json()

    assert batch["status"] == "queued"
    assert [(item["filename"], item["client_id"], item["code"]) for item in batch["refused_files"]] == [
        ("locked.pdf", "1", "encrypted"),
        ("cut.pdf", "2", "corrupt"),
        ("program.pdf", "3", "unsupported_type"),
        ("nothing.pdf", "4", "corrupt"),
        ("bomb.png", "5", "image_too_large"),
        ("long.pdf", "6", "too_many_pages"),
        ("empty.pdf", "7", "no_pages"),
    ]
    assert all(item["message"] for item in batch["refused_files"])
    assert (batch["document_count"], batch["failed_count"], batch["total_pages"]) == (1, 7, 1)
    assert len(stored_files(settings)) == len(before) + 1


async def test_a_file_beyond_the_plans_limit_is_refused_while_it_streams_and_the_next_one_is_taken(
    new_user: NewUser, open_door: Any
) -> None:
    async with open_door(INGESTIO_PLANS='{"plus": {"file_mb": 1}}') as client:
        user = await new_user(Membership.PLUS, client)

        batch = (await user.upload([("big.pdf", pdf() + bytes(3 << 20)), ("small.pdf", pdf())])).json()

    assert [(item["client_id"], item["code"]) for item in batch["refused_files"]] == [("0", "file_too_large")]
    assert "1 MB" in batch["refused_files"][0]["message"]
    assert batch["document_count"] == 1


async def test_a_batch_whose_files_are_all_bad_is_failed_and_visible_without_a_run(user: User) -> None:
    batch = (await user.upload([("a.pdf", files.damaged_pdf()), ("b.txt", b"hello")])).json()

    assert (batch["status"], batch["document_count"], batch["failed_count"]) == ("failed", 0, 2)
    assert batch["completed_at"]
    assert batch["workflow_id"] is None
    assert (await user.get(f"/batches/{batch['id']}")).json() == batch


async def test_more_files_than_the_plan_takes_refuse_the_whole_and_leave_nothing(
    new_user: NewUser, settings: Settings
) -> None:
    user = await new_user(Membership.PLUS)
    before = stored_files(settings)

    answer = await user.upload([(f"{index}.pdf", pdf()) for index in range(26)])

    assert "25" in assert_problem(answer, 413, "batch_too_large")["detail"]
    assert (await user.get("/batches")).json()["items"] == []
    assert stored_files(settings) == before


@pytest.mark.parametrize("order", ["first", "last", "between"])
async def test_fields_may_come_in_any_order_around_the_files(user: User, order: str) -> None:
    def field(name: str, value: str) -> tuple[str, tuple[None, bytes]]:
        return name, (None, value.encode())

    fields = [
        field("prompt_strategy", "global"),
        field("global_prompt", " Find the Größe "),
        field("name", "any order"),
    ]
    parts: list[tuple[str, Any]] = [("files", (f"{index}.pdf", pdf())) for index in range(2)]
    arranged = {
        "first": [*fields, *parts],
        "last": [*parts, *fields],
        "between": [fields[0], parts[0], fields[1], parts[1], fields[2]],
    }

    answer = await user.post("/batches", files=arranged[order])

    batch = answer.json()
    assert answer.status_code == 202
    assert batch["extraction_prompt"] == "Find the Größe"
    assert (batch["name"], batch["prompt_strategy"], batch["document_count"]) == ("any order", "global", 2)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\me\\scan 1.pdf", "scan 1.pdf"),
        ("Rechnung Größe 契約.pdf", "Rechnung Größe 契約.pdf"),
        ("in\nvoice.pdf", "invoice.pdf"),
        ('12" screen.pdf', '12" screen.pdf'),
        ("gnp.\u202efdp.exe", "gnp.fdp.exe"),
        ("..", "document-1"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
async def test_file_names_are_only_shown_and_shown_safely(user: User, sent: str, shown: str) -> None:
    batch = (await user.upload([(sent, pdf())])).json()

    (document,) = await documents_of(user, batch["id"])
    assert document["filename"] == shown


async def test_a_file_input_that_nobody_used_is_no_file(user: User) -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="prompt_strategy"\r\n\r\nauto\r\n'
        b'--B\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n'
        b'--B\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n' + pdf() + b"\r\n--B--\r\n"
    )

    answer = await user.post("/batches", content=body, headers={"Content-Type": "multipart/form-data; boundary=B"})

    (document,) = await documents_of(user, answer.json()["id"])
    assert (document["filename"], document["client_id"]) == ("document-1", "0")


async def test_starter_is_told_to_upgrade_before_a_byte_is_stored(new_user: NewUser, settings: Settings) -> None:
    user = await new_user(Membership.STARTER)
    before = stored_files(settings)

    answer = await user.upload([("a.pdf", pdf())])

    assert "Upgrade required" in assert_problem(answer, 403, "upgrade_required")["detail"]
    assert stored_files(settings) == before
    assert_problem(await user.post("/batches", json={}), 403, "upgrade_required")


@pytest.mark.parametrize("status", ["past_due", "canceled", "paused"])
async def test_an_inactive_subscription_submits_nothing(user: User, status: str) -> None:
    draft = await user.draft()
    await user.put(draft["id"], "a", pdf())
    user.superuser.execute("UPDATE profiles SET subscription_status = %s WHERE user_id = %s", [status, user.id])

    assert_problem(await user.upload([("a.pdf", pdf())]), 403, "subscription_inactive")
    assert_problem(await user.post(f"/batches/{draft['id']}/submit"), 403, "subscription_inactive")


async def test_per_document_prompts_reach_their_documents_and_a_document_without_one_is_refused(user: User) -> None:
    prompts = json.dumps({"0": "the total", "two.pdf": "the date"})

    batch = (
        await user.upload(
            [("one.pdf", pdf()), ("two.pdf", pdf()), ("three.pdf", pdf())],
            prompt_strategy="per_document",
            per_document_prompts=prompts,
        )
    ).json()

    assert [(item["client_id"], item["code"]) for item in batch["refused_files"]] == [("2", "prompt_missing")]
    found = await documents_of(user, batch["id"])
    assert [(item["prompt"], item["prompt_source"]) for item in found] == [
        ("the total", "per_document"),
        ("the date", "per_document"),
    ]


async def test_own_prompts_under_auto_stand_on_their_documents(user: User) -> None:
    batch = (
        await user.upload([("a.pdf", pdf()), ("b.pdf", pdf())], per_document_prompts=json.dumps([None, "the IBAN"]))
    ).json()

    found = await documents_of(user, batch["id"])
    assert [item["prompt"] for item in found] == [None, "the IBAN"]


async def test_the_global_prompt_is_kept_only_under_the_global_strategy(user: User) -> None:
    batch = (await user.upload([("a.pdf", pdf())], prompt_strategy="auto", global_prompt="not used")).json()

    assert (batch["prompt_strategy"], batch["extraction_prompt"]) == ("auto", None)


WRONG_FIELDS: list[tuple[dict[str, str], str, str]] = [
    ({"prompt_strategy": "best"}, "invalid_request", "prompt_strategy"),
    ({"prompt_strategy": "global"}, "prompt_missing", "global_prompt"),
    ({"prompt_strategy": "global", "global_prompt": "  \n"}, "prompt_missing", "global_prompt"),
    ({"prompt_strategy": "global", "global_prompt": "x" * 20_001}, "prompt_invalid", "global_prompt"),
    ({"prompt_strategy": "global", "global_prompt": "a\x07b"}, "prompt_invalid", "global_prompt"),
    ({"prompt_strategy": "global", "global_prompt": "x" * 200_000}, "invalid_request", "global_prompt"),
    ({"name": "x" * 201}, "invalid_request", "name"),
    ({"name": "two\nlines"}, "invalid_request", "name"),
    ({"all_or_nothing": "perhaps"}, "invalid_request", "all_or_nothing"),
    ({"promt": "typo"}, "invalid_request", "promt"),
    ({"per_document_prompts": "{"}, "invalid_request", "per_document_prompts"),
    ({"per_document_prompts": '"text"'}, "invalid_request", "per_document_prompts"),
    ({"per_document_prompts": "[" * 100_000}, "invalid_request", "per_document_prompts"),
    ({"per_document_prompts": f"[{'9' * 5_000}]"}, "invalid_request", "per_document_prompts"),
    ({"per_document_prompts": '["a", "b", "c"]'}, "invalid_request", "per_document_prompts"),
    ({"per_document_prompts": "[1]"}, "invalid_request", "per_document_prompts.0"),
    ({"per_document_prompts": '{"0": ["a"]}'}, "invalid_request", "per_document_prompts.0"),
    ({"per_document_prompts": '{"7": "a"}'}, "invalid_request", "per_document_prompts.7"),
    ({"per_document_prompts": '{"-1": "a"}'}, "invalid_request", "per_document_prompts.-1"),
    ({"per_document_prompts": '{"00": "a"}'}, "invalid_request", "per_document_prompts.00"),
    ({"per_document_prompts": '{"nobody.pdf": "a"}'}, "invalid_request", "per_document_prompts.nobody.pdf"),
    ({"per_document_prompts": '{"same.pdf": "a"}'}, "invalid_request", "per_document_prompts.same.pdf"),
    ({"per_document_prompts": '{"0": "a", "0": "b"}'}, "invalid_request", "per_document_prompts.0"),
    ({"per_document_prompts": json.dumps(["ok", "a\x00b"])}, "prompt_invalid", "per_document_prompts.1"),
    ({"per_document_prompts": json.dumps({"1": "y" * 20_001})}, "prompt_invalid", "per_document_prompts.1"),
    ({"per_document_prompts": '["\\ud800"]'}, "prompt_invalid", "per_document_prompts.0"),
]


@pytest.mark.parametrize(("fields", "code", "field"), WRONG_FIELDS)
async def test_a_wrong_field_is_named_and_leaves_no_trace(
    user: User, settings: Settings, fields: dict[str, str], code: str, field: str
) -> None:
    before = stored_files(settings)

    answer = await user.upload([("same.pdf", pdf()), ("same.pdf", pdf())], **fields)

    assert assert_problem(answer, 422, code)["errors"][0]["field"] == field
    assert (await user.get("/batches")).json()["items"] == []
    assert stored_files(settings) == before


async def test_a_key_that_is_a_position_and_another_files_name_is_ambiguous(user: User) -> None:
    answer = await user.upload([("1", pdf()), ("x.pdf", pdf())], per_document_prompts='{"1": "which one?"}')

    assert "more than one" in assert_problem(answer, 422, "invalid_request")["errors"][0]["message"]


async def test_a_form_without_files_is_refused(user: User) -> None:
    answer = await user.post("/batches", files=[("prompt_strategy", (None, b"auto"))])

    assert assert_problem(answer, 422, "invalid_request")["errors"][0]["field"] == "files"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_kind_of_body_is_refused(user: User, kind: str) -> None:
    answer = await user.post("/batches", content=b"a=b", headers={"Content-Type": kind})

    assert_problem(answer, 415, "unsupported_type")
