"""How far confidence is from being right that often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.stats.intervals import LEVEL, wilson
from seatrial.stats.resampling import REPLICATES, basic_interval, resampled_weights

BINS = 10
"""Equal-mass bins; fewer where a bin would hold fewer than :data:`BIN_ROWS`."""

BIN_ROWS = 20
"""Rows in a bin below which its accuracy says nothing (a standard error above 0.1)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """One bin: its range of confidence, how many rows, what was said and what came true."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error with its interval.

    Attributes:
        error: Mean over rows of |accuracy - confidence| of the row's bin.
        low: Lower end of the interval.
        high: Upper end.
        floor: What the same confidences would show if they were exactly right: the error is
            never negative, so noise alone makes it positive.
        n: Rows.
        bins: The bins, lowest confidence first.
    """

    error: float
    low: float
    high: float
    floor: float
    n: int
    bins: tuple[Bin, ...]


def calibration(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    bins: int = BINS,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Calibration:
    """Measure the expected calibration error over equal-mass bins.

    Formula: ``sum_b n_b / n |mean(correct_b) - mean(confidence_b)|`` (Naeini et al. 2015, with
    the equal-mass bins of Nguyen and O'Connor 2015). The interval is the basic bootstrap, bins
    held fixed; the floor resamples outcomes from the confidences (Broecker and Smith 2007).

    Args:
        confidence: Shape (n,), in [0, 1].
        correct: Shape (n,), scores in [0, 1].
        rng: Source of the draws.
        weights: Inverse inclusion probabilities, shape (n,); default: all alike.
        bins: Most bins.
        replicates: Resamples for interval and floor.
        level: Probability that the interval covers the truth.

    Raises:
        ValueError: There are no rows, or not as many confidences as outcomes.

    >>> sure = calibration([0.9] * 50, [1] * 25 + [0] * 25, rng=np.random.default_rng(0))
    >>> round(sure.error, 6)
    0.4
    """
    said, true = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    if said.shape != true.shape or not said.size:
        raise ValueError(f"calibration needs pairs; got {said.shape} and {true.shape}")
    assigned = _equal_mass(said, bins)
    drawn = np.ones(said.size) if weights is None else np.asarray(weights, dtype=float)
    error = _error(assigned, said, true, drawn)
    draws = [
        _error(assigned, said, true, drawn * again)
        for again in resampled_weights(said.size, rng=rng, replicates=replicates)
    ]
    ends = basic_interval(error, draws, level=level)
    floor = np.mean(
        [
            _error(assigned, said, (rng.random(said.size) < said).astype(float), drawn)
            for _ in range(min(replicates, 100))
        ]
    )
    return Calibration(
        error=error,
        low=max(0.0, min(ends.low, error)),
        high=min(1.0, max(ends.high, error)),
        floor=float(floor),
        n=said.size,
        bins=_bins(assigned, said, true, drawn, level),
    )


def _equal_mass(said: Floats, bins: int) -> NDArray[np.int64]:
    count = max(1, min(bins, said.size // BIN_ROWS))
    edges = np.unique(np.quantile(said, np.linspace(0, 1, count + 1)[1:-1]))
    return np.unique(np.searchsorted(edges, said, side="left"), return_inverse=True)[1]


def _error(assigned: NDArray[np.int64], said: Floats, true: Floats, weights: Floats) -> float:
    apart = np.bincount(assigned, weights * (true - said))
    return float(np.abs(apart).sum() / weights.sum())


def _bins(
    assigned: NDArray[np.int64], said: Floats, true: Floats, weights: Floats, level: float
) -> tuple[Bin, ...]:
    found = []
    for index in range(int(assigned.max()) + 1):
        inside = assigned == index
        drawn = weights[inside]
        n, accuracy = int(inside.sum()), float(np.average(true[inside], weights=drawn))
        effective = float(drawn.sum() ** 2 / np.square(drawn).sum())
        ends = wilson(accuracy * effective, effective, level=level)
        low, high = float(said[inside].min()), float(said[inside].max())
        mean = float(np.average(said[inside], weights=drawn))
        found.append(Bin(low, high, n, mean, accuracy, ends.low, ends.high))
    return tuple(found)
