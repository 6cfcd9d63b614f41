"""What Prometheus scrapes: names with one prefix, base units, and no ids in labels.

Counting happens ten thousand times a second and scraping every few seconds: counts are plain
numbers here, and become metrics when they are asked for.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from seatrial.records.record import Cache, Degraded
from seatrial.serve.messages import Result

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

DURATION_BUCKETS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""From a small table model to a request that waited for its whole deadline."""

DEFERRED = 202
"""Status of a request that is answered by a ticket."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

COMMON = ("model", "release")


class Tally:
    """A histogram in the making.

    Args:
        bounds: Upper bounds of the buckets but the last, ascending.

    >>> tally = Tally((1.0, 2.0))
    >>> for value in (0.5, 2.0, 9.0): tally.add(value)
    >>> tally.cumulative(), tally.total
    ([('1.0', 1), ('2.0', 2), ('+Inf', 3)], 11.5)
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect.bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, int]]:
        """Return how many values lay at or below each bound."""
        running, made = 0, []
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for name, count in zip(names, self._counts, strict=True):
            running += count
            made.append((name, running))
        return made


class Gauge:
    """A figure that is read when it is asked for.

    Args:
        name: Of the metric.
        description: What it means.
        read: Returns it.
    """

    def __init__(self, name: str, description: str, read: Callable[[], float]) -> None:
        self.name = name
        self.description = description
        self.read = read

    def metric(self, labels: Mapping[str, str]) -> Metric:
        """Return its value now."""
        return _gauge(self.name, self.description, labels, self.read())


class Total(Gauge):
    """A count that is kept elsewhere; its name is without ``_total``."""

    def metric(self, labels: Mapping[str, str]) -> Metric:
        """Return how many there were until now."""
        family = CounterMetricFamily(self.name, self.description, labels=list(labels))
        family.add_metric(list(labels.values()), self.read())
        return family


