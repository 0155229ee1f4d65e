"""Webhook endpoints at the front door, and the events that facts leave behind in their own transaction (R89)."""

from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from tests.api.conftest import Json, OpenDoor, User, Worker, assert_problem, documents_of
from tests.api.files import pdf

PUBLIC = "https://93.184.216.34/hooks"


async def endpoint(user: User, *events: str, url: str = PUBLIC) -> Json:
    answer = await user.post("/webhook-endpoints", json={"url": url, "events": list(events)})
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def deliveries(user: User, endpoint_id: str) -> list[Json]:
    """Oldest first."""
    answer = await user.get(f"/webhook-endpoints/{endpoint_id}/deliveries", params={"sort": "created_at", "limit": 200})
    items: list[Json] = answer.json()["items"]
    return items


async def told(user: User, endpoint_id: str) -> list[tuple[str, Any]]:
    return [(item["event_type"], item["payload"]["data"]["status"]) for item in await deliveries(user, endpoint_id)]


async def test_a_secret_is_shown_when_it_is_made_and_never_again(user: User) -> None:
    made = await endpoint(user, "batch.completed")
    Webhook(made["secret"])
    assert (made["enabled"], made["events"], made["url"]) == (True, ["batch.completed"], PUBLIC)

    listed = (await user.get("/webhook-endpoints")).json()["items"]
    one = (await user.get(f"/webhook-endpoints/{made['id']}")).json()
    assert listed == [one] == [{name: value for name, value in made.items() if name != "secret"}]

    rotated = (await user.post(f"/webhook-endpoints/{made['id']}/rotate")).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"] is not None
    assert "secret" not in (await user.get(f"/webhook-endpoints/{made['id']}")).json()


@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "no"]
)
async def test_an_address_that_nothing_may_be_sent_to_is_refused(user: User, url: str) -> None:
    problem = assert_problem(await user.post("/webhook-endpoints", json={"url": url}), 422, "invalid_request")
    assert [item["field"] for item in problem["errors"]] == ["url"]
    made = await endpoint(user)
    assert_problem(
        await user.ask("PATCH", f"/webhook-endpoints/{made['id']}", json={"url": url}), 422, "invalid_request"
    )


async def test_the_operator_can_allow_a_network(new_user: Any, open_door: OpenDoor) -> None:
    async with open_door(INGESTIO_WEBHOOK_NETWORKS="127.0.0.0/8, 10.0.0.0/8") as door:
        user = await new_user(client=door)
        assert (await endpoint(user, url="http://127.0.0.1:9/hooks"))["enabled"]
        assert_problem(
            await user.post("/webhook-endpoints", json={"url": "https://192.168.0.1/"}), 422, "invalid_request"
        )


async def test_there_is_an_end_to_how_many_endpoints(user: User) -> None:
    for _ in range(20):
        await endpoint(user)
    assert_problem(await user.post("/webhook-endpoints", json={"url": PUBLIC}), 422, "invalid_request")


async def test_what_ends_is_told_once_to_whoever_wants_it(user: User) -> None:
    everything, batches_only = await endpoint(user), await endpoint(user, "batch.completed")
    batch = await user.batch([1, 1])
    first, second = await documents_of(user, batch["id"])

    await Worker(user).complete(first["id"])
    await Worker(user).fail(second["id"])
    await Worker(user).settle(batch["id"])
    await Worker(user).settle(batch["id"])

    assert await told(user, everything["id"]) == [
        ("document.completed", "completed"),
        ("document.failed", "failed"),
        ("batch.completed", "partially_completed"),
    ]
    (only,) = await deliveries(user, batches_only["id"])
    assert (only["status"], only["attempts"], only["log"], only["delivered_at"]) == ("queued", 0, [], None)
    assert only["payload"]["type"] == only["event_type"] == "batch.completed"
    assert only["payload"]["data"] == {
        "batch_id": batch["id"],
        "status": "partially_completed",
        "document_count": 2,
        "completed_count": 1,
        "failed_count": 1,
        "cancelled_count": 0,
        "total_pages": 2,
    }
    completed, failed, _ = await deliveries(user, everything["id"])
    assert completed["payload"]["data"]["document_type"] == "invoice"
    assert failed["payload"]["data"]["error"]["code"] == "no_text"
    assert first["filename"] not in str(completed["payload"]), "what is told holds ids, counts and codes"


