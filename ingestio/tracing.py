"""Traces: one from the request through its run to the step and the call of the model, sent by OTLP where an endpoint is set.

Off, nothing of OpenTelemetry's SDK is imported and a span costs a comparison. Spans carry ids, counts and codes of ours: no document text,
no prompt, no address, no message of a foreign error.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

Value = str | int | float | bool

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
# How long the last spans may take to get away when a process ends.
_LAST_MILLISECONDS = 2000


@dataclass
class _Tracing:
    provider: "TracerProvider | None" = None
    tracer: "Tracer | None" = None


_tracing = _Tracing()


def start(endpoint: str | None, service: str) -> None:
    """Send this process's spans to an OTLP endpoint from now on, as those of `service`; None: send none.

    Headers, timeout and sampler come from OpenTelemetry's own variables. Repeating it changes nothing until `stop`.
    """
    if endpoint is None or _tracing.provider is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # Ours alone and not the global one: no library that would quote a request or a row finds it and joins in.
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    _tracing.provider, _tracing.tracer = provider, provider.get_tracer("ingestio")


def flush() -> None:
    """Send what waits to be sent, within two seconds; blocks."""
    if _tracing.provider is not None:
        _tracing.provider.force_flush(_LAST_MILLISECONDS)


def stop() -> None:
    """Send what is left and no more. Harmless when nothing was started."""
    flush()
    if _tracing.provider is not None:
        _tracing.provider.shutdown()
    _tracing.provider = _tracing.tracer = None


def temporal_interceptors() -> list[Any]:
    """What carries a trace from a client through runs to activities; nothing while no spans are sent."""
    if _tracing.tracer is None:
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor(_tracing.tracer)]


@contextmanager
def request_span(headers: Mapping[str, str], method: str) -> Iterator["tuple[str, Span | None]"]:
    """A request's trace id, which is the caller's own when it sent a `traceparent`, and its span when spans are sent."""
    if _tracing.tracer is None:
        sent = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
        yield (sent[1] if sent and sent[1].strip("0") else uuid4().hex), None
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": headers.get("traceparent", "")})
    with _tracing.tracer.start_as_current_span(
        method, context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as found:
        yield f"{found.get_span_context().trace_id:032x}", found


@contextmanager
def span(name: str, **attributes: Value) -> Iterator["Span | None"]:
    """A step of the trace at hand; None while no spans are sent. An error marks it by its kind alone."""
    if _tracing.tracer is None:
        yield None
        return
    with _tracing.tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as made:
        try:
            yield made
        except Exception as error:
            made.set_attribute("error.type", type(error).__name__)
            raise


def trace_id() -> str | None:
    """The id of the trace at hand, as the log and a problem write it; None outside of one, and while no spans are sent."""
    if _tracing.tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
