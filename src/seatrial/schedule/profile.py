"""What a batch costs: a model of one release on one machine, fitted to batches that were timed.

The time of a call is a sum of non-negative parts, each with a physical reason: entering the model,
one more row, one more cell of input, one more cell of padding, attention (cells times length), and
bends beyond which rows or padded cells cost more because they no longer fit a cache. A part that
the observations do not ask for is zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from seatrial.schedule.leastsquares import FloatArray

PARTS = 5
"""Parts without bends: call, row, cell, padded cell, padded cell times length."""

BENDS_MAX = 6
"""Places tried for a bend, of each kind; more would follow noise."""

BEYOND_MIN, BEYOND_SHARE = 3, 0.1
"""Batches, and share of them, beyond a bend: fewer could all have been disturbed."""

BEND_PENALTY = 2e-3
"""What a bend has to explain, relative to the whole, before it is believed."""

REWEIGHTED = 4
"""Rounds of weighing outliers down: the weights have settled by then."""

OUTLYING = 3.0
"""Robust standard deviations from which an observation counts less."""

ERROR_MIN = 5e-3
"""Relative errors below this are the clock's; no observation is an outlier for so little."""

NOISE_POINTS = 64
"""Quantiles of observed over modelled time that a profile keeps."""


class Observed(Struct, frozen=True):
    """One batch that was timed.

    Attributes:
        rows: Rows in it, at least 1; a fraction where it is the mean of several batches.
        size_max: Size of the largest row.
        size_sum: Sizes of all rows together.
        seconds: How long the model took.
    """

    rows: float
    size_max: float
    size_sum: float
    seconds: float


class Bend(Struct, frozen=True):
    """From ``beyond`` on, each further unit costs ``slope_s`` more."""

    beyond: float
    slope_s: float


class BatchProfile(Struct, frozen=True, kw_only=True):
    """The cost of a batch, in seconds of one worker.

    Attributes:
        call_s: Entering the model once.
        row_s: Each row.
        cell_s: Each cell of input, whatever it is padded to.
        padded_s: Each cell after padding: rows times the largest size.
        square_s: Each padded cell, times the largest size: attention.
        row_bends: Where further rows become dearer.
        padded_bends: Where further padded cells become dearer.
        error: Median of the relative errors over the observations.
        noise: Ascending quantiles of observed over modelled seconds.
        observations: How many batches it was fitted to.
        rows_seen: Rows of the largest of them; beyond it the model guesses.
        size_seen: Largest size among them.
        typical_size: Median over the observed rows.

    >>> profile = BatchProfile(call_s=1e-3, row_s=1e-4, padded_s=1e-5)
    >>> round(profile.seconds(4, 10, 40) * 1000, 3)
    1.8
    """

    call_s: float = 0.0
    row_s: float = 0.0
    cell_s: float = 0.0
    padded_s: float = 0.0
    square_s: float = 0.0
    row_bends: tuple[Bend, ...] = ()
    padded_bends: tuple[Bend, ...] = ()
    error: float = 0.0
    noise: tuple[float, ...] = (1.0,)
    observations: int = 0
    rows_seen: int = 1
    size_seen: float = 1.0
    typical_size: float = 1.0

    def seconds(self, rows: int, size_max: float, size_sum: float) -> float:
        """Return the modelled time of one call.

        Args:
            rows: Rows in it.
            size_max: Size of the largest.
            size_sum: Sizes of all rows together.
        """
        padded = rows * size_max
        total = self.call_s + rows * self.row_s + size_sum * self.cell_s
        total += padded * (self.padded_s + size_max * self.square_s)
        for bend in self.row_bends:
            if rows > bend.beyond:
                total += (rows - bend.beyond) * bend.slope_s
        for bend in self.padded_bends:
            if padded > bend.beyond:
                total += (padded - bend.beyond) * bend.slope_s
        return total

    def alone(self, size: float) -> float:
        """Return the modelled time of one row in a call of its own."""
        return self.seconds(1, size, size)


