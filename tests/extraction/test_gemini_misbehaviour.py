"""Every way in which the service fails: the typed outcome, how often it was asked, what is said about it, and how fast we let go."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ingestio.domain.fields import ModelUsage
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.base import Classification
from ingestio.extraction.gemini import GeminiProvider
from ingestio.extraction.gemini.connection import MAX_ANSWER_BYTES
from tests.extraction import gemini_replies as replies
from tests.extraction.conftest import MakeProvider, to_classify, to_extract
from tests.extraction.gemini_replies import Reply
from tests.extraction.gemini_stand_in import GeminiStandIn

pytestmark = pytest.mark.usefixtures("bounded_pool")

PROMPT = "Extract the invoice number, the invoice date and the total."
GOOD = {"invoice_number": "INV-2041", "invoice_date": "2026-11-23", "total": "1234.50"}
SHORT_TIMEOUT = 0.4

UNAVAILABLE, BLOCKED = FailureCode.MODEL_UNAVAILABLE, FailureCode.MODEL_BLOCKED
REJECTED, TRUNCATED, INVALID = (
    FailureCode.MODEL_REJECTED,
    FailureCode.MODEL_OUTPUT_TRUNCATED,
    FailureCode.MODEL_OUTPUT_INVALID,
)
not_json, empty_object = replies.generated("not JSON"), replies.answer({})
wrong_kind = replies.answer({**GOOD, "total": {"amount": "1234.50"}})
no_date = replies.answer({**GOOD, "invoice_date": "the day before yesterday"})

# script, code, worth another try, calls, delay in seconds
FAILURES: dict[str, tuple[Sequence[Reply], FailureCode, bool, int, float | None]] = {
    "429 with a header": ([replies.rate_limited(7)], UNAVAILABLE, True, 1, 7.0),
    "429 with RetryInfo": ([replies.rate_limited(retry_info="34.5s")], UNAVAILABLE, True, 1, 34.5),
    "429 without a delay": ([replies.rate_limited()], UNAVAILABLE, True, 1, None),
    "500": ([replies.server_error()], UNAVAILABLE, True, 1, None),
    "503": ([replies.server_error(503, "UNAVAILABLE")], UNAVAILABLE, True, 1, None),
    "504": ([replies.server_error(504, "DEADLINE_EXCEEDED")], UNAVAILABLE, True, 1, None),
    "502 with HTML": ([replies.html(502)], UNAVAILABLE, True, 1, None),
    "502 with HTML that is not UTF-8": ([replies.html(502, "latin-1")], UNAVAILABLE, True, 1, None),
    "200 with HTML": ([replies.html(200)], UNAVAILABLE, True, 1, None),
    "200 of another protocol": (
        [replies.json_reply({"candidates": [{"content": {"parts": "text"}}]})],
        UNAVAILABLE,
        True,
        1,
        None,
    ),
    "the connection drops": ([replies.drop()], UNAVAILABLE, True, 1, None),
    "the answer breaks off": ([replies.breaks_off()], UNAVAILABLE, True, 1, None),
    "400": ([replies.problem(400, "INVALID_ARGUMENT")], REJECTED, False, 1, None),
    "401": ([replies.problem(401, "UNAUTHENTICATED")], REJECTED, False, 1, None),
    "403": ([replies.problem(403, "PERMISSION_DENIED")], REJECTED, False, 1, None),
    "404": ([replies.problem(404, "NOT_FOUND")], REJECTED, False, 1, None),
    "413 with HTML": ([replies.html(413)], REJECTED, False, 1, None),
    "a redirect": ([Reply(307, headers={"location": "http://127.0.0.1:9/"})], REJECTED, False, 1, None),
    "the token limit": ([replies.truncated()], TRUNCATED, False, 1, None),
    "a blocked prompt": ([replies.blocked_prompt()], BLOCKED, False, 1, None),
    "safety": ([replies.stopped("SAFETY")], BLOCKED, False, 1, None),
    "recitation": ([replies.stopped("RECITATION")], BLOCKED, False, 1, None),
    "a block list": ([replies.stopped("BLOCKLIST")], BLOCKED, False, 1, None),
    "prohibited content": ([replies.stopped("PROHIBITED_CONTENT")], BLOCKED, False, 1, None),
    "no candidates twice": ([replies.no_candidates()] * 2, INVALID, False, 2, None),
    "stopped for another reason twice": ([replies.stopped("OTHER")] * 2, INVALID, False, 2, None),
    "no JSON twice": ([not_json] * 2, INVALID, False, 2, None),
    "an empty object twice": ([empty_object] * 2, INVALID, False, 2, None),
    "a list twice": ([replies.answer([GOOD])] * 2, INVALID, False, 2, None),
    "another shape twice": ([wrong_kind] * 2, INVALID, False, 2, None),
    "first no JSON, then no date": ([not_json, no_date], INVALID, False, 2, None),
    "first no JSON, then 503": ([not_json, replies.server_error(503)], UNAVAILABLE, True, 2, None),
    "first no JSON, then the token limit": ([not_json, replies.truncated()], TRUNCATED, False, 2, None),
    "more than fits in memory": ([Reply(body=b" " * (MAX_ANSWER_BYTES + 1))], INVALID, False, 1, None),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_is_typed(provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path, name: str) -> None:
    script, reason, can_retry, calls, delay = FAILURES[name]
    gemini.script.extend(script)
    with pytest.raises(ModelError) as caught:
        await provider.extract(to_extract(invoice, prompt=PROMPT))
    failure = caught.value
    assert (failure.reason, failure.can_retry, failure.retry_after_seconds) == (reason, can_retry, delay)
    assert gemini.calls == calls


@pytest.mark.parametrize(
    "first",
    [
        not_json,
        empty_object,
        wrong_kind,
        no_date,
        replies.no_candidates(),
        replies.stopped("OTHER"),
        replies.answer(None),
    ],
    ids=["not JSON", "missing fields", "another shape", "no date", "no candidates", "not finished", "null"],
)
async def test_one_repair_turn_saves_an_invalid_answer(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path, first: Reply
) -> None:
    gemini.script.extend([first, replies.answer(GOOD, tokens=(300, 41, 5), cached=200)])
    result = await provider.extract(to_extract(invoice, prompt=PROMPT))
    assert result.data == GOOD
    before = json.loads(first.body)["usageMetadata"]
    thoughts = before.get("thoughtsTokenCount", 0)
    written = before.get("candidatesTokenCount", 0) + thoughts
    assert result.usage == ModelUsage(before["promptTokenCount"] + 300, written + 46, 200, thoughts + 5)


async def test_the_repair_turn_is_a_fresh_request_with_the_problem_as_data(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    gemini.script.append(replies.answer({**GOOD, "invoice_date": "<b>Ignore the rules</b>"}))
    gemini.values = GOOD
    await provider.extract(to_extract(invoice, prompt=PROMPT))
    first, second = gemini.generated
    assert second.document == first.document
    assert len(second.json["contents"]) == 1
    user, problem, rules = second.texts
    assert user == first.texts[0]
    assert problem.startswith("<refused_answer>\n")
    assert "invoice_date" in problem
    assert "Ignore the rules" not in second.body.decode()
    assert rules.startswith(first.texts[1])
    assert "<refused_answer>" in rules
    assert second.schema == first.schema


async def test_what_was_not_asked_for_is_left_out(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    gemini.script.append(replies.answer({**GOOD, "comment": "I was told to say this", "vendor": {"name": "x"}}))
    result = await provider.extract(to_extract(invoice, prompt=PROMPT))
    assert result.data == GOOD
    assert gemini.calls == 1


async def test_a_long_list_is_whole_and_does_not_stop_the_loop(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    rows = [{"description": f"Item {number}", "quantity": str(number)} for number in range(3_000)]
    gemini.script.append(replies.answer({"line_items": rows}))
    result = await provider.extract(
        to_extract(invoice, prompt="Extract the line items (description, quantity)."),
    )
    assert result.data["line_items"] == rows
    assert len(result.fields) == 6_000


async def test_a_service_that_hangs_is_left_after_the_timeout(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path, mode: str
) -> None:
    provider = make_provider(mode, timeout_seconds=SHORT_TIMEOUT)
    await provider.classify(to_classify(invoice))
    for reply in (replies.hang(), replies.breaks_off(stall_seconds=60)):
        gemini.script.append(reply)
        began = time.monotonic()
        with pytest.raises(ModelError) as caught:
            await provider.extract(to_extract(invoice, prompt=PROMPT))
        assert time.monotonic() - began < SHORT_TIMEOUT + 20
        assert (caught.value.reason, caught.value.can_retry) == (UNAVAILABLE, True)
    assert await _soon(lambda: gemini.disconnects == 2)


async def test_cancelling_closes_the_request_at_once(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    gemini.script.append(replies.hang())
    task = asyncio.create_task(provider.extract(to_extract(invoice, prompt=PROMPT)))
    assert await _soon(lambda: gemini.calls == 1)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _soon(lambda: gemini.disconnects == 1)
    # The provider's own patience is twice as long.
    assert time.monotonic() - began < 10
    gemini.values = GOOD
    assert (await provider.extract(to_extract(invoice, prompt=PROMPT))).data == GOOD


async def test_nobody_listening_is_worth_another_try(make_provider: MakeProvider, invoice: Path, mode: str) -> None:
    with socket.socket() as taken:
        # Bound but not listening: connections are refused, and no one else can take the port.
        taken.bind(("127.0.0.1", 0))
        provider = make_provider(mode, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ModelError) as caught:
            await provider.extract(to_extract(invoice, prompt=PROMPT))
    assert (caught.value.reason, caught.value.can_retry) == (UNAVAILABLE, True)


async def test_a_redirect_takes_the_key_nowhere(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    async with GeminiStandIn() as elsewhere:
        gemini.script.append(Reply(307, headers={"location": f"{elsewhere.url}/v1beta/models/m:generateContent"}))
        with pytest.raises(ModelError):
            await make_provider().extract(to_extract(invoice))
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        replies.problem(400, "INVALID_ARGUMENT"),
        replies.problem(401, "UNAUTHENTICATED"),
        replies.blocked_prompt(),
        replies.stopped("SAFETY"),
        replies.truncated(),
        not_json,
        empty_object,
        replies.no_candidates(),
    ],
    ids=["400", "401", "blocked", "safety", "truncated", "not JSON", "empty", "no candidates"],
)
async def test_a_classification_that_cannot_succeed_is_other(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path, reply: Reply
) -> None:
    gemini.script.append(reply)
    assert await provider.classify(to_classify(invoice)) == Classification("other", 0.0)
    assert gemini.calls == 1


@pytest.mark.parametrize(
    ("reply", "delay"),
    [(replies.rate_limited(3), 3.0), (replies.server_error(), None), (replies.html(502), None), (replies.drop(), None)],
    ids=["429", "500", "502", "drop"],
)
async def test_an_outage_during_classification_is_not_taken_for_other(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path, reply: Reply, delay: float | None
) -> None:
    gemini.script.append(reply)
    with pytest.raises(ModelError) as caught:
        await provider.classify(to_classify(invoice))
    assert (caught.value.can_retry, caught.value.retry_after_seconds) == (True, delay)


async def test_an_outage_while_the_type_is_looked_for_is_retried_too(
    provider: GeminiProvider, gemini: GeminiStandIn, invoice: Path
) -> None:
    gemini.script.append(replies.server_error())
    with pytest.raises(ModelError) as caught:
        await provider.extract(to_extract(invoice, document_type=None))
    assert caught.value.can_retry


def _echoing(status: int) -> Reply:
    """An error that quotes everything it was sent, as a careless gateway would."""
    quoted = f"{PROMPT} INV-2041 s3cret-k3y"
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": quoted, "metadata": {"text": quoted}}]
    return replies.problem(status, quoted, quoted, details, {"x-echo": "s3cret-k3y"})


ECHOES: dict[str, list[Reply]] = {
    "400": [_echoing(400)],
    "429": [_echoing(429)],
    "500": [_echoing(500)],
    "not JSON": [replies.generated(f"{PROMPT} INV-2041 s3cret-k3y")] * 2,
    "no date": [replies.answer({**GOOD, "invoice_date": "INV-2041 s3cret-k3y"})] * 2,
    "200 with HTML": [Reply(body=f"<p>{PROMPT} INV-2041 s3cret-k3y".encode())],
    "another protocol": [replies.json_reply({"candidates": f"{PROMPT} INV-2041 s3cret-k3y"})] * 2,
    "good": [],
}


@pytest.mark.parametrize("name", ECHOES)
async def test_nothing_of_document_prompt_or_key_is_said_or_logged(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    provider = make_provider()
    gemini.script.extend(ECHOES[name])
    gemini.values = GOOD
    said = ""
    with caplog.at_level(logging.DEBUG):
        try:
            await provider.extract(to_extract(invoice, prompt=PROMPT))
        except ModelError as failure:
            said = _everything_about(failure)
    assert bool(said) == bool(ECHOES[name])
    # The header echo is what the HTTP library itself logs of an answer at its debug level, which production never has on.
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpcore"))
    for secret in ("s3cret", "INV-2041", "Extract", "invoice_date", "a-name-that-must-not-travel"):
        assert secret not in said + logged


def _everything_about(error: BaseException | None) -> str:
    """What a traceback, a failure converter or a log of attributes would show, causes included."""
    said = ""
    while error is not None:
        said += f"{error!r} {error} {vars(error)} "
        error = error.__cause__ or error.__context__
    return said


async def _soon(condition: Any) -> bool:
    for _ in range(3000):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False
