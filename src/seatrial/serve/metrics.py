"""What Prometheus scrapes: names with one prefix, base units, and no ids in labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

DURATION_BUCKETS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""From a small table model to a request that waited for its whole deadline."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The figures of one server.

    Args:
        model: Name of the model.
        release: What answers.
        variant: Which variant.
        queue_depth: Reads the rows that wait.
        inflight: Reads the requests that wait or run.
        ready_workers: Reads the workers that answer.
        dropped: Reads the records that the log had to let go.
    """

    def __init__(
        self,
        *,
        model: str,
        release: str,
        variant: str,
        queue_depth: Callable[[], float],
        inflight: Callable[[], float],
        ready_workers: Callable[[], float],
        dropped: Callable[[], float],
    ) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        name, _, digest = release.partition("@")
        Gauge(
            "seatrial_model_info",
            "What this server answers with; always 1",
            ["model", "release", "digest", "variant"],
            registry=self.registry,
        ).labels(name, release, digest, variant).set(1)
        self._labels = (model, release)
        self._requests = Counter(
            "seatrial_requests",
            "Requests by HTTP status",
            ["model", "release", "code"],
            registry=self.registry,
        )
        self._duration = Histogram(
            "seatrial_request_duration_seconds",
            "From the arrival of a request to its answer",
            ["model", "release"],
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        ).labels(*self._labels)
        self._rows = Counter(
            "seatrial_rows",
            "Rows by what became of them",
            ["model", "release", "status"],
            registry=self.registry,
        )
        self._rejected = Counter(
            "seatrial_rejected",
            "Requests that were not answered, by error code",
            ["model", "release", "reason"],
            registry=self.registry,
        )
        self._batch_rows = Histogram(
            "seatrial_batch_size",
            "Rows in one call of the model",
            ["model", "release"],
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        ).labels(*self._labels)
        self._batch_seconds = Histogram(
            "seatrial_batch_duration_seconds",
            "Time of one call of the model, in its process",
            ["model", "release"],
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        ).labels(*self._labels)
        self._losses = Counter(
            "seatrial_worker_losses",
            "Workers that died, hung or could not start",
            ["model", "release", "reason"],
            registry=self.registry,
        )
        self._feedback = Counter(
            "seatrial_feedback",
            "Labels and ratings received",
            ["model", "release"],
            registry=self.registry,
        ).labels(*self._labels)
        self._gauge("seatrial_queue_depth", "Rows that wait for a worker", queue_depth)
        self._gauge("seatrial_inflight_requests", "Requests that wait or run", inflight)
        self._gauge("seatrial_workers_ready", "Workers that answer", ready_workers)
        self._gauge("seatrial_log_dropped", "Records that the log let go", dropped)

    def request(self, code: int, seconds: float, fates: Mapping[str, int]) -> None:
        """Count a request, and its rows by what became of them."""
        self._requests.labels(*self._labels, code).inc()
        self._duration.observe(seconds)
        for status, rows in fates.items():
            if rows:
                self._rows.labels(*self._labels, status).inc(rows)

    def rejected(self, reason: str) -> None:
        """Count a request that was not answered."""
        self._rejected.labels(*self._labels, reason).inc()

    def batch(self, rows: int, seconds: float) -> None:
        """Count a call of the model."""
        self._batch_rows.observe(rows)
        self._batch_seconds.observe(seconds)

    def loss(self, reason: str) -> None:
        """Count a worker that was lost."""
        self._losses.labels(*self._labels, reason).inc()

    def feedback(self) -> None:
        """Count a label or rating."""
        self._feedback.inc()

    def exposition(self) -> bytes:
        """Return the page that Prometheus scrapes."""
        page: bytes = generate_latest(self.registry)
        return page

    def _gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        gauge = Gauge(name, description, ["model", "release"], registry=self.registry)
        gauge.labels(*self._labels).set_function(read)
