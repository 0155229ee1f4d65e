"""Exports at the front door: ordered, made, fetched by their owner or by a signed link, and gone with what they hold (R86, R87)."""

import csv
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import openpyxl
import pytest
from fastapi import FastAPI

from activities.exports import ExportActivities
from activities.repairs.base import Ground
from activities.repairs.rows import row_repairs
from activities.upkeep import make_round
from ingestio.auth.links import LINK_LIFETIME, LinkSigner
from ingestio.bootstrap import Deps, WorkerDeps
from ingestio.config import Settings
from ingestio.domain.batches import ExtractionStatus
from ingestio.errors import Unauthenticated
from ingestio.extraction.base import Provider
from ingestio.services.exports import LIFETIME
from tests.api.conftest import SECRET, Json, User, Worker, assert_problem, documents_of, stored_files
from tests.api.files import pdf
from tests.api.test_reviews import correct, extracted

FORMULA = '=HYPERLINK("http://x.example","open")'
VALUES: dict[str, str | None] = {
    "total": "0.10",
    "big": "12345678901234567890.123456789",
    "date": "2026-02-28",
    "vendor": "株式会社 東京 🙂 Müller",
    "arabic": "فاتورة",
    "lines": 'first, "quoted"\nsecond\tthird',
    "code": "007",
    "negative": "-1.00",
    "formula": FORMULA,
    "absent": None,
}
FORMATS = ("json", "jsonl", "csv", "xlsx")

Make = Callable[[str], Awaitable[ExtractionStatus]]


@pytest.fixture
def make(app: FastAPI, front: httpx.AsyncClient, user: User) -> Make:  # the front door must be open
    """Does what a worker does with an export of the user's."""
    deps: Deps = app.state.front_door.deps
    worker = WorkerDeps(deps.settings, deps.engine, deps.store, deps.book, deps.clock, cast("Provider", None))

    async def made(export_id: str) -> ExtractionStatus:
        return (await ExportActivities(worker).write(user.id, UUID(export_id))).status

    return made


async def completed(user: User, *values: dict[str, Any]) -> Json:
    """A batch whose documents hold these values."""
    batch = await user.batch([1] * len(values))
    for document, data in zip(await documents_of(user, batch["id"]), values, strict=True):
        fields = [
            {
                "path": path,
                "value": value,
                "state": "not_found" if value is None else "supported",
                "confidence": 0.5,
                "evidence": [] if value is None else [{"page": 1, "quote": value, "box": [1.0, 2.0, 3.0, 4.0]}],
            }
            for path, value in data.items()
        ]
        await Worker(user).complete(document["id"], data=data, fields=fields)
    await Worker(user).settle(batch["id"])
    return batch


async def order(user: User, **wanted: Any) -> Json:
    answer = await user.post("/exports", json={"format": "json"} | wanted)
    assert answer.status_code == 202, answer.text
    body: Json = answer.json()
    return body


async def fetched(user: User, make: Make, **wanted: Any) -> bytes:
    export = await order(user, **wanted)
    assert await make(export["id"]) is ExtractionStatus.COMPLETED
    answer = await user.get(f"/exports/{export['id']}/file")
    assert answer.status_code == 200, answer.text
    return answer.content


def reread(export_format: str, content: bytes) -> list[dict[str, Any]]:
    """The values of each document, as another program finds them in the file."""
    if export_format == "json":
        return [item["data"] for item in json.loads(content)]
    if export_format == "jsonl":
        return [json.loads(line)["data"] for line in content.decode().splitlines()]
    if export_format == "csv":
        return [dict(line) for line in csv.DictReader(io.StringIO(content.decode(), newline=""))]
    header, *lines = openpyxl.load_workbook(io.BytesIO(content))["invoice"].iter_rows()
    assert {cell.data_type for line in lines for cell in line} <= {"s", "n"}, "a formula"
    names = [str(cell.value) for cell in header]
    return [dict(zip(names, (cell.value for cell in line), strict=True)) for line in lines]


