"""A closed account is erased to its last row and object, whatever ran for it and whatever dies on the way (R86)."""

import asyncio
from datetime import timedelta

import pytest

from activities.accounts import AccountActivities
from activities.upkeep import UpkeepActivities
from ingestio.db.session import service_session
from ingestio.errors import Unauthenticated
from ingestio.services.erasures import close_account
from tests.workflows.conftest import House
from tests.workflows.lone import in_order, lone, run_lone
from tests.workflows.recordings import replay_and_record
from tests.workflows.scripted import Gate
from workflows import client as workflows
from workflows.names import erasure_workflow_id


async def close(house: House) -> None:
    async with service_session(house.deps.engine) as session:
        await close_account(session, house.user_id, house.deps.clock())


async def erased(house: House) -> None:
    """Wait for the run that erases."""
    async with asyncio.timeout(90):
        await house.client.get_workflow_handle(erasure_workflow_id(house.user_id)).result()


def rows_left(house: House, user_id: str) -> dict[str, int]:
    """In which tables a user id is left, and how often."""
    tables = house.all(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'user_id'"
    )
    counts = {
        row["table_name"]: house.one(f"SELECT count(*) AS n FROM {row['table_name']} WHERE user_id = %s", user_id)["n"]
        for row in tables
    }
    return {table: count for table, count in counts.items() if count}


async def objects_of(house: House, user_id: str) -> list[str]:
    return [stored.key async for stored in house.deps.store.list(user_id)]


async def test_everything_of_a_user_goes_and_nothing_of_anybody_else(house: House, gate: Gate) -> None:
    await house.finished(await house.submit(["one", "two"], pages=3))
    document_id, job = await lone(house, "slow")
    await run_lone(house, document_id, job)
    await house.submit(["slow"])
    await house.accept(["left by a front door that was killed"])
    other = House(house.deps, house.superuser, f"{house.user_id}-not", house.client, house.provider)
    await other.open()
    await other.finished(await other.submit(["theirs"], pages=2))
    theirs = (rows_left(house, other.user_id), await objects_of(house, other.user_id))
    async with asyncio.timeout(60):
        while house.provider.calls["slow"] < 2:
            await asyncio.sleep(0.05)

    await close(house)
    await workflows.ensure_erasure(house.client, house.user_id)
    await erased(house)

    assert rows_left(house, house.user_id) == {}
    assert await objects_of(house, house.user_id) == []
    kept = house.one("SELECT sum(pages) AS n FROM page_ledger WHERE user_id = '(erased)' AND state = 'committed'")
    assert kept["n"] == 6
    (stone,) = house.all("SELECT user_hash, user_id, erased_at FROM account_tombstones")
    assert stone["user_id"] is None
    assert stone["erased_at"] is not None
    assert house.user_id not in stone["user_hash"]
    assert (rows_left(house, other.user_id), await objects_of(house, other.user_id)) == theirs
    await in_order(house)
    with pytest.raises(Unauthenticated):
        await house.open()
    await replay_and_record(house, "account-erasure", erasure_workflow_id(house.user_id))


async def test_an_erasure_whose_run_was_lost_or_never_opened_is_taken_up(house: House, gate: Gate) -> None:
    await house.submit(["slow"])
    await gate.reached.wait()
    await close(house)
    upkeep = UpkeepActivities(house.deps, house.client, tagged=True)

    assert await upkeep.make_round(timedelta(0)) == 1
    await house.client.get_workflow_handle(erasure_workflow_id(house.user_id)).terminate("by hand")
    async with asyncio.timeout(60):
        while house.one("SELECT count(*) AS n FROM account_tombstones WHERE user_id IS NOT NULL")["n"]:
            await upkeep.make_round(timedelta(0))
            await asyncio.sleep(0.2)

    assert rows_left(house, house.user_id) == {}
    assert await objects_of(house, house.user_id) == []


async def test_an_account_that_is_not_closed_is_never_erased(house: House) -> None:
    await house.finished(await house.submit(["one"]))
    before = (rows_left(house, house.user_id), await objects_of(house, house.user_id))

    assert await AccountActivities(house.deps, house.client, tagged=True).erase_all(house.user_id) == 0

    assert (rows_left(house, house.user_id), await objects_of(house, house.user_id)) == before
