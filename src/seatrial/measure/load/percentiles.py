"""Percentiles of latency as documents hold them: with an interval, or with why there is none."""

from __future__ import annotations

from msgspec import Struct

from seatrial.measure.load.arrivals import FloatArray
from seatrial.stats.quantiles import quantiles

PERCENTILES = (0.50, 0.90, 0.95, 0.99, 0.999)


class Percentile(Struct, frozen=True, kw_only=True):
    """One percentile of latency.

    Attributes:
        name: ``p50``, ``p90``, ``p95``, ``p99`` or ``p99.9``.
        value_ms: ``None`` where too few requests were made: p99.9 needs 10,000.
        low_ms: Lower end of its 95 % interval; ``None`` where nothing bounds it.
        high_ms: Upper end.
        why: Why it is unknown, or only bounded.
    """

    name: str
    value_ms: float | None
    low_ms: float | None = None
    high_ms: float | None = None
    why: str = ""


def percentiles_of(seconds: FloatArray) -> tuple[Percentile, ...]:
    """Return p50 to p99.9 of latencies in seconds; none of nothing."""
    if not len(seconds):
        return ()
    return tuple(
        Percentile(
            name=f"p{100 * row.q:g}",
            value_ms=in_ms(row.value),
            low_ms=in_ms(row.low),
            high_ms=in_ms(row.high),
            why=row.why,
        )
        for row in quantiles(seconds, PERCENTILES)
    )


def in_ms(seconds: float | None) -> float | None:
    """Return milliseconds; unknown stays unknown."""
    return None if seconds is None else seconds * 1e3