async def test_a_batch_is_exported_step_by_step(user: User, make: Make) -> None:
    batch = await completed(user, {"total": "1.00"}, {"total": "2.00"})
    export = await order(user, batch_id=batch["id"], format="jsonl", values="machine")
    assert (export["status"], export["document_count"], export["documents_written"]) == ("queued", 2, 0)
    assert (export["url"], export["size_bytes"], export["expires_at"]) == (None, None, None)
    assert export["workflow_id"] == f"export/{export['id']}"
    assert_problem(await user.get(f"/exports/{export['id']}/file"), 409, "result_not_ready")

    assert await make(export["id"]) is ExtractionStatus.COMPLETED

    ready = (await user.get(f"/exports/{export['id']}")).json()
    assert (ready["status"], ready["documents_written"], ready["error"]) == ("completed", 2, None)
    kept = datetime.fromisoformat(ready["expires_at"]) - datetime.fromisoformat(ready["completed_at"])
    assert kept == LIFETIME
    for _ in range(2):
        answer = await user.get(f"/exports/{export['id']}/file")
        assert len(answer.content) == ready["size_bytes"] == int(answer.headers["content-length"])
    assert answer.headers["content-type"] == "application/jsonl"
    assert f'filename="{ready["filename"]}"' in answer.headers["content-disposition"]
    assert await make(export["id"]) is ExtractionStatus.COMPLETED, "a repeat changes nothing"
    listed = (await user.get("/exports", params={"batch_id": batch["id"]})).json()
    assert [item["id"] for item in listed["items"]] == [export["id"]]
    assert (await user.get("/exports", params={"status": "queued"})).json()["items"] == []


@pytest.mark.parametrize("export_format", FORMATS)
async def test_values_come_back_out_of_every_format_as_the_model_gave_them(
    user: User, make: Make, export_format: str
) -> None:
    batch = await completed(user, VALUES)
    (document,) = await documents_of(user, batch["id"])
    assert (await user.get(f"/documents/{document['id']}/result")).json()["data"] == VALUES

    (found,) = reread(export_format, await fetched(user, make, batch_id=batch["id"], format=export_format))

    expected: dict[str, Any] = dict(VALUES)
    if export_format == "csv":
        # A spreadsheet opens a csv without asking, so what it would run has an apostrophe in front; nothing is an empty cell.
        expected |= {"formula": f"'{FORMULA}", "absent": ""}
    assert {name: found[name] for name in VALUES} == expected


async def test_json_holds_what_the_api_answers(user: User, make: Make) -> None:
    batch = await completed(user, {"total": "1.00"})
    (document,) = await documents_of(user, batch["id"])
    result = (await user.get(f"/documents/{document['id']}/result")).json()

    (found,) = json.loads(await fetched(user, make, batch_id=batch["id"]))

    assert {name: found[name] for name in result} == result
    assert found["file"] == document["filename"]
    assert found["batch"] == batch["id"]


async def test_a_persons_value_and_what_was_read_again_since_stand_side_by_side(user: User, make: Make) -> None:
    document = await extracted(user)
    await correct(user, document, 0, total="13.50")
    await extracted(user, document, total="12.80")

    async def exported(export_format: str, values: str) -> bytes:
        return await fetched(user, make, document_ids=[document], format=export_format, values=values)

    (both,) = json.loads(await exported("json", "both"))
    told = {each["path"]: (each["value"], each["machine_value"], each["reviewed"]) for each in both["fields"]}
    assert (told["total"], told["currency"]) == (("13.50", "12.80", True), ("EUR", "EUR", False))
    for export_format in ("csv", "xlsx"):
        (line,) = reread(export_format, await exported(export_format, "both"))
        assert (line["total"], line["total (machine)"]) == ("13.50", "12.80")
    for values, total in (("reviewed", "13.50"), ("machine", "12.80")):
        assert [each["total"] for each in reread("jsonl", await exported("jsonl", values))] == [total]


async def test_documents_come_in_the_order_asked_for_each_once_whatever_became_of_them(user: User, make: Make) -> None:
    batch = await completed(user, {"total": "1.00"}, {"total": "2.00"})
    first, second = (item["id"] for item in await documents_of(user, batch["id"]))
    waiting = (await user.document())["id"]

    content = await fetched(user, make, document_ids=[second, waiting, first, second])

    assert [(item["document_id"], item["status"]) for item in json.loads(content)] == [
        (second, "completed"),
        (waiting, "uploaded"),
        (first, "completed"),
    ]


