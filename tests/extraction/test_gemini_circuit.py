"""The circuit: what one call learns, every other call honours."""

from decimal import Decimal
from pathlib import Path

import pytest

from ingestio.domain.prices import Prices
from ingestio.errors import FailureCode, ModelError
from ingestio.extraction.gemini.circuit import FAILURES_TO_OPEN, Circuit
from tests.extraction import gemini_replies as replies
from tests.extraction.conftest import MakeProvider, to_classify, to_extract
from tests.extraction.gemini_stand_in import GeminiStandIn


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


DOWN = ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True)
REFUSED = ModelError(FailureCode.MODEL_REJECTED)


def call(circuit: Circuit, outcome: ModelError | None = None) -> float | None:
    """Makes a call with this outcome; answers after how long to come again when it was not let through."""
    reached = False
    try:
        with circuit.call():
            reached = True
            if outcome is not None:
                raise outcome
    except ModelError as error:
        return None if reached else error.retry_after_seconds
    return None


def opened() -> tuple[Circuit, Clock]:
    clock = Clock()
    circuit = Circuit(clock)
    for _ in range(FAILURES_TO_OPEN):
        assert call(circuit, DOWN) is None
    return circuit, clock


def test_it_opens_after_several_failures_in_a_row_and_lets_one_try_after_the_pause() -> None:
    circuit, clock = opened()
    assert call(circuit) == 5.0
    clock.now += 5.0
    with circuit.call():
        assert call(circuit) == 2.0  # one tries, nobody else
    assert call(circuit) is None
    assert not circuit.is_open


def test_a_trial_that_fails_makes_the_pause_longer_up_to_a_minute() -> None:
    circuit, clock = opened()
    pauses = []
    for _ in range(6):
        pauses.append(call(circuit))
        clock.now += pauses[-1] or 0.0
        assert call(circuit, DOWN) is None
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_calls_that_were_under_way_when_it_opened_do_not_make_the_pause_longer() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    calls = [circuit.call() for _ in range(50)]
    for each in calls:
        each.__enter__()
    for each in calls:
        assert not each.__exit__(ModelError, ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True), None)
    assert call(circuit) == 5.0


@pytest.mark.parametrize("answer", [None, REFUSED], ids=["a good answer", "a refusal"])
def test_an_answer_of_any_kind_shows_that_the_service_is_there(answer: ModelError | None) -> None:
    circuit = Circuit(Clock())
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            call(circuit, DOWN)
        call(circuit, answer)
    assert not circuit.is_open


def test_a_delay_that_the_service_asked_for_holds_for_every_call_and_does_not_open_it() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    for seconds in (30.0, 7.0) * FAILURES_TO_OPEN:
        clock.now += 100
        call(circuit, ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=seconds))
        assert call(circuit) == seconds
    clock.now += 7.0
    assert call(circuit) is None


async def test_after_a_429_nobody_calls_before_its_delay_is_over(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path, bounded_pool: None
) -> None:
    provider = make_provider()
    gemini.script.append(replies.rate_limited(30))
    for _ in range(3):
        with pytest.raises(ModelError) as caught:
            await provider.classify(to_classify(invoice))
        assert caught.value.can_retry
        assert 29 < (caught.value.retry_after_seconds or 0) <= 30
    assert gemini.calls == 1


async def test_while_it_is_open_nobody_calls(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path, bounded_pool: None
) -> None:
    provider = make_provider()
    gemini.script.extend([replies.server_error(503)] * FAILURES_TO_OPEN)
    for _ in range(FAILURES_TO_OPEN + 5):
        with pytest.raises(ModelError):
            await provider.extract(to_extract(invoice))
    assert gemini.calls == FAILURES_TO_OPEN


async def test_each_task_has_its_model_and_the_operator_s_reading_options_are_sent(
    make_provider: MakeProvider, gemini: GeminiStandIn, invoice: Path, bounded_pool: None
) -> None:
    prices = {
        "small-model": Prices(Decimal("0.1"), Decimal("0.4")),
        "gemini-2.5-flash": Prices(Decimal("0.3"), Decimal("2.5")),
    }
    provider = make_provider(classifier_model="small-model", media_resolution="low", thinking_budget=0, prices=prices)
    named = await provider.classify(to_classify(invoice))
    read = await provider.extract(to_extract(invoice))
    assert [each.usage.estimated_cost for each in (named, read)] == ["0.0000466", "0.0002074"]
    small, large = gemini.generated
    assert "small-model" in small.path
    assert "gemini-2.5-flash" in large.path
    for request in (small, large):
        config = request.json["generationConfig"]
        assert config["mediaResolution"] == "MEDIA_RESOLUTION_LOW"
        assert list(config["thinkingConfig"].values()) == [0]
