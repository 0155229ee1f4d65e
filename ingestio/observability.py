"""Logs: one line per event, readable on a terminal, JSON elsewhere, with ids and never with document text, prompts or secrets.

Everything uses the standard library's `logging`; structlog only renders, so third-party lines look the same as ours. The ids of the work at
hand (trace, batch, document, job) are bound to the context and appear on every line that is written meanwhile.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Literal

import structlog
from structlog.typing import Processor

from ingestio.metrics import COUNTS

LogLevel = Literal["debug", "info", "warning", "error"]

# Temporal's adapter repeats a whole dictionary in each message; its fields are ids that we bind ourselves.
_NOISE = ("temporal_workflow", "temporal_activity", "__temporal_task_info")


_events = logging.getLogger("ingestio.events")


class Event(StrEnum):
    """What happened in the words of the business (R105)."""

    BATCH_CREATED = "batch_created"
    BATCH_COMPLETED = "batch_completed"
    DOCUMENT_COMPLETED = "document_completed"
    DOCUMENT_FAILED = "document_failed"
    DOCUMENT_CANCELLED = "document_cancelled"
    QUOTA_EXCEEDED = "quota_exceeded"
    EXPORT_CREATED = "export_created"
    EXPORT_COMPLETED = "export_completed"
    ACCOUNT_DELETED = "account_deleted"


def tell(event: Event, **facts: str | int | None) -> None:
    """Emit an event of the product: a line of the logger `ingestio.events`, which a sink may pick up, and a count.

    `facts` are ids, counts and codes, as on every line. A step that is repeated after a crash may tell once more.
    """
    COUNTS.add("ingestio_events_total", event=event)
    _events.info(event.value, extra={name: value for name, value in facts.items() if value is not None})


def configure_logging(level: LogLevel = "info", *, terminal: bool | None = None) -> None:
    """Send all logging to standard error. `terminal` None: coloured lines when standard error is one, else JSON."""
    if terminal is None:
        terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _without_noise,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "alembic", "google_genai"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Put ids on every log line that is written inside the block, in this task and those it starts."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def _without_noise(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in _NOISE:
        event.pop(name, None)
    return event