async def test_a_document_that_is_read_again_is_told_again(user: User) -> None:
    document = await user.document()
    hook = await endpoint(user, "document.completed")
    for _ in range(2):
        assert (await user.post(f"/documents/{document['id']}/extract")).status_code == 202
        await Worker(user).complete(document["id"])

    assert [item["payload"]["data"]["attempt"] for item in await deliveries(user, hook["id"])] == [1, 2]


async def test_a_document_without_pages_left_is_told_to_have_failed(user: User) -> None:
    hook = await endpoint(user, "document.failed")
    user.has_used(4998)
    await user.batch([1, 5])

    (failed,) = await deliveries(user, hook["id"])
    assert failed["payload"]["data"]["error"]["code"] == "quota_exceeded"


async def test_a_fact_that_is_rolled_back_leaves_no_event(user: User) -> None:
    hook = await endpoint(user)
    batch = await user.batch([1])
    with user.superuser.transaction(force_rollback=True):
        user.superuser.execute("UPDATE extraction_batches SET status = 'failed' WHERE id = %s", [batch["id"]])

    assert await deliveries(user, hook["id"]) == []


async def test_whoever_is_switched_off_is_told_nothing(user: User) -> None:
    hook = await endpoint(user)
    off = await user.ask("PATCH", f"/webhook-endpoints/{hook['id']}", json={"enabled": False})
    assert (off.json()["enabled"], off.json()["disabled_reason"]) == (False, "by_owner")
    await user.upload([("bad.txt", b"no")])
    assert await deliveries(user, hook["id"]) == []

    await user.ask("PATCH", f"/webhook-endpoints/{hook['id']}", json={"enabled": True, "events": ["batch.completed"]})
    await user.upload([("bad.txt", b"no")])
    assert await told(user, hook["id"]) == [("batch.completed", "failed")]


async def test_only_what_has_ended_is_replayed(user: User) -> None:
    hook = await endpoint(user)
    await user.upload([("bad.txt", b"no")])
    (waiting,) = await deliveries(user, hook["id"])
    path = f"/webhook-endpoints/{hook['id']}/deliveries/{waiting['id']}/replay"
    assert_problem(await user.post(path), 409, "invalid_transition")

    user.superuser.execute(
        "UPDATE webhook_deliveries SET status = 'failed', attempts = 10 WHERE id = %s", [waiting["id"]]
    )
    again = await user.post(path)
    assert again.status_code == 202
    assert (again.json()["status"], again.json()["attempts"]) == ("queued", 0)

    user.superuser.execute("UPDATE webhook_deliveries SET status = 'failed' WHERE id = %s", [waiting["id"]])
    await user.ask("PATCH", f"/webhook-endpoints/{hook['id']}", json={"enabled": False})
    assert_problem(await user.post(path), 409, "invalid_transition")


async def test_another_users_endpoint_is_not_found(user: User, other: User) -> None:
    theirs = await endpoint(other)
    await other.upload([("bad.txt", b"no")])
    (delivery,) = await deliveries(other, theirs["id"])
    at = f"/webhook-endpoints/{theirs['id']}"

    for method, path in (
        ("GET", at), ("PATCH", at), ("DELETE", at), ("POST", f"{at}/rotate"), ("GET", f"{at}/deliveries"),
        ("POST", f"{at}/deliveries/{delivery['id']}/replay"), ("GET", f"/webhook-endpoints/{uuid4()}"),
    ):  # fmt: skip
        options: Json = {"json": {"enabled": False}} if method == "PATCH" else {}
        assert_problem(await user.ask(method, path, **options), 404, "not_found")

    mine = await endpoint(user)
    swapped = f"/webhook-endpoints/{mine['id']}/deliveries/{delivery['id']}/replay"
    assert_problem(await user.post(swapped), 404, "not_found")
    assert (await other.get(at)).json()["enabled"]


async def test_an_endpoint_goes_with_its_deliveries(user: User) -> None:
    hook = await endpoint(user)
    await user.upload([("bad.txt", b"no")])

    assert (await user.ask("DELETE", f"/webhook-endpoints/{hook['id']}")).status_code == 204

    assert user.row("SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s", hook["id"]) == 0
    assert (await user.upload([("good.pdf", pdf())])).status_code == 202
