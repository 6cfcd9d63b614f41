"""Which of many groups of rows lose more than the rest, with all that were looked at paid for.

Max-T by permutation (Westfall and Young 1993, ch. 2): the largest statistic over all groups is
compared with the largest over the same groups when losses are dealt out anew, so that groups that
overlap are not paid for twice. Rows may lie in cells, within which alone they are compared and
dealt out: what the cells explain is then no excess (Mantel and Haenszel 1959, for weighted rows).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.bool_]

CHUNK = 512
"""Groups multiplied at once: 20 MB for ten thousand rows."""

LEAST_INFORMATION = 1e-6
"""Part of the rows' own information below which a group does not differ within any cell."""


@dataclass(frozen=True)
class Excesses:
    """Statistics of the groups, and the largest one in each dealing.

    Attributes:
        statistics: One per group; a large one loses more than the rest. Shape (k,).
        largest: The largest over all groups, losses dealt out anew; shape (replicates,).
    """

    statistics: Floats
    largest: Floats

    def critical(self, level: float) -> float:
        """Return the statistic that chance exceeds, in any group, with probability ``level``."""
        if not self.largest.size:
            return float("inf")
        place = int(np.ceil((1.0 - level) * (self.largest.size + 1))) - 1
        if place >= self.largest.size:
            return float("inf")
        return float(np.sort(self.largest)[place])

    def chance(self, statistic: float) -> float:
        """Return the adjusted p-value of a statistic; never 0 (Phipson and Smyth 2010)."""
        return float((1 + (self.largest >= statistic).sum()) / (self.largest.size + 1))


class Dealer:
    """Rows dealt out anew within cells, each with its loss and its weight.

    A loss stays with its weight, because rows are drawn for review by what their losses go with
    (confidence, say); what is dealt out anew is which groups the pair belongs to.

    Args:
        losses: In [0, 1], shape (n,).
        weights: Inverse inclusion probabilities, shape (n,).
        cells: Number of the cell of each row, shape (n,).
        rng: Source of the dealings.
        replicates: How many.
    """

    def __init__(
        self,
        losses: Floats,
        weights: Floats,
        cells: NDArray[np.int64],
        *,
        rng: np.random.Generator,
        replicates: int,
    ) -> None:
        weights = weights / weights.mean()
        self._cells = [np.flatnonzero(cells == one) for one in np.unique(cells)]
        self._replicates = replicates
        excess = np.empty(losses.size)
        dealt = np.tile(np.arange(losses.size)[:, None], (1, 1 + replicates))
        for rows in self._cells:
            mean = np.average(losses[rows], weights=weights[rows])
            excess[rows] = weights[rows] * (losses[rows] - mean)
            dealt[rows, 1:] = rng.permuted(np.tile(rows, (replicates, 1)), axis=1).T
        self._variances = [_variance(excess[rows], weights[rows]) for rows in self._cells]
        self._excess = excess[dealt].astype(np.float32)
        self._squares = [float(np.square(weights[rows]).sum()) for rows in self._cells]
        # Where all count alike, dealing changes no weight, and most of the work falls away.
        columns = dealt[:, :1] if np.allclose(weights, 1.0) else dealt
        self._weights = weights[columns].astype(np.float32)

    def excesses(self, groups: Groups) -> Excesses:
        """Compare every group with the rest of its cells.

        Formula: ``T = sum_{group} w (L - m) / sqrt(sum_c V_c sum_{i in c} w^2 (1[group] - s)^2)``
        with ``m`` the weighted mean of the losses of the cell, ``s`` the group's weighted share of
        it and ``V_c`` the variance of the losses, weighted by ``w^2``.

        Args:
            groups: Which rows are in which group, shape (k, n).
        """
        statistics = np.full(len(groups), -np.inf)
        largest = np.full(self._replicates, -np.inf)
        for start in range(0, len(groups), CHUNK):
            found = self._statistics(groups[start : start + CHUNK].astype(np.float32))
            statistics[start : start + CHUNK] = found[:, 0]
            np.maximum(largest, found[:, 1:].max(axis=0, initial=-np.inf), out=largest)
        return Excesses(statistics, largest)

    def _statistics(self, marks: NDArray[np.float32]) -> Floats:
        spread = np.zeros((len(marks), self._weights.shape[1]))
        known = np.zeros(len(marks))
        for rows, variance, squares in zip(
            self._cells, self._variances, self._squares, strict=True
        ):
            part, weights = marks[:, rows], self._weights[rows]
            share = part @ weights / weights.sum(axis=0)
            information = (1.0 - 2.0 * share) * (part @ np.square(weights)) + share**2 * squares
            spread += variance * information
            known += information[:, 0]
        sums = marks @ self._excess
        found = np.where(spread > 0, sums / np.sqrt(np.where(spread > 0, spread, 1.0)), -np.inf)
        found[known <= LEAST_INFORMATION * sum(self._squares)] = -np.inf
        return np.asarray(found, dtype=float)


def _variance(excess: Floats, weights: Floats) -> float:
    """Return the variance of the losses of a cell, weighted by the squares of the weights."""
    if excess.size < 2:  # noqa: PLR2004  (one row has no spread)
        return 0.0
    spread = float(np.square(excess).sum() / np.square(weights).sum())
    return spread * excess.size / (excess.size - 1)
