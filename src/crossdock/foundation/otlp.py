"""Sending spans to a collector."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def processor(endpoint: str) -> SpanProcessor:
    """Batches spans and sends them to *endpoint* (OTLP over HTTP) in the background."""
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
