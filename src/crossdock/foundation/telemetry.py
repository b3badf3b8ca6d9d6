"""Traces: one id from the first request to the last document.

A trace id and a correlation id are the same 128 bits, so that a trace found in a collector leads to the hub's facts and
a fact leads to its trace. Work that goes on later (workers, pumps) continues the trace of the fact that caused it.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from opentelemetry import context, propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SERVICE: Final = "crossdock"
_TRACER: Final = trace.get_tracer(SERVICE)
_W3C: Final = TraceContextTextMapPropagator()


def configure(endpoint: str = "") -> None:
    """Send spans to a collector (OTLP over HTTP) when there is one; without, only the ids travel."""
    propagate.set_global_textmap(_W3C)
    if endpoint:
        provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
        # Loaded only here: it is large, and most installations have no collector.
        exporter = importlib.import_module("crossdock.foundation.otlp")
        provider.add_span_processor(exporter.processor(endpoint))
        trace.set_tracer_provider(provider)


def correlation_of(traceparent: str | None) -> UUID | None:
    """The correlation id that a caller's `traceparent` header asks for; None when it has none or it is malformed."""
    if not traceparent:
        return None
    found = trace.get_current_span(_W3C.extract({"traceparent": traceparent})).get_span_context()
    return UUID(int=found.trace_id) if found.is_valid else None


@contextmanager
def continued(correlation_id: UUID, name: str) -> Iterator[None]:
    """A span inside the trace of *correlation_id*: calls made within carry its `traceparent`."""
    parent = SpanContext(
        trace_id=correlation_id.int,
        span_id=(correlation_id.int & 0xFFFF_FFFF_FFFF_FFFF) or 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    outer = trace.set_span_in_context(NonRecordingSpan(parent))
    token = context.attach(outer)
    try:
        with _TRACER.start_as_current_span(name, record_exception=False):
            yield
    finally:
        context.detach(token)
