"""Long documents through the whole pipeline: complete, or not completed; and nothing is asked or paid for twice (R79)."""

import asyncio
import base64
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from ingestio.db.session import service_session
from ingestio.domain.prices import Prices
from ingestio.extraction.gemini import GeminiProvider
from ingestio.services import controls
from tests.extraction import gemini_replies as replies
from tests.extraction.gemini_stand_in import GeminiStandIn
from tests.extraction.statements import PROMPT, Row, Statement, page_numbers, statement
from tests.workflows.conftest import House
from tests.workflows.lone import in_order
from tests.workflows.recordings import replay_and_record
from workflows import client as workflows

pytestmark = pytest.mark.usefixtures("bounded_pool")

SMALL, SHORT, MIDDLE, LARGE = statement(50), statement(600), statement(800), statement(3_200)
# As many pages as MIDDLE, with less to compute.
SPARSE, SPARSE_SHORT = statement(160, 10), statement(120, 10)
FOUR_PAGES, FOUR_SPARSE_PAGES, A_SPARSE_PAGE, HALF_A_PAGE, HALF_A_SPARSE_PAGE = 26_000, 5_400, 1_800, 3_000, 800


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _server() -> AsyncIterator[GeminiStandIn]:
    async with GeminiStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def gemini(_server: GeminiStandIn) -> GeminiStandIn:
    _server.reset()
    return _server


@pytest_asyncio.fixture(loop_scope="session")
async def provider(gemini: GeminiStandIn) -> AsyncIterator[GeminiProvider]:
    prices = {"gemini-2.5-flash": Prices(Decimal("0.30"), Decimal("2.50"))}
    provider = GeminiProvider(
        model="gemini-2.5-flash", api_key="any", base_url=gemini.url, timeout_seconds=60, prices=prices
    )
    yield provider
    await provider.close()


async def submit(house: House, what: Statement) -> UUID:
    batch_id = await house.accept(["statement"], pages=len(what.pages), prompt=PROMPT, content=what.content)
    await house.start(batch_id)
    return batch_id


async def read(house: House, gemini: GeminiStandIn, what: Statement) -> dict[str, Any]:
    """The document's row after its run; whatever it is, the books are in order."""
    batch_id = await submit(house, what)
    await house.finished(batch_id)
    await in_order(house)
    (document,) = house.documents(batch_id)
    return document


def rows_of(house: House) -> list[Row]:
    data = house.one("SELECT data FROM extracted_data")["data"]
    assert data["opening_balance"] == "1000.00"
    transactions: list[Row] = data["transactions"]
    return transactions


def spent(house: House) -> dict[str, Any]:
    return house.one("SELECT input_tokens, output_tokens, thinking_tokens, estimated_cost FROM extracted_data")


def calls_cost(calls: int) -> dict[str, Any]:
    """What so many answers of the stand-in cost, each once."""
    return {
        "input_tokens": 258 * calls,
        "output_tokens": 52 * calls,
        "thinking_tokens": 12 * calls,
        "estimated_cost": Decimal("0.0002074") * calls,
    }


def windows(gemini: GeminiStandIn) -> list[tuple[int, int]]:
    """The pages of each call."""
    numbers = [page_numbers(request.document) for request in gemini.generated]
    return [(pages[0], pages[-1]) for pages in numbers]


@pytest.mark.parametrize(
    ("what", "longest"),
    [
        pytest.param(SMALL, None, id="50"),
        pytest.param(SHORT, FOUR_PAGES, id="600 repaired"),
        pytest.param(MIDDLE, None, id="800"),
        pytest.param(LARGE, None, id="3,200", marks=pytest.mark.long),
    ],
)
async def test_a_long_statement_is_whole_wherever_the_model_stops(
    house: House, gemini: GeminiStandIn, what: Statement, longest: int | None
) -> None:
    gemini.reader, gemini.longest_answer = what.reader(), longest
    document = await read(house, gemini, what)

    assert (document["status"], document["error_code"]) == ("completed", None)
    assert rows_of(house) == what.rows
    assert document["pages_charged"] == len(what.pages)
    fields = house.one("SELECT fields FROM extracted_data")["fields"]
    assert Counter(field["state"] for field in fields) == {"supported": 1 + 4 * len(what.rows)}
    assert all(calls == 1 for calls in Counter(windows(gemini)).values())
    assert gemini.calls <= 4 * len(what.pages)
    # The whole reading that was cut off, the parts that were, and those that were not.
    assert spent(house) == calls_cost(gemini.calls)


async def test_a_row_over_the_edge_of_a_page_is_there_as_far_as_a_model_can_see_it(
    house: House, gemini: GeminiStandIn
) -> None:
    gemini.reader, gemini.longest_answer = SPARSE.reader(), A_SPARSE_PAGE
    document = await read(house, gemini, SPARSE)

    assert document["status"] == "completed"
    # Asked page by page, it never sees two pages at once.
    assert rows_of(house) == [row for page in range(1, 17) for row in SPARSE.whole_rows([page])]
    assert gemini.calls <= 4 * len(SPARSE.pages)


