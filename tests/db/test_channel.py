"""The listening end of the channel: what it understands, and what it does when it hears nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.db.channel import Change, Channel, read_change
from tests.conftest import Database

SOME = UUID("5b0e8a52-3f2a-4f3c-9f1e-0d7a4a1f0001")


@pytest.mark.parametrize(
    ("payload", "change"),
    [
        (f"b {SOME} alice", Change("alice", SOME)),
        ("u alice", Change("alice")),
        ("u auth0|5f7c8ec7c33c6c004bbafe82", Change("auth0|5f7c8ec7c33c6c004bbafe82")),
        ("", None),
        ("u", None),
        ("u ", None),
        ("b alice", None),
        (f"b {SOME}", None),
        (f"b {SOME} ", None),
        ("b not-an-id alice", None),
        (f"c {SOME} alice", None),
        ("probe 1", None),
    ],
)
def test_a_payload_is_read_or_passed_over(payload: str, change: Change | None) -> None:
    assert read_change(payload) == change


class Heard:
    """What a channel reports."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.gaps = 0

    def gap(self) -> None:
        self.gaps += 1


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_changes_are_heard_and_one_gap_is_reported_at_the_start(database: Database, engine: AsyncEngine) -> None:
    heard = Heard()
    running = asyncio.create_task(Channel(database.app_url, engine, heard.changes.append, heard.gap).run())
    try:
        await until(lambda: heard.gaps > 0)
        user_id = f"user {uuid4()}"
        async with await psycopg.AsyncConnection.connect(database.app_url, autocommit=True) as connection:
            for payload in ("nonsense", f"b {SOME} {user_id}", f"u {user_id}"):
                await connection.execute("SELECT pg_notify('ingestio', %s)", [payload])
        await until(lambda: Change(user_id) in heard.changes)
        assert [item for item in heard.changes if item.user_id == user_id] == [Change(user_id, SOME), Change(user_id)]
        # Trusted soon, on a busy machine not at once; from then on there is no gap, where polling would report one every two seconds.
        for _ in range(5):
            gaps = heard.gaps
            await asyncio.sleep(3)
            if heard.gaps == gaps:
                break
        assert heard.gaps == gaps
    finally:
        await ended(running)


async def test_a_connection_on_which_nothing_is_heard_is_not_trusted(
    new_database: Callable[[], Database], engine: AsyncEngine
) -> None:
    """As behind a transaction pooler: LISTEN succeeds and the probe, which goes another way, never arrives."""
    heard = Heard()
    elsewhere = new_database().superuser_url
    running = asyncio.create_task(Channel(elsewhere, engine, heard.changes.append, heard.gap).run())
    try:
        await until(lambda: heard.gaps >= 3)
    finally:
        await ended(running)
