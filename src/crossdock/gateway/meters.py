"""What this process counts and measures, as Prometheus reads it."""

from collections.abc import Callable, Iterable
from typing import Final

import psycopg
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0)
UNWRITABLE: Final = (psycopg.errors.DiskFull, psycopg.errors.IoError, psycopg.errors.ReadOnlySqlTransaction)
"""The database answers and yet takes nothing in."""
UNWRITABLE_S: Final = 10.0
"""For so long a gateway that met one of them calls itself not ready; then somebody must try again to know."""


class Meters(Collector):
    """One per gateway. Counting happens per commit, not per request: a hot request pays nothing for it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._sizes = Histogram(
            "crossdock_commit_requests",
            "Requests that shared a commit",
            ["write"],
            buckets=_SIZES,
            registry=self.registry,
        )
        self._seconds = Histogram(
            "crossdock_commit_seconds",
            "From a batch's first statement to its commit",
            ["write"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._outcomes = Counter(
            "crossdock_intake_total", "What was taken in, by outcome", ["write", "outcome"], registry=self.registry
        )
        self._refused = Counter(
            "crossdock_requests_refused_total",
            "Requests that were not taken in, by the last part of their problem's type",
            ["route", "problem"],
            registry=self.registry,
        )
        self._failures = Counter(
            "crossdock_commit_failures_total",
            "Batches that the database did not commit, by its error",
            ["write", "error"],
            registry=self.registry,
        )
        self._failed: tuple[psycopg.Error, float] | None = None
        self._queues: dict[str, Callable[[], int]] = {}
        self._shed: Callable[[], int] = int
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def committed(self, write: str, requests: int, seconds: float) -> None:
        """One commit."""
        self._failed = None
        self._sizes.labels(write).observe(requests)
        self._seconds.labels(write).observe(seconds)

    def failed(self, write: str, error: BaseException, at_s: float) -> None:
        """A commit that was none, at *at_s* of the monotonic clock."""
        self._failures.labels(write, type(error).__name__).inc()
        if isinstance(error, UNWRITABLE):
            self._failed = (error, at_s)

    def unwritable(self, now_s: float) -> str:
        """Why nothing can be written at present; empty when the last commit worked, or was tried too long ago to tell."""
        if self._failed is None or now_s - self._failed[1] > UNWRITABLE_S:
            return ""
        return str(self._failed[0]).strip().partition("\n")[0]

    def taken(self, write: str, outcome: str, count: int) -> None:
        """Orders, movements, reservations: how they were answered."""
        self._outcomes.labels(write, outcome).inc(count)

    def refused(self, route: str, problem: str) -> None:
        """One request that was turned away."""
        self._refused.labels(route, problem).inc()

    def queue(self, write: str, depth: Callable[[], int]) -> None:
        """Read a queue's depth whenever somebody looks."""
        self._queues[write] = depth

    def reads_shed(self, count: Callable[[], int]) -> None:
        """The same for reads that were turned away."""
        self._shed = count

    def collect(self) -> Iterable[Metric]:
        """What is read, not counted."""
        depths = GaugeMetricFamily(
            "crossdock_commit_waiting", "Requests that no commit has taken yet", labels=["write"]
        )
        for write, depth in self._queues.items():
            depths.add_metric([write], depth())
        yield depths
        yield CounterMetricFamily("crossdock_reads_shed", "Reads turned away under load", value=self._shed())

    def text(self, gauges: Iterable[Metric]) -> bytes:
        """The exposition: this process's figures, then *gauges* that were read from the database."""
        return generate_latest(self.registry) + generate_latest(_Once(gauges))


class _Once(CollectorRegistry):
    """A registry of figures that were read for one answer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        super().__init__()
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        yield from self._metrics
