"""One load taken apart by what came back, by who answered and by who asked."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.percentiles import Percentile, percentiles_of
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.timeline import rejected
from seatrial.stats.quantiles import exact_quantile


class Group(Struct, frozen=True, kw_only=True):
    """Requests that have one thing in common.

    Attributes:
        name: The HTTP status, or the kind of failure; or the ``X-Served-By``.
        n: How many.
        share: Part of all that count.
        latency: Their percentiles, from due until their fate was known.
    """

    name: str
    n: int
    share: float
    latency: tuple[Percentile, ...]


class CallerFigures(Struct, frozen=True, kw_only=True):
    """What one caller got.

    Attributes:
        name: By which the plan calls it.
        offered: Requests it had due.
        good: Of those, answered well inside the deadline.
        good_share: The same as a part of its own.
        good_per_s: The same per second.
        rejected: Turned away with 429 or 503.
        p50_ms: Median latency of its answers.
        p99_ms: 99th percentile of its answers.
    """

    name: str
    offered: int
    good: int
    good_share: float
    good_per_s: float
    rejected: int
    p50_ms: float | None
    p99_ms: float | None


def by_status(result: LoadResult) -> tuple[Group, ...]:
    """Return the requests by HTTP status, and those without one by kind of failure."""
    silent = result.statuses == 0
    masks = {
        str(status): result.statuses == status
        for status in np.unique(result.statuses).tolist()
        if status
    } | {
        Outcome(kind).name.lower(): silent & (result.outcomes == kind)
        for kind in np.unique(result.outcomes[silent]).tolist()
    }
    return tuple(_group(name, mine, result) for name, mine in masks.items())


def by_server(result: LoadResult) -> tuple[Group, ...]:
    """Return the answers by their ``X-Served-By``, the most frequent first."""
    labels = result.served_by
    return tuple(_group(name, labels.having(name), result) for name in labels.counts())


def by_caller(result: LoadResult) -> tuple[CallerFigures, ...]:
    """Return what each caller got, in the order of the plan; empty where there is only one."""
    labels, turned_away = result.callers, rejected(result)
    rows = []
    for name in labels.names:
        mine = labels.having(name)
        offered, good = int(mine.sum()), int((result.good & mine).sum())
        answered_ms = result.latency_s[result.answered & mine] * 1e3
        known = answered_ms.size > 0
        rows.append(
            CallerFigures(
                name=name,
                offered=offered,
                good=good,
                good_share=good / offered if offered else 0.0,
                good_per_s=good / result.duration_s if result.duration_s > 0 else 0.0,
                rejected=int((turned_away & mine).sum()),
                p50_ms=exact_quantile(answered_ms, 0.50) if known else None,
                p99_ms=exact_quantile(answered_ms, 0.99) if known else None,
            )
        )
    return tuple(rows)


def jain_index(shares: NDArray[np.float64]) -> float:
    """Return how evenly something is shared out: 1 is even, 1/n goes all to one.

    Formula: ``(sum x)^2 / (n sum x^2)`` (Jain, Chiu and Hawe 1984).

    >>> jain_index(np.array([1.0, 1.0])), jain_index(np.array([1.0, 0.0]))
    (1.0, 0.5)
    """
    squares = float((shares**2).sum()) * len(shares)
    return float(shares.sum()) ** 2 / squares if squares > 0 else 1.0


def _group(name: str, mine: NDArray[np.bool_], result: LoadResult) -> Group:
    count = int(mine.sum())
    return Group(
        name=name,
        n=count,
        share=count / result.offered,
        latency=percentiles_of(result.latency_s[mine]),
    )
