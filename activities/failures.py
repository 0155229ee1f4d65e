"""Our errors as Temporal understands them: which type, and whether to try again.

Rule: what we typed ourselves says so itself. A part that is away is tried again. Anything unforeseen is a defect of ours: a database step
that trips over one would do so again, so it is not repeated; an extraction gets two more chances, because parsers meet odd machines.
The failure that reaches a history carries the code and our own sentence only; the full detail goes to the log.
"""

import functools
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from ingestio.errors import (
    FAILURE_MESSAGES,
    DocumentFailed,
    FailureCode,
    FileRefused,
    IngestioError,
    ModelError,
    Unavailable,
)

logger = logging.getLogger(__name__)

ATTEMPTS_AT_ODD_DOCUMENTS = 3

Step = TypeVar("Step", bound=Callable[..., Awaitable[Any]])


def database_step(step: Step) -> Step:
    """Translates the errors of a short database step."""

    @functools.wraps(step)
    async def translated(*arguments: Any) -> Any:
        try:
            return await step(*arguments)
        except Exception as error:  # noqa: BLE001 - an edge: whatever it is, the workflow gets a typed failure
            raise _translate(error, retry_unforeseen=False) from None

    return translated  # type: ignore[return-value]


def long_step(step: Step) -> Step:
    """Translates the errors of an extraction or classification."""

    @functools.wraps(step)
    async def translated(*arguments: Any) -> Any:
        try:
            return await step(*arguments)
        except Exception as error:  # noqa: BLE001 - an edge, as above
            attempt = activity.info().attempt
            raise _translate(error, retry_unforeseen=attempt < ATTEMPTS_AT_ODD_DOCUMENTS) from None

    return translated  # type: ignore[return-value]


def _translate(error: Exception, *, retry_unforeseen: bool) -> ApplicationError:
    if isinstance(error, ApplicationError):
        return error
    if isinstance(error, ModelError):
        delay = error.retry_after_seconds
        return ApplicationError(
            FAILURE_MESSAGES[error.reason],
            type=error.reason,
            non_retryable=not error.can_retry,
            next_retry_delay=None if delay is None else timedelta(seconds=delay),
        )
    if isinstance(error, DocumentFailed):
        return ApplicationError(FAILURE_MESSAGES[error.reason], type=error.reason, non_retryable=True)
    if isinstance(error, FileRefused):
        # Its pages could be counted and yet no reader gets at its text: for whoever sent it that is a document without text.
        code = FailureCode.NO_TEXT
        return ApplicationError(FAILURE_MESSAGES[code], type=code, non_retryable=True)
    if isinstance(error, Unavailable):
        return ApplicationError(error.detail, type=error.code)
    if isinstance(error, IngestioError):
        return ApplicationError(error.detail, type=error.code, non_retryable=True)
    logger.error("a step failed in a way we did not foresee", exc_info=error)
    code = FailureCode.INTERNAL
    return ApplicationError(FAILURE_MESSAGES[code], type=code, non_retryable=not retry_unforeseen)