@pytest.mark.parametrize(("what", "longest"), [(SMALL, HALF_A_PAGE), (SPARSE, HALF_A_SPARSE_PAGE)], ids=["50", "160"])
async def test_a_page_that_no_answer_can_hold_is_never_completed(
    house: House, gemini: GeminiStandIn, what: Statement, longest: int
) -> None:
    gemini.reader, gemini.longest_answer = what.reader(), longest
    document = await read(house, gemini, what)

    assert (document["status"], document["error_code"]) == ("failed", "model_output_truncated")
    assert document["pages_charged"] == 0
    assert gemini.calls <= 4 * len(what.pages)


@pytest.mark.parametrize("what", [SMALL, SPARSE], ids=["50", "160"])
async def test_a_row_that_is_left_out_in_silence_is_missed(
    house: House, gemini: GeminiStandIn, what: Statement
) -> None:
    lost = what.rows[37]
    gemini.reader = what.reader(lambda rows, _: [row for row in rows if row != lost])
    document = await read(house, gemini, what)

    assert (document["status"], document["error_code"]) == ("failed", "model_output_truncated")
    assert document["pages_charged"] == 0
    assert gemini.calls <= 4 * len(what.pages)


async def test_a_model_that_tires_in_silence_is_asked_about_fewer_pages(house: House, gemini: GeminiStandIn) -> None:
    gemini.reader = SPARSE_SHORT.reader(lambda rows, _: rows[:32])
    document = await read(house, gemini, SPARSE_SHORT)

    assert document["status"] == "completed"
    assert rows_of(house) == SPARSE_SHORT.rows


async def test_only_the_pages_of_a_part_are_sent_and_its_prompt_does_not_grow(
    house: House, gemini: GeminiStandIn
) -> None:
    gemini.reader, gemini.longest_answer = SPARSE.reader(), FOUR_SPARSE_PAGES
    await read(house, gemini, SPARSE)

    asked = windows(gemini)
    assert {(1, 8), (8, 15), (15, 16)} <= set(asked)
    assert max(last - first for first, last in asked) == 7
    assert len({len("".join(request.texts)) for request in gemini.generated}) <= 3  # page numbers of one or two digits
    assert spent(house) == calls_cost(gemini.calls)


async def test_a_part_that_was_read_is_not_asked_for_again_after_an_outage(house: House, gemini: GeminiStandIn) -> None:
    gemini.reader = SPARSE.reader()
    gemini.script.append(replies.server_error())
    document = await read(house, gemini, SPARSE)

    assert document["status"] == "completed"
    assert gemini.calls == 4  # three windows, and the one that failed


async def test_a_retried_document_does_not_pay_again_for_the_parts_that_it_has(
    house: House, gemini: GeminiStandIn
) -> None:
    gemini.reader = SPARSE.reader()
    gemini.script.append(replies.hang())
    batch_id = await submit(house, SPARSE)
    async with asyncio.timeout(60):
        while await stored_parts(house) < 2:
            await asyncio.sleep(0.05)
    await cancel(house, batch_id)
    assert house.documents(batch_id)[0]["status"] == "cancelled"

    async with service_session(house.deps.engine) as session:
        await controls.retry_batch(session, house.user_id, batch_id, None)
    await house.start(batch_id)
    await house.finished(batch_id)

    assert house.documents(batch_id)[0]["status"] == "completed"
    assert rows_of(house) == SPARSE.rows
    assert gemini.calls == 3 + 1
    await in_order(house)


async def test_a_cancel_reaches_every_part(house: House, gemini: GeminiStandIn) -> None:
    gemini.script.extend([replies.hang()] * 3)
    batch_id = await submit(house, SPARSE)
    await until(lambda: gemini.calls == 3)
    await cancel(house, batch_id)

    assert house.documents(batch_id)[0]["status"] == "cancelled"
    await until(lambda: gemini.disconnects == 3)
    assert house.usage() == (0, 0)
    await in_order(house)


async def test_a_document_in_parts_replays_and_its_history_holds_no_content(
    house: House, gemini: GeminiStandIn
) -> None:
    gemini.reader, gemini.longest_answer = SPARSE.reader(), FOUR_SPARSE_PAGES
    document = await read(house, gemini, SPARSE)

    workflow_id = f"document/{document['id']}/1"
    history = json.dumps((await house.client.get_workflow_handle(workflow_id).fetch_history()).to_json_dict())
    payloads = b"".join(base64.b64decode(data) for data in re.findall(r'"data": "([^"]*)"', history)).decode()
    assert '"first_page":9' in payloads or '"first_page":8' in payloads
    for content in ("Transfer", "Card fee", "1000.00", "balance"):
        assert content not in payloads
    await replay_and_record(house, "document-in-parts", workflow_id)


async def test_a_short_document_that_was_cut_off_replays(house: House, gemini: GeminiStandIn) -> None:
    gemini.reader, gemini.longest_answer = SPARSE_SHORT.reader(), FOUR_SPARSE_PAGES
    document = await read(house, gemini, SPARSE_SHORT)

    await replay_and_record(house, "document-repaired", f"document/{document['id']}/1")


async def cancel(house: House, batch_id: UUID) -> None:
    async with service_session(house.deps.engine) as session:
        await controls.request_cancel(session, house.user_id, batch_id)
    await workflows.nudge_batch(house.client, str(batch_id))
    await house.finished(batch_id)


async def stored_parts(house: House) -> int:
    return len([each async for each in house.deps.store.list(f"{house.user_id}/jobs") if "/parts/" in each.key])


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)
