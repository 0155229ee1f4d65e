"""Our errors as Temporal understands them: which type, and whether to try again.

Rule: what we typed ourselves says so itself. A part that is away is tried again. Anything unforeseen is a defect of ours: a database step
that trips over one would do so again, so it is not repeated; an extraction gets two more chances, because parsers meet odd machines.
The failure that reaches a history carries the code and our own sentence only; the full detail goes to the log.

The pause before the next try is chosen here, because Temporal's retry policies know no jitter: a thousand documents that met the same
outage would come back in the same instant, again and again.
"""

import functools
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from activities.watching import at_work
from ingestio.errors import (
    FAILURE_MESSAGES,
    DocumentFailed,
    FailureCode,
    FileRefused,
    IngestioError,
    ModelError,
    Unavailable,
)
from workflows import options

logger = logging.getLogger(__name__)

ATTEMPTS_AT_ODD_DOCUMENTS = 3

Step = TypeVar("Step", bound=Callable[..., Awaitable[Any]])


def step_after(policy: RetryPolicy, *, attempts_at_the_unforeseen: int = 1) -> Callable[[Step], Step]:
    """Translates the errors of a step that is tried again after the pauses of `policy`, which is the one its workflow names."""

    def translating(step: Step) -> Step:
        @functools.wraps(step)
        async def translated(*arguments: Any) -> Any:
            with at_work(*arguments):
                try:
                    return await step(*arguments)
                except Exception as error:  # noqa: BLE001 - an edge: whatever it is, the workflow gets a typed failure
                    may_repeat = activity.info().attempt < attempts_at_the_unforeseen
                    raise _translate(error, policy, retry_unforeseen=may_repeat) from None

        return translated  # type: ignore[return-value]

    return translating


# Of a short database step.
database_step = step_after(options.DATABASE_STEP_RETRY)

# Of an extraction or classification.
long_step = step_after(options.EXTRACTION_RETRY, attempts_at_the_unforeseen=ATTEMPTS_AT_ODD_DOCUMENTS)


def jittered(policy: RetryPolicy, attempt: int, random_share: float) -> timedelta:
    """The pause after the `attempt`-th failure (from 1): what the policy says, or down to half of it. `random_share` is in [0, 1)."""
    longest = policy.maximum_interval or policy.initial_interval
    # Beyond 30 doublings every ceiling is reached, and a float would overflow one day.
    whole = min(policy.initial_interval * policy.backoff_coefficient ** min(attempt - 1, 30), longest)
    return whole * (0.5 + random_share / 2)


def _translate(error: Exception, policy: RetryPolicy, *, retry_unforeseen: bool) -> ApplicationError:
    if isinstance(error, ApplicationError):
        return error
    if isinstance(error, ModelError):
        return ApplicationError(
            FAILURE_MESSAGES[error.reason],
            type=error.reason,
            non_retryable=not error.can_retry,
            next_retry_delay=_pause(policy, error.retry_after_seconds) if error.can_retry else None,
        )
    if isinstance(error, DocumentFailed):
        return ApplicationError(FAILURE_MESSAGES[error.reason], type=error.reason, non_retryable=True)
    if isinstance(error, FileRefused):
        # Its pages could be counted and yet no reader gets at its text: for whoever sent it that is a document without text.
        code = FailureCode.NO_TEXT
        return ApplicationError(FAILURE_MESSAGES[code], type=code, non_retryable=True)
    if isinstance(error, Unavailable):
        return ApplicationError(error.detail, type=error.code, next_retry_delay=_pause(policy))
    if isinstance(error, IngestioError):
        return ApplicationError(error.detail, type=error.code, non_retryable=True)
    logger.error("a step failed in a way we did not foresee", exc_info=error)
    code = FailureCode.INTERNAL
    return ApplicationError(FAILURE_MESSAGES[code], type=code, non_retryable=not retry_unforeseen)


def _pause(policy: RetryPolicy, asked_seconds: float | None = None) -> timedelta:
    """Jittered; what the other side asked for is never undercut, only stretched by up to a tenth."""
    share = random.random()  # noqa: S311 - spreads load, hides nothing
    if asked_seconds is not None:
        return timedelta(seconds=asked_seconds * (1 + share / 10))
    pause = jittered(policy, activity.info().attempt, share)
    if activity.info().is_local and activity.is_worker_shutdown():
        # A local activity that is tried again inside the worker would keep it from ever ending.
        return max(pause, options.DATABASE_STEP_WAITS_INSIDE * (1.1 + share / 10))
    return pause
