"""Every way in which the model's service misbehaves, and what becomes of the document: its state, its code, the calls, the pages."""

from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from ingestio.db.session import service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.submissions import BatchSpec
from ingestio.errors import FailureCode
from ingestio.extraction.gemini import GeminiProvider
from ingestio.extraction.gemini.circuit import Circuit
from ingestio.services import submissions
from tests.extraction import gemini_replies as replies
from tests.extraction.conftest import INVOICE_LINES, pdf
from tests.extraction.gemini_replies import Reply
from tests.extraction.gemini_stand_in import GeminiStandIn
from tests.extraction.test_gemini_misbehaviour import FAILURES, GOOD, PROMPT
from tests.workflows.conftest import House
from tests.workflows.lone import in_order

# What a test may wait for; how delays are honoured is tested beside the activities and the circuit.
AT_ONCE = {
    "429 with a header": [replies.rate_limited(0.2)],
    "429 with RetryInfo": [replies.rate_limited(retry_info="0.2s")],
}


# What is answered, and what follows from it: its name, the replies, the code, whether it is worth another try, the calls.
Case = tuple[str, Sequence[Reply], FailureCode, bool, int]

# Only here, where all wait at the same time: an answer that does not come is given up after the timeout of a call. It is long, because on
# a busy machine the good answers, of which there are as many at once, take seconds too.
SILENCE: list[Case] = [
    ("no answer at all", [replies.hang()], FailureCode.MODEL_UNAVAILABLE, True, 1),
    ("half an answer", [replies.breaks_off(stall_seconds=replies.FOREVER)], FailureCode.MODEL_UNAVAILABLE, True, 1),
]
TIMEOUT_SECONDS = 30
CASES: list[Case] = [
    (name, AT_ONCE.get(name, script), code, can_retry, calls)
    for name, (script, code, can_retry, calls, _) in FAILURES.items()
] + SILENCE


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    code: str | None
    calls: int
    pages: int


@pytest_asyncio.fixture(loop_scope="session")
async def gemini() -> AsyncIterator[GeminiStandIn]:
    async with GeminiStandIn(values=GOOD) as stand_in:
        yield stand_in


@pytest_asyncio.fixture(loop_scope="session")
async def provider(gemini: GeminiStandIn) -> AsyncIterator[GeminiProvider]:
    # Here every document meets its own failure at the same time, which is no outage.
    circuit = Circuit(failures_to_open=1_000)
    provider = GeminiProvider(
        model="gemini-2.5-flash", api_key="any", base_url=gemini.url, timeout_seconds=TIMEOUT_SECONDS, circuit=circuit
    )
    yield provider
    await provider.close()


async def submit(house: House, titles: list[str]) -> UUID:
    """A batch with one page of invoice for each title."""
    batch_id = uuid4()
    files = [
        await house.store(f"case {index}", 1, index, None, pdf(INVOICE_LINES, title=title))
        for index, title in enumerate(titles)
    ]
    spec = BatchSpec("test", PromptStrategy.GLOBAL, PROMPT)
    book, now = house.deps.book, house.deps.clock()
    async with service_session(house.deps.engine) as session:
        await submissions.open_batch(session, house.user_id, batch_id, spec, book, files=len(files))
    async with service_session(house.deps.engine) as session:
        await submissions.accept_batch(session, house.user_id, batch_id, files, [], claim=None, book=book, now=now)
    await house.start(batch_id)
    await house.finished(batch_id)
    return batch_id


@pytest.mark.usefixtures("bounded_pool")
async def test_each_misbehaviour_has_its_end_and_a_bounded_number_of_calls(house: House, gemini: GeminiStandIn) -> None:
    titles = [f"case {index}" for index in range(len(CASES))]
    expected: dict[str, Outcome] = {}
    for title, (name, script, code, can_retry, calls) in zip(titles, CASES, strict=True):
        gemini.scripts[title] = deque(script)
        # What may pass is asked for once more, and then the model is well; what may not is over, uncharged.
        expected[name] = Outcome("completed", None, calls + 1, 1) if can_retry else Outcome("failed", code, calls, 0)

    batch_id = await submit(house, titles)

    asked = Counter(request.title for request in gemini.generated)
    found = {
        name: Outcome(row["status"], row["error_code"], asked[title], row["pages_charged"])
        for (name, *_), title, row in zip(CASES, titles, house.documents(batch_id), strict=True)
    }
    assert found == expected
    completed = sum(outcome.pages for outcome in expected.values())
    assert house.usage() == (completed, 0)
    # A retry says what the first call said, a repair turn only what was wrong with the first answer.
    sizes = {len("".join(request.texts)) for request in gemini.generated}
    assert max(sizes) - min(sizes) < 700
    await in_order(house)
