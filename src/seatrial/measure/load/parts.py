"""One load taken apart: by the size of what was sent, and by time.

A tail that is made of long inputs shows in the sizes; one that a single pause made shows in the
parts, of which it spoils one and leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from seatrial.measure.load.result import LoadResult
from seatrial.stats.quantiles import exact_quantile

CLASSES = 4
"""Quarters of the requests by size; fewer where many are of one size."""

PARTS = 4
SHORTEST, LONGEST = 8, 4
"""Fractions of a load between which the stretch lies that is left out."""


class SizeClass(Struct, frozen=True, kw_only=True):
    """Requests whose bodies have between ``bytes_low`` and ``bytes_high`` bytes."""

    bytes_low: int
    bytes_high: int
    n: int
    p50_ms: float
    p99_ms: float


class Part(Struct, frozen=True, kw_only=True):
    """Requests that were due in one part of the time; ``late_p99_ms`` is the generator's own."""

    part: int
    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    late_p99_ms: float | None


def latency_by_part(result: LoadResult) -> tuple[Part, ...]:
    """Return the percentiles of each quarter of the requests, in the order they were due."""
    parts = []
    for index, rows in enumerate(np.array_split(np.arange(result.offered), PARTS)):
        if not len(rows):
            continue
        felt_ms, late_s = result.felt_s[rows] * 1e3, result.lateness_s[rows]
        sent = late_s[~np.isnan(late_s)]
        parts.append(
            Part(
                part=index + 1,
                n=len(rows),
                p50_ms=exact_quantile(felt_ms, 0.50),
                p95_ms=exact_quantile(felt_ms, 0.95),
                p99_ms=exact_quantile(felt_ms, 0.99),
                late_p99_ms=exact_quantile(sent, 0.99) * 1e3 if sent.size else None,
            )
        )
    return tuple(parts)


def steady_quantile(result: LoadResult, q: float) -> float:
    """Return the quantile of felt latency without the stretch of time that raised it most.

    A pause of the machine delays whatever is due during one stretch, and without that stretch
    nothing is left of it; what belongs to the service remains. The stretch is as long as the
    longest latency, within an eighth to a quarter of the load.

    Args:
        result: A load.
        q: In (0, 1].

    Returns:
        Seconds.
    """
    span_s = float(result.scheduled_s[-1] - result.scheduled_s[0])
    longest_s = float(np.clip(result.felt_s.max(), span_s / SHORTEST, span_s / LONGEST))
    starts = result.scheduled_s[0] + np.arange(0.0, span_s, max(longest_s / 2, 1e-9))
    kept = [
        result.felt_s[(result.scheduled_s < start) | (result.scheduled_s >= start + longest_s)]
        for start in starts
    ]
    return min(
        (exact_quantile(felt_s, q) for felt_s in kept if felt_s.size),
        default=exact_quantile(result.felt_s, q),
    )


def latency_by_size(result: LoadResult, lengths: Sequence[int]) -> tuple[SizeClass, ...]:
    """Return latency by quarter of size, smallest first; empty where all have one size.

    Args:
        result: A load.
        lengths: Size of every prepared body, in bytes.
    """
    sent = np.asarray(lengths)[result.bodies]
    edges = np.unique(np.quantile(sent, np.arange(1, CLASSES) / CLASSES, method="lower"))
    assigned = np.searchsorted(edges, sent, side="left")
    if assigned.max() == 0:
        return ()
    felt_ms = result.felt_s * 1e3
    classes = []
    for index in np.unique(assigned):
        inside = assigned == index
        classes.append(
            SizeClass(
                bytes_low=int(sent[inside].min()),
                bytes_high=int(sent[inside].max()),
                n=int(inside.sum()),
                p50_ms=exact_quantile(felt_ms[inside], 0.50),
                p99_ms=exact_quantile(felt_ms[inside], 0.99),
            )
        )
    return tuple(classes)
