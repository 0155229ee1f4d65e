"""Every limit of a plan is held to at the front door, and the refusal says which it was, its value and what lifts it (R40, R41)."""

import json
from typing import Any

from ingestio.domain.plans import Membership
from tests.api.conftest import NewUser, OpenDoor, User, assert_problem
from tests.api.files import pdf

Json = dict[str, Any]


def limit(name: str, value: int, plan: str, lifted_by: str | None) -> Json:
    return {"name": name, "value": value, "plan": plan, "lifted_by": lifted_by}


async def test_batches_of_starter(new_user: NewUser) -> None:
    user: User = await new_user(Membership.STARTER)

    problem = assert_problem(await user.upload([("a.pdf", pdf())]), 403, "upgrade_required")

    assert problem["limit"] == limit("batch_documents", 0, "starter", "plus")
    assert "plus" in problem["detail"]


async def test_too_many_documents(new_user: NewUser) -> None:
    user: User = await new_user(Membership.PLUS)
    draft = await user.draft()
    for index in range(25):
        await user.put(draft["id"], str(index), pdf())

    one_shot = await user.upload([(f"{index}.pdf", pdf()) for index in range(26)])
    one_more = await user.put(draft["id"], "25", pdf())

    for answer in (one_shot, one_more):
        problem = assert_problem(answer, 413, "batch_too_large")
        assert problem["limit"] == limit("batch_documents", 25, "plus", "growth")
    assert (await user.put(draft["id"], "24", pdf())).status_code == 201


async def test_a_batch_that_is_too_large_for_every_plan_is_to_be_submitted_in_parts(
    open_door: OpenDoor, new_user: NewUser
) -> None:
    async with open_door(INGESTIO_PLANS=json.dumps({"growth": {"batch_documents": 1}})) as client:
        user: User = await new_user(Membership.GROWTH, client)
        answer = await user.upload([("a.pdf", pdf()), ("b.pdf", pdf())])

    problem = assert_problem(answer, 413, "batch_too_large")
    assert problem["limit"] == limit("batch_documents", 1, "growth", None)
    assert problem["detail"].endswith("this one has 2; submit it in parts.")


async def test_too_large_a_file(open_door: OpenDoor, new_user: NewUser) -> None:
    table = {"plus": {"file_mb": 1}, "growth": {"file_mb": 1}}
    content = pdf() + b"\n%" + b"x" * (1 << 20)
    async with open_door(INGESTIO_PLANS=json.dumps(table)) as client:
        user: User = await new_user(Membership.PLUS, client)
        draft = await user.draft()
        lone = await user.post("/documents", files={"file": ("one.pdf", content)})
        in_draft = await user.put(draft["id"], "a", content)
        batch = (await user.upload([("a.pdf", content), ("b.pdf", pdf())])).json()

    for answer in (lone, in_draft):
        assert assert_problem(answer, 413, "file_too_large")["limit"] == limit("file_mb", 1, "plus", None)
    (refused,) = batch["refused_files"]
    assert refused["code"] == "file_too_large"
    assert "1 MB, the limit of the plus plan" in refused["message"]


async def test_too_few_pages_left(new_user: NewUser) -> None:
    user: User = await new_user(Membership.PLUS)
    user.has_used(240)
    document = await user.document(11)

    lone = await user.post(f"/documents/{document['id']}/extract")
    batch = await user.upload([("a.pdf", pdf(12))])

    for answer in (lone, batch):
        assert assert_problem(answer, 402, "quota_exceeded")["limit"] == limit("pages", 250, "plus", "growth")
    assert "10 are left" in lone.json()["detail"]


async def test_plans_lists_them_all_and_says_what_holds_for_the_caller(new_user: NewUser) -> None:
    user: User = await new_user(Membership.PLUS)

    answer = (await user.get("/plans")).json()

    assert [(item["name"], item["pages"], item["batch_documents"], item["file_mb"]) for item in answer["items"]] == [
        ("starter", 25, 0, 20),
        ("plus", 250, 25, 100),
        ("growth", 5000, 1000, 500),
    ]
    assert [item["requests_per_minute"] for item in answer["items"]] == [60, 300, 1200]
    assert (answer["current"]["name"], answer["current"]["requests_per_minute"]) == ("plus", None)


async def test_an_inactive_subscription_runs_nothing_again_either(user: User) -> None:
    batch = await user.batch([1])
    user.superuser.execute(
        "UPDATE extraction_batches SET status = 'failed', failed_count = 1 WHERE id = %s", [batch["id"]]
    )
    user.superuser.execute("UPDATE extraction_jobs SET status = 'failed' WHERE batch_id = %s", [batch["id"]])
    user.superuser.execute("UPDATE documents SET status = 'failed' WHERE batch_id = %s", [batch["id"]])
    user.superuser.execute("UPDATE profiles SET subscription_status = 'past_due' WHERE user_id = %s", [user.id])

    assert_problem(await user.post(f"/batches/{batch['id']}/retry"), 403, "subscription_inactive")
    one = await user.document()
    assert_problem(await user.post(f"/documents/{one['id']}/extract"), 403, "subscription_inactive")
