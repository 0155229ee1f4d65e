"""Everything of one user ends before the user goes, and nobody else notices (R86)."""

import asyncio

from activities.accounts import AccountActivities
from ingestio.db.session import service_session
from ingestio.domain.messages import WorkEnded
from ingestio.services import controls
from tests.workflows.conftest import House
from tests.workflows.lone import in_order, lone, run_lone
from tests.workflows.scripted import Gate


async def test_all_that_runs_for_a_user_ends_and_others_go_on(house: House, gate: Gate) -> None:
    running = await house.submit(["slow", "slow", "waiting"], pages=2)
    paused = await house.accept(["later"])
    async with service_session(house.deps.engine) as session:
        await controls.set_paused(session, house.user_id, paused, paused=True)
    await house.start(paused)
    never_started = await house.accept(["left by a front door that was killed"])
    document_id, job = await lone(house, "slow", pages=5)
    await run_lone(house, document_id, job)
    terminated = await house.submit(["slow"])
    other = House(house.deps, house.superuser, "a-bystander", house.client, house.provider)
    await other.open()
    theirs = await other.submit(["slow"])
    async with asyncio.timeout(60):
        while house.provider.calls["slow"] < 5:
            await asyncio.sleep(0.05)
    await house.client.get_workflow_handle(f"batch/{terminated}").terminate("by hand")

    ended = await AccountActivities(house.deps, house.client, tagged=True).end_all(house.user_id, 60)

    assert ended == WorkEnded(batches=4, documents=1, still_open=0)
    for batch_id in (running, paused, never_started, terminated):
        assert house.batch(batch_id)["status"] == "cancelled"
    mine = house.all("SELECT status, count(*) FROM extraction_jobs WHERE user_id = %s GROUP BY 1", house.user_id)
    assert {row["status"] for row in mine} <= {"cancelled", "completed"}
    assert house.usage()[1] == 0
    assert other.batch(theirs)["status"] == "processing"
    gate.opened.set()
    assert (await asyncio.wait_for(other.finished(theirs), 60))["status"] == "completed"
    await in_order(house)


async def test_a_user_for_whom_nothing_runs_is_done_at_once(house: House) -> None:
    await house.finished(await house.submit(["one"]))

    ended = await AccountActivities(house.deps, house.client, tagged=True).end_all(house.user_id, 60)

    assert ended == WorkEnded(0, 0, 0)


async def test_waiting_has_a_bound_and_says_what_is_left(house: House, gate: Gate) -> None:
    batch_id = await house.accept(["slow"])
    ended = await AccountActivities(house.deps, house.client, tagged=True).end_all(house.user_id, 0)
    assert ended.batches == 1
    assert ended.still_open >= 1
    again = await AccountActivities(house.deps, house.client, tagged=True).end_all(house.user_id, 60)
    assert again.still_open == 0
    assert house.batch(batch_id)["status"] == "cancelled"
