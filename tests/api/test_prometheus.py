"""`GET /metrics`: figures of every process in Prometheus' text format, and nothing of anybody's (R100)."""

import asyncio
import re
from typing import Any

import httpx
import psycopg
import pytest

from ingestio.counting import hand_over, shown
from ingestio.db.engine import create_engine
from ingestio.errors import FailureCode, Unavailable
from ingestio.metrics import COUNTS, GAUGES, SUMS, exposition, written
from tests.api.conftest import NOBODY_LISTENS, User, Worker, documents_of
from tests.api.files import pdf
from tests.conftest import Database

LINE = re.compile(r'(ingestio_[a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? ([0-9.e+-]+)')


async def metrics(client: httpx.AsyncClient) -> dict[str, float]:
    """Every value by its name with labels, each line held to the format."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {}
    for line in answer.text.splitlines():
        if not line.startswith("# "):
            matched = LINE.fullmatch(line)
            assert matched, line
            found[matched[1] + (matched[2] or "")] = float(matched[3])
    for name in (*SUMS, *GAUGES):
        assert f"# TYPE {name} " in answer.text
    return found


async def test_requests_and_refusals_are_counted_by_words_of_ours_alone(user: User) -> None:
    before = await metrics(user.client)
    batch = await user.upload([("a.pdf", pdf()), ("bad.pdf", b"no document")])
    await user.get(f"/documents/{batch.json()['id']}")
    await user.client.request("BREW", "/coffee")
    await user.client.get("/static/v/some/made/up/path")

    after = await metrics(user.client)

    def more(name: str, **labels: str) -> float:
        series = f"{name}{{{written(labels)}}}"
        return after[series] - before.get(series, 0)

    assert more("ingestio_requests_total", method="POST", route="/api/v1/batches", status="202") == 1
    assert more("ingestio_refusals_total", code="unsupported_type") == 1
    assert more("ingestio_refusals_total", code="not_found") >= 1
    assert more("ingestio_requests_total", method="other", route="-", status="404") == 1
    assert more("ingestio_events_total", event="batch_created") == 1
    assert more("ingestio_requests_total", method="GET", route="/static/{version}/{name}", status="404") == 1
    route = "/api/v1/documents/{document_id}"
    assert more("ingestio_request_seconds_sum", method="GET", route=route) > 0
    text = "\n".join(after)
    assert user.id not in text
    assert batch.json()["id"] not in text


async def test_what_waits_and_what_was_charged_are_read_from_the_rows(user: User) -> None:
    before = await metrics(user.client)
    batch = await user.batch([3, 2])
    await Worker(user).complete((await documents_of(user, batch["id"]))[0]["id"])

    after = await metrics(user.client)

    processed, reserved = (f'ingestio_pages{{state="{state}"}}' for state in ("processed", "reserved"))
    assert after[processed] - before[processed] == 3
    assert after[reserved] - before[reserved] == 2
    assert after['ingestio_jobs{status="queued"}'] >= 1
    assert after['ingestio_oldest_job_seconds{status="queued"}'] >= 0
    assert after['ingestio_batches{status="processing"}'] >= 1


async def test_what_a_process_counted_while_the_database_was_away_is_not_lost(user: User) -> None:
    series = ("ingestio_repairs_total", written({"kind": "of this test"}))
    COUNTS.add(series[0], 3, kind="of this test")
    away = create_engine(f"postgresql://nobody@{NOBODY_LISTENS}/nothing")
    await hand_over(away)
    with pytest.raises(Unavailable):
        await shown(away)
    await away.dispose()
    COUNTS.add(series[0], 2, kind="of this test")

    assert (await metrics(user.client))[f"{series[0]}{{{series[1]}}}"] == 5
    assert (await metrics(user.client))[f"{series[0]}{{{series[1]}}}"] == 5


async def test_what_is_being_handed_over_is_shown_too(user: User, superuser: psycopg.Connection[Any]) -> None:
    """The round of every few seconds may be under way when somebody asks: what it carries has left one place and not reached the other."""
    COUNTS.add("ingestio_events_total", event="batch_created")
    with superuser.transaction():
        superuser.execute("LOCK TABLE metric_sums IN SHARE ROW EXCLUSIVE MODE")  # one may read and not write
        under_way = asyncio.create_task(hand_over(user.engine))
        await until_waiting(superuser)
        asked = asyncio.create_task(shown(user.engine))
        await asyncio.wait([asked], timeout=0.5)
    await under_way
    assert 'ingestio_events_total{event="batch_created"}' in await asked


async def until_waiting(superuser: psycopg.Connection[Any]) -> None:
    async with asyncio.timeout(10):
        while not superuser.execute(
            "SELECT 1 FROM pg_locks WHERE relation = 'metric_sums'::regclass AND NOT granted"
        ).fetchall():
            await asyncio.sleep(0.01)


def test_a_label_is_written_so_that_no_value_can_end_it() -> None:
    series = ("ingestio_refusals_total", written({"code": 'a"b\\c\nd'}))
    (line,) = [line for line in exposition([(series, 1)]).splitlines() if not line.startswith("#")]
    assert line == r'ingestio_refusals_total{code="a\"b\\c\nd"} 1'
    assert LINE.fullmatch(line)


def test_a_metric_that_nobody_declared_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no metric"):
        COUNTS.add("ingestio_typo_total", code=FailureCode.INTERNAL)


def test_each_event_loop_of_a_process_hands_over_in_turn(database: Database) -> None:
    async def at_once() -> None:
        engine = create_engine(database.app_url)
        COUNTS.add("ingestio_repairs_total", kind="of two loops")
        await asyncio.gather(*(hand_over(engine) for _ in range(3)))
        await engine.dispose()

    asyncio.run(at_once())
    asyncio.run(at_once())
