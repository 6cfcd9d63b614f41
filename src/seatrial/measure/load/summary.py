"""A load in figures, and what is weak about them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from msgspec import Struct

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.result import LoadResult
from seatrial.stats.quantiles import Quantile, exact_quantile, quantiles

PERCENTILES = (0.50, 0.90, 0.95, 0.99, 0.999)

LATE_SHARE = 0.1
"""Part of a latency above which the generator's own lateness is worth a word."""

LATE_MS = 1.0
"""Lateness that no latency figure of a service over HTTP is sensitive to."""

BEYOND_P99 = 10
"""Requests wanted beyond p99: with fewer its interval is open or spans several percentiles."""


class Percentile(Struct, frozen=True, kw_only=True):
    """One percentile of latency, with its interval; ``why`` says why it is unknown or bounded."""

    name: str
    value_ms: float | None
    low_ms: float | None = None
    high_ms: float | None = None
    why: str = ""


class GeneratorFigures(Struct, frozen=True, kw_only=True):
    """What the load generator did itself.

    Attributes:
        late_p50_ms: From due to sent, for requests that did not wait for a connection.
        late_p99_ms: The same, 99th percentile.
        held: Requests that waited because every connection was busy.
        unsent: Requests whose deadline passed while they waited so.
        connections: Connections opened.
        cpu_us_per_request: CPU time, warm-up included; ``None`` on a fake clock.
    """

    late_p50_ms: float | None
    late_p99_ms: float | None
    held: int
    unsent: int
    connections: int
    cpu_us_per_request: float | None


class LoadSummary(Struct, frozen=True, kw_only=True):
    """What ``seatrial load --json`` prints.

    A request without a 2xx answer counts as one that took until the deadline, or longer.

    Attributes:
        offered: Requests due after the warm-up.
        answered: Those with a 2xx answer in time.
        errors: The others, by kind.
        statuses: How many answers had which HTTP status.
        offered_per_s: Due per second.
        achieved_per_s: Answered per second.
        examples: Start of an answer for each status that is not 2xx.
    """

    url: str
    offered: int
    answered: int
    errors: dict[str, int]
    error_rate: float
    statuses: dict[str, int]
    duration_s: float
    deadline_s: float
    warmup: int
    offered_per_s: float
    achieved_per_s: float
    latency: tuple[Percentile, ...]
    max_ms: float
    generator: GeneratorFigures
    examples: dict[str, str]
    criticisms: tuple[str, ...]

    def percentile(self, name: str) -> Percentile:
        """Return the percentile called ``name`` ("p99")."""
        return next(row for row in self.latency if row.name == name)


def summarise(result: LoadResult) -> LoadSummary:
    """Turn a load into figures.

    >>> from seatrial.measure.load.arrivals import constant
    >>> from seatrial.measure.load.simulation import simulate_load
    >>> load = simulate_load(lambda _, t: (t + 0.25, 200), arrivals_s=constant(4, duration_s=5))
    >>> summarise(load).percentile("p50").value_ms
    250.0
    """
    outcomes = Counter(result.outcomes.tolist())
    statuses = Counter(result.statuses.tolist())
    answered = outcomes.pop(Outcome.ANSWERED, 0)
    return LoadSummary(
        url=result.target,
        offered=result.offered,
        answered=answered,
        errors={Outcome(kind).name.lower(): count for kind, count in sorted(outcomes.items())},
        error_rate=1.0 - answered / result.offered,
        statuses={str(status): count for status, count in sorted(statuses.items()) if status},
        duration_s=round(result.duration_s, 6),
        deadline_s=result.deadline_s,
        warmup=result.warmup,
        offered_per_s=result.offered_per_s,
        achieved_per_s=result.achieved_per_s,
        latency=percentiles(result),
        max_ms=float(result.felt_s.max()) * 1e3,
        generator=_generator(result),
        examples={str(status): text for status, text in sorted(result.examples.items())},
        criticisms=criticisms(result),
    )


def percentiles(result: LoadResult) -> tuple[Percentile, ...]:
    """Return the percentiles of latency as users felt it, errors and timeouts included."""
    return tuple(_percentile(row, result) for row in quantiles(result.felt_s, PERCENTILES))


def criticisms(result: LoadResult) -> tuple[str, ...]:
    """Say what is weak about the figures of a load."""
    said = []
    late, felt_ms = _own_lateness(result), result.felt_s * 1e3
    if late.size:
        late_ms = exact_quantile(late, 0.99) * 1e3
        p99_ms = exact_quantile(felt_ms, 0.99)
        if late_ms > LATE_MS and late_ms > LATE_SHARE * p99_ms:
            said.append(
                f"the load generator itself was late (p99 {late_ms:.1f} ms of {p99_ms:.1f} ms): "
                "the tail is partly about this machine, not about the service"
            )
    if result.offered < BEYOND_P99 * 100:
        said.append(
            f"{result.offered:,} requests: p99 rests on the slowest {result.offered // 100}; "
            f"{BEYOND_P99 * 100:,} are wanted"
        )
    unsent = int(np.isnan(result.lateness_s).sum())
    if unsent:
        said.append(
            f"{unsent:,} requests were never sent: every connection was busy until their deadline"
        )
    return tuple(said)


def _percentile(row: Quantile, result: LoadResult) -> Percentile:
    why = row.why
    if row.value is not None and row.value >= result.deadline_s:
        failed = 1.0 - float(result.answered.mean())
        why = f"at least: {failed:.2%} of the requests got no answer within the deadline"
    return Percentile(
        name=f"p{100 * row.q:g}",
        value_ms=_ms(row.value),
        low_ms=_ms(row.low),
        high_ms=_ms(row.high),
        why=why,
    )


def _generator(result: LoadResult) -> GeneratorFigures:
    late = _own_lateness(result)
    cpu_us = result.cpu_s * 1e6 / (result.offered + result.warmup)
    return GeneratorFigures(
        late_p50_ms=exact_quantile(late, 0.5) * 1e3 if late.size else None,
        late_p99_ms=exact_quantile(late, 0.99) * 1e3 if late.size else None,
        held=int(result.held.sum()),
        unsent=int(np.isnan(result.lateness_s).sum()),
        connections=result.connections,
        cpu_us_per_request=None if np.isnan(cpu_us) else cpu_us,
    )


def _own_lateness(result: LoadResult) -> FloatArray:
    """Lateness of what was sent without waiting for a connection, which is the server's doing."""
    return result.lateness_s[~result.held & ~np.isnan(result.lateness_s)]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
