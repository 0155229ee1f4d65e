"""What is to be seen of a step while it works: ids on its log lines, its wait in the queue, its calls of the model."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from temporalio import activity

from ingestio import tracing
from ingestio.domain.fields import ModelUsage
from ingestio.errors import DocumentFailed, ModelError
from ingestio.extraction.base import CutOff, Provider
from ingestio.metrics import COUNTS
from ingestio.observability import bound

# Ids that messages to activities carry (`ingestio.domain.messages`).
_IDS = ("user_id", "batch_id", "document_id", "job_id", "export_id", "delivery_id", "event_id")


@contextmanager
def at_work(*arguments: Any) -> Iterator[None]:
    """Put the ids of a step on every line that is written meanwhile, and count how long it waited for a worker."""
    info = activity.info()
    ids = {"workflow_id": info.workflow_id or "", "run_id": info.workflow_run_id or "", "activity": info.activity_type}
    for message in arguments:
        ids |= {name: value for name in _IDS if isinstance(value := getattr(message, name, None), str)}
    trace_id = tracing.trace_id()
    if trace_id is not None:
        ids["trace_id"] = trace_id
    if not info.is_local:
        waited = (info.started_time - info.current_attempt_scheduled_time).total_seconds()
        COUNTS.add("ingestio_queue_seconds_sum", max(0.0, waited), queue=info.task_queue)
        COUNTS.add("ingestio_queue_steps_total", queue=info.task_queue)
    with bound(**ids):
        yield


class Asked:
    """One call of the model, while it is made."""

    def __init__(self) -> None:
        self.usage = ModelUsage()

    def spent(self, usage: ModelUsage) -> None:
        """Note what the provider says that the call cost."""
        self.usage = usage


@contextmanager
def asking(provider: Provider, what: str) -> Iterator[Asked]:
    """Count one call of the provider, how it ended, and how long it took; in the trace it is a span of its own."""
    labels = {"provider": provider.name, "model": provider.model, "call": what}
    asked, began, ended = Asked(), time.perf_counter(), "interrupted"
    with tracing.span(f"model {what}", **labels) as span:
        try:
            yield asked
            ended = "ok"
        except (ModelError, DocumentFailed) as error:
            ended = error.reason.value
            if isinstance(error, CutOff):
                asked.spent(error.usage)
            raise
        finally:
            COUNTS.add("ingestio_model_calls_total", **labels, ended=ended)
            COUNTS.add("ingestio_model_seconds_sum", time.perf_counter() - began, **labels)
            tokens = {"input": asked.usage.input_tokens, "output": asked.usage.output_tokens}
            for direction, count in tokens.items():
                if count:
                    COUNTS.add("ingestio_model_tokens_total", count, **labels, direction=direction)
            if span is not None:
                span.set_attributes({"ended": ended, **{f"{name}_tokens": count for name, count in tokens.items()}})
