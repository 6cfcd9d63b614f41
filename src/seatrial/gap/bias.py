"""What stand-ins cost by themselves: tried on eval rows, where the column was as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.undoing import StoodIn

Floats = NDArray[np.float64]

PATTERNS = 32
"""Combinations of columns whose stand-ins are tried; for others single ones are added."""


@dataclass(frozen=True)
class Bias:
    """What was taken out of the scores because stand-ins are not the true cells.

    Attributes:
        change: Score of eval rows with stand-ins minus without, shape (tried rows, patterns).
        tried: Which eval rows these are.
        shares: Share of labelled production rows with each pattern, shape (worlds, patterns).
        correction: Mean change of each labelled production row's pattern, shape (n, worlds).
    """

    change: Floats
    tried: NDArray[np.intp]
    shares: Floats
    correction: Floats

    @classmethod
    def none(cls, worlds: int) -> Bias:
        """Return the bias of repairs: there is none."""
        nobody = np.empty(0, dtype=np.intp)
        return cls(np.empty((0, 0)), nobody, np.empty((worlds, 0)), np.zeros((1, worlds)))

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        patterns: tuple[int, ...],
        tried: NDArray[np.intp],
        change: Floats,
    ) -> Bias:
        """Give every production row the mean change of its pattern on eval.

        Args:
            rows: Which columns have stand-ins in each labelled production row and world, as bits.
            patterns: Combinations that were tried.
            tried: Eval rows they were tried on.
            change: What they changed, shape (tried rows, patterns).
        """
        means = dict(zip(patterns, change.mean(axis=0).tolist(), strict=True))
        correction = np.zeros(rows.shape)
        shares = np.zeros((rows.shape[1], len(patterns)))
        for pattern in np.unique(rows[rows > 0]):
            here = rows == pattern
            for part in _parts(int(pattern), means):
                correction[here] += means[part]
                shares[:, patterns.index(part)] += here.mean(axis=0)
        return cls(change, tried, shares, correction)

    def off(self, weights: Floats) -> Floats:
        """Return how far the bias of resampled eval rows is from what was taken out, per world."""
        if not self.tried.size:
            return np.zeros(len(self.shares))
        drawn = weights[self.tried]
        mean = drawn @ self.change / max(drawn.sum(), 1.0)
        return np.asarray(self.shares @ (mean - self.change.mean(axis=0)))


@dataclass(frozen=True)
class StandInTrial:
    """Stand-ins tried on eval rows.

    Attributes:
        stood_in: Which columns have stand-ins in each labelled production row, as bits.
        patterns: Combinations that were tried.
        tried: Eval rows they were tried on.
        change: What they changed, shape (tried rows, patterns).
        unasked: Columns that have stand-ins and were not tried for want of time, as bits.
    """

    stood_in: NDArray[np.int64]
    patterns: tuple[int, ...]
    tried: NDArray[np.intp]
    change: Floats
    unasked: int

    def bias(self, undone: NDArray[np.int64]) -> Bias:
        """Return the bias of production rows.

        Args:
            undone: Which columns are undone in each labelled production row and world, as bits.
        """
        rows = undone & self.stood_in[:, None]
        return Bias.of(rows, self.patterns, self.tried, self.change)


def frequent(patterns: NDArray[np.int64], factors: int) -> tuple[int, ...]:
    """Return the commonest combinations of columns, and every single column.

    >>> frequent(np.array([[0, 3, 3], [0, 1, 0]]), 2)
    (1, 2, 3)
    """
    found, counts = np.unique(patterns[patterns > 0], return_counts=True)
    common = found[np.argsort(-counts)][:PATTERNS]
    return tuple(sorted({*(1 << bit for bit in range(factors)), *(int(one) for one in common)}))


def trial_side(side: StoodIn, rows: NDArray[np.intp]) -> StoodIn:
    """Return eval rows with every column marked for a stand-in, in some of the rows."""
    masks = np.zeros(len(side.inputs), dtype=np.int64)
    masks[rows] = (1 << len(side.factors)) - 1
    nothing: tuple[dict[int, object], ...] = tuple({} for _ in side.factors)
    # One stand-in each: more rows tell more than more stand-ins.
    return replace(side, masks=masks, mended=nothing, chosen=side.chosen[:1])


def _parts(pattern: int, known: Mapping[int, float]) -> list[int]:
    if pattern in known:
        return [pattern]
    return [1 << bit for bit in range(pattern.bit_length()) if pattern >> bit & 1]