async def test_refused_files_of_a_batch_are_rows_too(user: User, make: Make) -> None:
    batch = (await user.upload([("good.pdf", pdf()), ("bad.txt", b"no")])).json()

    found = json.loads(await fetched(user, make, batch_id=batch["id"]))

    assert [(item["file"], item["status"]) for item in found] == [
        ("good.pdf", "queued_for_processing"),
        ("bad.txt", "refused"),
    ]
    assert found[1]["error"]["code"] == "unsupported_type"


async def test_another_users_document_among_ones_own_is_not_found_and_nothing_is_made(user: User, other: User) -> None:
    mine, theirs = await user.document(), await other.document()
    batch = await other.batch([1])

    for wanted in ({"document_ids": [mine["id"], theirs["id"]]}, {"batch_id": batch["id"]}, {"batch_id": str(uuid4())}):
        assert_problem(await user.post("/exports", json={"format": "csv"} | wanted), 404, "not_found")

    assert (await user.get("/exports")).json()["items"] == []
    assert user.row("SELECT count(*) FROM exports WHERE user_id = %s", user.id) == 0


async def test_another_users_export_is_not_found(user: User, other: User, make: Make) -> None:
    export = await order(user, document_ids=[(await user.document())["id"]])
    await make(export["id"])

    for method, path in (("GET", ""), ("GET", "/file"), ("POST", "/cancel"), ("DELETE", "")):
        assert_problem(await other.ask(method, f"/exports/{export['id']}{path}"), 404, "not_found")

    assert (await user.get(f"/exports/{export['id']}")).json()["status"] == "completed"
    assert (await other.get("/exports")).json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"document_ids": []},
        {"document_ids": [str(uuid4())], "batch_id": str(uuid4())},
        {"batch_id": str(uuid4()), "format": "parquet"},
        {"batch_id": str(uuid4()), "values": "best"},
        {"batch_id": str(uuid4()), "colour": "red"},
    ],
)
async def test_a_wish_that_is_not_clear_is_refused(user: User, wrong: Json) -> None:
    assert_problem(await user.post("/exports", json={"format": "csv"} | wrong), 422, "invalid_request")


async def test_a_draft_has_nothing_to_export_yet(user: User) -> None:
    draft = await user.draft()
    document = (await user.put(draft["id"], "a", pdf())).json()

    assert_problem(
        await user.post("/exports", json={"format": "csv", "batch_id": draft["id"]}), 409, "invalid_transition"
    )
    assert_problem(
        await user.post("/exports", json={"format": "csv", "document_ids": [document["id"]]}), 404, "not_found"
    )