class Metrics(Collector):  # type: ignore[misc]  # the library has no types
    """The figures of one server.

    Args:
        model: Name of the model.
        release: Reads what answers now.
        variant: Which variant.

    Attributes:
        gauges: What is read when it is asked for.
    """

    def __init__(self, *, model: str, release: Callable[[], str], variant: str) -> None:
        self._model = model
        self._release = release
        self._variant = variant
        self.gauges: Sequence[Gauge] = ()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._rows: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._degraded: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._tickets: Counter[int] = Counter()
        self._duration = Tally(DURATION_BUCKETS_S)
        self._ticket_duration = Tally(DURATION_BUCKETS_S)
        self._batch_rows = Tally(BATCH_BUCKETS)
        self._batch_seconds = Tally(DURATION_BUCKETS_S)
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(self)

    def responded(self, route: str, code: int, seconds: float) -> None:
        """Count a request by the status that its caller was told."""
        self._requests[(route, code)] += 1
        self._duration.add(seconds)

    def deferred(self, route: str, seconds: float) -> None:
        """Count a request whose caller was told to fetch the answer later."""
        self.responded(route, DEFERRED, seconds)
        self._counts["tickets"] += 1

    def settled(self, code: int, seconds: float) -> None:
        """Count what became of a request that was put aside, which was told its status before."""
        self._tickets[code] += 1
        self._ticket_duration.add(seconds)

    def answered(self, results: Sequence[Result]) -> None:
        """Count answered rows."""
        for result in results:
            self._rows["abstained" if result.abstained else "answered"] += 1

    def cached(self, caches: Sequence[Cache]) -> None:
        """Count what the cache did for the rows of an answered request."""
        for cache in caches:
            self._counts[CACHE_COUNTERS[cache]] += 1

    def degraded(self, rung: Degraded) -> None:
        """Count a request that the model had no room for."""
        self._degraded[rung] += 1

    def refused(self, reason: str, fate: str, rows: int) -> None:
        """Count a request that was not answered by its error code, and its rows by their fate."""
        self._rejected[reason] += 1
        self._rows[fate] += rows

    def batch(self, rows: int, seconds: float) -> None:
        """Count a call of the model."""
        self._batch_rows.add(rows)
        self._batch_seconds.add(seconds)

    def loss(self, reason: str) -> None:
        """Count a worker that was lost."""
        self._losses[reason] += 1

    def count(self, name: str, amount: int = 1) -> None:
        """Count one of :data:`COUNTERS`."""
        self._counts[name] += amount

    def exposition(self) -> bytes:
        """Return the page that Prometheus scrapes."""
        page: bytes = generate_latest(self._registry)
        return page

    def collect(self) -> Iterator[Metric]:
        """Return every metric; see :class:`prometheus_client.registry.Collector`."""
        name, _, digest = self._release().partition("@")
        yield _gauge(
            "seatrial_model_info",
            "What this server answers with; always 1",
            {"model": name, "release": name, "digest": digest, "variant": self._variant},
            1,
        )
        yield self._by(
            "seatrial_requests",
            "Requests by route and HTTP status, each once",
            ("route", "code"),
            {(route, str(code)): n for (route, code), n in self._requests.items()},
        )
        yield self._by(
            "seatrial_tickets_settled",
            "Requests put aside for a ticket that are done, by the status that it answers with",
            ("code",),
            {(str(code),): n for code, n in self._tickets.items()},
        )
        for counter, description, label, counts in (
            ("seatrial_rows", "Rows by what became of them", "status", self._rows),
            ("seatrial_rejected", "Requests not answered, by error code", "reason", self._rejected),
            ("seatrial_worker_losses", "Workers that died or hung", "reason", self._losses),
            (
                "seatrial_degraded",
                "Requests that the model had no room for, by what became of them",
                "rung",
                self._degraded,
            ),
        ):
            yield self._by(counter, description, (label,), {(k,): n for k, n in counts.items()})
        for counter, description in COUNTERS.items():
            yield self._by(f"seatrial_{counter}", description, (), {(): self._counts[counter]})
        for histogram, description, tally in (
            (
                "seatrial_request_duration_seconds",
                "From the arrival of a request to its answer, which may be a ticket",
                self._duration,
            ),
            (
                "seatrial_ticket_duration_seconds",
                "From the arrival of a request put aside to the answer that its ticket gives",
                self._ticket_duration,
            ),
            ("seatrial_batch_size", "Rows in one call of the model", self._batch_rows),
            (
                "seatrial_batch_duration_seconds",
                "Time of one call of the model, in its process",
                self._batch_seconds,
            ),
        ):
            family = HistogramMetricFamily(histogram, description, labels=COMMON)
            family.add_metric(self._common, tally.cumulative(), tally.total)
            yield family
        labels = dict(zip(COMMON, self._common, strict=True))
        for gauge in self.gauges:
            yield gauge.metric(labels)

    @property
    def _common(self) -> tuple[str, str]:
        return self._model, self._release()

    def _by(
        self,
        name: str,
        description: str,
        labels: tuple[str, ...],
        counts: Mapping[tuple[str, ...], int],
    ) -> Metric:
        family = CounterMetricFamily(name, description, labels=[*COMMON, *labels])
        for values, count in sorted(counts.items()):
            family.add_metric([*self._common, *values], count)
        return family


COUNTERS = {
    "feedback": "Labels and ratings received",
    "retries": "Requests that said they were retries",
    "tickets": "Requests put aside for a ticket",
    "cache_hits": "Rows answered from the cache",
    "cache_joined": "Rows answered by an identical row already under way",
    "cache_misses": "Rows that the cache did not know",
}
"""Counters without labels of their own."""

CACHE_COUNTERS: Mapping[Cache, str] = {
    "hit": "cache_hits",
    "joined": "cache_joined",
    "miss": "cache_misses",
}


def _gauge(name: str, description: str, labels: Mapping[str, Any], value: float) -> Metric:
    family = GaugeMetricFamily(name, description, labels=list(labels))
    family.add_metric([str(label) for label in labels.values()], value)
    return family
