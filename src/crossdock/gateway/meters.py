"""What this process counts and measures, as Prometheus reads it."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0)


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
        self._queues: dict[str, Callable[[], int]] = {}
        self._shed: Callable[[], int] = int
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def committed(self, write: str, requests: int, seconds: float) -> None:
        """One commit."""
        self._sizes.labels(write).observe(requests)
        self._seconds.labels(write).observe(seconds)

    def taken(self, write: str, outcome: str, count: int) -> None:
        """Orders, movements, reservations: how they were answered."""
        self._outcomes.labels(write, outcome).inc(count)

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
