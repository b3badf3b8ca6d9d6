"""Structured logs: events with fields, one line each, never prose and never a secret."""

import logging
import sys
from typing import Final, TextIO, cast

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from crossdock.foundation.visible import visible

SECRET_WORDS: Final = ("password", "secret", "token", "authorization", "api_key", "private_key")


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values under secret-looking names: the last net, not the first."""
    for name in event:
        if any(word in name.lower() for word in SECRET_WORDS):
            event[name] = "hidden"
    return event


def show_all(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write out what would act on a terminal: values come from anybody."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = visible(value)
    return event


class _Lines(logging.Formatter):
    """Lines of libraries, likewise."""

    def format(self, record: logging.LogRecord) -> str:
        """As they say it, written out."""
        return visible(super().format(record))


def add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the trace, so that a log line and a span find each other."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
    return event


class _StandardError:
    """Whatever standard error is now: loggers are kept, and outlive a redirection."""

    def write(self, text: str) -> int:
        """Pass it on."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Pass it on."""
        sys.stderr.flush()


def configure(level: str = "info", style: str = "auto") -> None:
    """Set up logging once per process; logs go to standard error, answers to standard output."""
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    renderer = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            add_trace,
            hide_secrets,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([show_all] if text else []),  # JSON writes them out itself
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("%(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def logger(name: str) -> FilteringBoundLogger:
    """A logger bound to the room it speaks from."""
    bound: FilteringBoundLogger = structlog.get_logger(room=name)
    return bound
