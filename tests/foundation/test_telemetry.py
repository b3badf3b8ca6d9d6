"""A trace and the facts that it caused have one id, in this process and in those that are called."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from opentelemetry import propagate, trace

from crossdock.foundation import telemetry

SOURCE = Path(__file__).parents[2] / "src"
CORRELATION = UUID("019a9f6e-2c3d-7a10-8b4c-5d6e7f809112")
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# A provider is set once per process, so these spans are made in one of their own.
EXPORTING = """
from uuid import UUID
from opentelemetry import propagate, trace
from crossdock.foundation import telemetry

telemetry.configure("http://127.0.0.1:1")
carried = {}
with telemetry.continued(UUID("019a9f6e-2c3d-7a10-8b4c-5d6e7f809112"), "send"):
    span = trace.get_current_span()
    propagate.inject(carried)
    print(span.is_recording(), format(span.get_span_context().span_id, "016x"), carried["traceparent"], flush=True)
import os
os._exit(0)  # nobody listens where spans are sent: do not wait for that
"""


def carried() -> dict[str, str]:
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def test_a_callers_trace_becomes_the_correlation_id() -> None:
    assert telemetry.correlation_of(CALLER) == UUID("4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.mark.parametrize(
    "header", [None, "", "nonsense", "00-short-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01"]
)
def test_a_malformed_trace_is_no_trace(header: str | None) -> None:
    assert telemetry.correlation_of(header) is None


def test_what_is_called_within_carries_the_facts_trace() -> None:
    telemetry.configure()
    with telemetry.continued(CORRELATION, "send"):
        inside = carried()

    assert inside["traceparent"].split("-")[1] == CORRELATION.hex
    assert telemetry.correlation_of(inside["traceparent"]) == CORRELATION
    assert carried() == {}, "and nothing afterwards does"


def test_traces_nest_and_end_with_their_work_also_when_it_fails() -> None:
    telemetry.configure()
    other = UUID("019a9f6e-3111-7f00-9c2d-0a1b2c3d4e5f")
    with telemetry.continued(CORRELATION, "outer"):
        with suppress(RuntimeError), telemetry.continued(other, "inner"):
            assert trace.get_current_span().get_span_context().trace_id == other.int
            raise RuntimeError
        assert trace.get_current_span().get_span_context().trace_id == CORRELATION.int


def test_a_correlation_id_whose_end_is_zero_is_still_a_trace() -> None:
    odd = UUID(int=1 << 64)
    telemetry.configure()
    with telemetry.continued(odd, "send"):
        assert telemetry.correlation_of(carried()["traceparent"]) == odd


def test_with_a_collector_the_span_is_recorded_inside_the_same_trace() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", EXPORTING],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    recording, span, traceparent = ran.stdout.split()
    assert recording == "True"
    assert traceparent == f"00-{CORRELATION.hex}-{span}-01"
