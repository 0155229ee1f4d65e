"""What Temporal is told of our errors: whether to try again, and when, so that not everybody does at the same moment."""

from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.failures import database_step, jittered, long_step
from ingestio.errors import FailureCode, ModelError, Unavailable
from workflows import options

MANY = 50


async def failure_of(step: object, attempt: int) -> ApplicationError:
    environment = ActivityEnvironment()
    environment.info = environment.default_info()
    environment.info = type(environment.info)(**vars(environment.info) | {"attempt": attempt})
    with pytest.raises(ApplicationError) as caught:
        await environment.run(step)  # type: ignore[arg-type]
    return caught.value


@database_step
async def without_database() -> None:
    raise Unavailable("The database did not answer.")


@long_step
async def without_storage() -> None:
    raise Unavailable("The file store does not answer.")


@long_step
async def with_a_busy_model() -> None:
    raise ModelError(FailureCode.MODEL_UNAVAILABLE, retryable=True, retry_after_seconds=40)


@long_step
async def with_a_blocked_document() -> None:
    raise ModelError(FailureCode.MODEL_BLOCKED)


@pytest.mark.parametrize(
    ("step", "policy"),
    [(without_database, options.DATABASE_STEP_RETRY), (without_storage, options.EXTRACTION_RETRY)],
)
@pytest.mark.parametrize("attempt", [1, 2, 5, 2000])
async def test_an_outage_is_waited_out_for_longer_and_longer_and_never_in_step(
    step: object, policy: RetryPolicy, attempt: int
) -> None:
    assert policy.maximum_interval is not None
    pauses = []
    for _ in range(MANY):
        failure = await failure_of(step, attempt)
        assert (failure.type, failure.non_retryable) == ("unavailable", False)
        assert failure.next_retry_delay is not None
        pauses.append(failure.next_retry_delay)

    longest = min(policy.initial_interval * 2 ** min(attempt - 1, 20), policy.maximum_interval)
    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert max(pauses) - min(pauses) > longest / 4


async def test_what_a_model_asks_for_is_stretched_and_never_undercut() -> None:
    pauses = [(await failure_of(with_a_busy_model, 3)).next_retry_delay for _ in range(MANY)]

    assert all(pause is not None and timedelta(seconds=40) <= pause <= timedelta(seconds=44) for pause in pauses)
    assert len(set(pauses)) > MANY / 2


async def test_what_repeating_does_not_change_is_not_repeated() -> None:
    failure = await failure_of(with_a_blocked_document, 1)

    assert (failure.non_retryable, failure.next_retry_delay) == (True, None)


def test_the_bounds_of_a_pause() -> None:
    policy = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))

    assert jittered(policy, 1, 0.0) == timedelta(seconds=0.5)
    assert jittered(policy, 3, 1.0) == timedelta(seconds=4)
    assert jittered(policy, 100, 1.0) == timedelta(seconds=30)