def fit(observed: Iterable[Observed], *, weights: Sequence[float] | None = None) -> BatchProfile:
    """Fit a profile to batches that were timed.

    Minimises relative errors, so that small batches count as much as large ones; observations that
    other work on the machine stretched are weighed down, the further off the more, in rounds of
    reweighted least squares (Huber 1981, *Robust Statistics*, ch. 7).

    Args:
        observed: At least one batch; time zero is passed over.
        weights: How many batches each observation stands for; default: one.

    Raises:
        ValueError: There is none.

    >>> cost = BatchProfile(call_s=2e-3, padded_s=1e-5)
    >>> shapes = [(rows, size) for rows in (1, 2, 4, 8) for size in (9, 30, 90)]
    >>> seen = [Observed(n, m, n * m, cost.seconds(n, m, n * m)) for n, m in shapes]
    >>> round(fit(seen).seconds(2, 50, 100) * 1000, 2)
    3.0
    """
    import numpy as np

    from seatrial.schedule.leastsquares import non_negative

    given = list(observed)
    counts = [1.0] * len(given) if weights is None else list(weights)
    kept = [(one, count) for one, count in zip(given, counts, strict=True) if one.seconds > 0.0]
    if not kept:
        raise ValueError("a profile needs at least one timed batch")
    seen = [one for one, _ in kept]
    table = np.array([[one.rows, one.size_max, one.size_sum, one.seconds] for one in seen])
    rows, size_max, size_sum, seconds = table.T
    row_bends, padded_bends = _places(rows), _places(rows * size_max)
    columns = _columns(rows, size_max, size_sum, row_bends, padded_bends) / seconds[:, None]
    weight = np.array([count for _, count in kept])
    penalty = np.zeros(columns.shape[1])
    for _ in range(REWEIGHTED):
        root = np.sqrt(weight)
        penalty[PARTS:] = BEND_PENALTY * np.sqrt(weight.sum())
        found = non_negative(columns * root[:, None], root, penalty=penalty)
        off = columns @ found - 1.0
        spread = max(1.4826 * float(np.median(np.abs(off))), ERROR_MIN)
        near = OUTLYING * spread / np.maximum(np.abs(off), 1e-12)
        weight = np.array([count for _, count in kept]) * np.minimum(1.0, near) ** 2
    split = PARTS + len(row_bends)
    return BatchProfile(
        **dict(zip(_NAMES, (float(part) for part in found[:PARTS]), strict=True)),
        row_bends=_bends(row_bends, found[PARTS:split]),
        padded_bends=_bends(padded_bends, found[split:]),
        error=float(np.median(np.abs(off))),
        noise=_noise(1.0 / np.maximum(columns @ found, 1e-12)),
        observations=round(sum(counts)),
        rows_seen=int(rows.max()),
        size_seen=float(size_max.max()),
        typical_size=float(np.median(size_sum / rows)),
    )


_NAMES = ("call_s", "row_s", "cell_s", "padded_s", "square_s")


def _columns(
    rows: FloatArray,
    size_max: FloatArray,
    size_sum: FloatArray,
    row_bends: list[float],
    padded_bends: list[float],
) -> FloatArray:  # (n, PARTS + bends)
    import numpy as np

    padded = rows * size_max
    parts = [np.ones_like(rows), rows, size_sum, padded, padded * size_max]
    parts += [np.maximum(rows - beyond, 0.0) for beyond in row_bends]
    parts += [np.maximum(padded - beyond, 0.0) for beyond in padded_bends]
    return np.stack(parts, axis=1)


def _places(values: FloatArray) -> list[float]:
    """Return where a bend could be: between the observed values, evenly on a scale of doublings."""
    import numpy as np

    beyond = max(BEYOND_MIN, math.ceil(BEYOND_SHARE * len(values)))
    ordered = np.sort(values)
    if len(values) <= beyond:
        return []
    low, high = ordered[ordered > ordered[0]][:1], ordered[-beyond - 1]
    if not len(low) or low[0] >= high:
        return []
    return [float(place) for place in np.geomspace(low[0], high, BENDS_MAX)]


def _bends(places: list[float], slopes: FloatArray) -> tuple[Bend, ...]:
    return tuple(
        Bend(place, float(slope)) for place, slope in zip(places, slopes, strict=True) if slope > 0
    )


def _noise(ratios: FloatArray) -> tuple[float, ...]:
    import numpy as np

    points = (np.arange(NOISE_POINTS) + 0.5) / NOISE_POINTS
    return tuple(round(float(ratio), 5) for ratio in np.quantile(ratios, points))
