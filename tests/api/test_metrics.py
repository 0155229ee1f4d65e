"""The dashboard's figures: everything of the caller's last 30 days, and nothing of anybody else's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ingestio.errors import FailureCode
from tests.api.conftest import Json, User, Worker, documents_of


async def summary(user: User) -> Json:
    answer = await user.get("/metrics/summary")
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def test_before_the_first_document_there_are_thirty_empty_days(user: User) -> None:
    found = await summary(user)
    today = datetime.now(UTC).date()
    assert [day["date"] for day in found["days"]] == [
        (today - timedelta(days=back)).isoformat() for back in range(29, -1, -1)
    ]
    assert all(day["documents"] == day["pages"] == 0 for day in found["days"])
    assert (found["success_rate"], found["by_type"], found["failures"], found["running_batches"]) == (None, [], [], 0)


async def test_documents_count_by_day_type_and_reason(user: User, other: User) -> None:
    batch = await user.batch([1, 2, 3, 4, 5])
    running = await user.batch([1])
    await other.batch([7])
    documents = [item["id"] for item in await documents_of(user, batch["id"])]
    worker = Worker(user)
    await worker.complete(documents[0])
    await worker.complete(documents[1])
    await worker.complete(documents[2], document_type="receipt")
    await worker.fail(documents[3])
    await worker.fail(documents[4], FailureCode.MODEL_BLOCKED)
    await worker.settle(batch["id"])
    user.superuser.execute(
        "UPDATE extraction_jobs SET created_at = created_at - interval '3 days' WHERE document_id = %s", [documents[0]]
    )
    user.superuser.execute(
        "UPDATE extraction_jobs SET created_at = created_at - interval '31 days' WHERE document_id = %s", [documents[4]]
    )

    found = await summary(user)

    figures = {"documents", "completed", "failed", "cancelled", "pages"}
    assert {name: found["days"][-4][name] for name in figures} == {
        "documents": 1, "completed": 1, "failed": 0, "cancelled": 0, "pages": 1,
    }  # fmt: skip
    assert {name: found["days"][-1][name] for name in figures} == {
        "documents": 4, "completed": 2, "failed": 1, "cancelled": 0, "pages": 5,
    }  # fmt: skip
    assert (found["documents"], found["pages"], found["success_rate"]) == (5, 6, 0.75)
    assert found["by_type"] == [
        {"document_type": "invoice", "documents": 2, "pages": 3},
        {"document_type": "receipt", "documents": 1, "pages": 3},
    ]
    assert [(item["code"], item["documents"]) for item in found["failures"]] == [("no_text", 1)]
    assert found["failures"][0]["last_at"]
    assert found["running_batches"] == 1
    assert running["status"] == "queued"


async def test_the_reason_that_came_last_stands_first(user: User) -> None:
    batch = await user.batch([1, 1, 1])
    documents = [item["id"] for item in await documents_of(user, batch["id"])]
    await Worker(user).fail(documents[0], FailureCode.NO_TEXT)
    await Worker(user).fail(documents[1], FailureCode.NO_TEXT)
    await Worker(user).fail(documents[2], FailureCode.MODEL_BLOCKED)

    found = await summary(user)

    assert [(item["code"], item["documents"]) for item in found["failures"]] == [("model_blocked", 1), ("no_text", 2)]
    assert found["success_rate"] == 0.0


def test_an_index_bounds_what_is_read(superuser: psycopg.Connection[Any]) -> None:
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET LOCAL enable_seqscan = off")
        plan = superuser.execute(
            "EXPLAIN SELECT count(*) FROM extraction_jobs WHERE user_id = 'a' AND created_at >= now() - interval '30 days'"
        ).fetchall()
    # Which of the user's indexes serves best depends on what is in the table.
    assert any("Index Cond" in row[0] and "user_id" in row[0] for row in plan)