async def test_the_same_key_makes_one_export(user: User) -> None:
    document = await user.document()
    wanted = {"format": "csv", "document_ids": [document["id"]]}
    first, second = [await user.post("/exports", json=wanted, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    other = await user.post("/exports", json=wanted | {"explode": True}, headers={"Idempotency-Key": "once"})

    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert_problem(other, 409, "idempotency_conflict")


async def test_a_signed_link_opens_its_own_file_for_whoever_holds_it(
    user: User, make: Make, front: httpx.AsyncClient
) -> None:
    exports = [await order(user, document_ids=[(await user.document())["id"]]) for _ in range(2)]
    urls = []
    for export in exports:
        await make(export["id"])
        urls.append((await user.get(f"/exports/{export['id']}")).json()["url"])

    answer = await front.get(urls[0])
    assert answer.status_code == 200
    assert [item["status"] for item in answer.json()] == ["uploaded"]
    link = urls[0].partition("?link=")[2]
    for wrong in (urls[1].partition("?")[0] + f"?link={link}", f"{urls[0]}x", urls[0].partition("?")[0]):
        assert_problem(await front.get(wrong), 401, "unauthenticated")


async def test_a_link_of_a_deleted_account_opens_nothing(user: User, make: Make, front: httpx.AsyncClient) -> None:
    export = await order(user, document_ids=[(await user.document())["id"]])
    await make(export["id"])
    url = (await user.get(f"/exports/{export['id']}")).json()["url"]

    assert (await user.ask("DELETE", "/account")).status_code == 204

    assert_problem(await front.get(url), 401, "unauthenticated")


def test_a_link_lasts_an_hour_and_only_with_its_own_secret() -> None:
    signer, export_id, now = LinkSigner(SECRET), uuid4(), datetime(2026, 1, 1, tzinfo=UTC)
    link = signer.issue("ann", export_id, now)

    opened = signer.read(link, export_id, now + LINK_LIFETIME - timedelta(seconds=1))
    assert (opened.user_id, opened.issued_at) == ("ann", now)
    for reader, when in ((signer, now + LINK_LIFETIME), (LinkSigner("another secret, as long"), now)):
        with pytest.raises(Unauthenticated):
            reader.read(link, export_id, when)


def files_of(settings: Settings, user: User) -> list[Path]:
    return [path for path in stored_files(settings) if f"/{user.id}/exports/" in str(path)]


async def test_after_a_week_the_file_is_gone_and_can_be_made_again(
    user: User, make: Make, settings: Settings, app: FastAPI
) -> None:
    document = await user.document()
    export = await order(user, document_ids=[document["id"]])
    await make(export["id"])
    assert len(files_of(settings, user)) == 1
    deps: Deps = app.state.front_door.deps
    ground = Ground(deps.engine, lambda: datetime.now(UTC) + LIFETIME, deps.store)
    mending = [repair for repair in row_repairs(ground) if repair.title == "export files"]

    assert await make_round(deps.engine, ground.clock, mending) >= 1

    assert files_of(settings, user) == []
    assert_problem(await user.get(f"/exports/{export['id']}/file"), 404, "not_found")
    assert (await user.get(f"/exports/{export['id']}")).json()["url"] is None
    again = await order(user, document_ids=[document["id"]])
    assert await make(again["id"]) is ExtractionStatus.COMPLETED


async def test_a_file_past_its_time_is_not_handed_out_although_it_is_still_there(user: User, make: Make) -> None:
    export = await order(user, document_ids=[(await user.document())["id"]])
    await make(export["id"])
    user.superuser.execute("UPDATE exports SET expires_at = now() WHERE id = %s", [export["id"]])

    assert_problem(await user.get(f"/exports/{export['id']}/file"), 404, "not_found")


async def test_with_a_document_every_export_that_holds_it_goes(user: User, make: Make, settings: Settings) -> None:
    kept, gone = await user.document(), await user.document()
    made = [await order(user, document_ids=ids) for ids in ([kept["id"]], [kept["id"], gone["id"]])]
    waiting = await order(user, document_ids=[gone["id"]])
    for export in made:
        await make(export["id"])

    assert (await user.ask("DELETE", f"/documents/{gone['id']}")).status_code == 204

    assert [item["id"] for item in (await user.get("/exports")).json()["items"]] == [made[0]["id"]]
    assert len(files_of(settings, user)) == 1
    assert await make(waiting["id"]) is ExtractionStatus.CANCELLED, "its run finds nothing to do"
    assert len(files_of(settings, user)) == 1


async def test_an_export_outlives_its_batch(user: User, make: Make) -> None:
    batch = await completed(user, {"total": "1.00"})
    export = await order(user, batch_id=batch["id"])
    await make(export["id"])

    assert (await user.ask("DELETE", f"/batches/{batch['id']}")).status_code == 204

    after = (await user.get(f"/exports/{export['id']}")).json()
    assert (after["status"], after["batch_id"]) == ("completed", None)


async def test_an_export_is_cancelled_once_and_deleted(user: User, make: Make, settings: Settings) -> None:
    export = await order(user, document_ids=[(await user.document())["id"]])

    assert (await user.post(f"/exports/{export['id']}/cancel")).json()["status"] == "cancelled"
    assert await make(export["id"]) is ExtractionStatus.CANCELLED
    assert_problem(await user.post(f"/exports/{export['id']}/cancel"), 409, "invalid_transition")
    shown = (await user.get(f"/exports/{export['id']}")).json()
    assert (shown["error"]["code"], shown["size_bytes"]) == ("cancelled", None)

    made = await order(user, document_ids=[(await user.document())["id"]])
    await make(made["id"])
    for each in (export, made):
        assert (await user.ask("DELETE", f"/exports/{each['id']}")).status_code == 204
        assert_problem(await user.get(f"/exports/{each['id']}"), 404, "not_found")
    assert files_of(settings, user) == []
