"""What a batch profile decides: which rows share a call, and how many workers there are.

A row joins a batch only where the modelled time of the joint call is less than that of running it
apart, and only where the callers together wait less for it. With ``n`` rows in the batch and
``q`` rows waiting behind, joining keeps each of the ``n`` longer by what the call grows, and spares
the row and, over ``w`` workers, everybody behind it what the joint call saves:

    n · growth ≤ saving · (1 + q / w)

So batches are small while few wait and grow towards the cheapest size as the queue does.
"""

from __future__ import annotations

import math

from seatrial.schedule.batcher import Offer
from seatrial.schedule.profile import BatchProfile
from seatrial.schedule.sampling import doublings

ROWS_MAX = 64
"""Rows of a batch where nobody set a limit."""

NEAR_BEST = 1.02
"""A batch within this factor of the cheapest time per row is as good, and sooner done."""

SPARED = 0.15
"""Part of a core that may be wanting before another worker is worth its memory: where the front is
the limit, another worker only takes its time."""

OCTAVE = 8
"""Steps of a doubling in which sizes are told apart when best batches are looked up."""


class CostPacking:
    """Packs by modelled cost.

    Args:
        profile: What batches cost.
        rows_max: Most rows of one batch.
        workers: How many share the queue.

    Attributes:
        rows_max: As given.
        budget: Padded cells of the cheapest batch of typical rows; infinite where only
            ``rows_max`` ends it.

    >>> packing = CostPacking(BatchProfile(call_s=1e-3, padded_s=1e-4), rows_max=8)
    >>> packing.joins(1, 10, 10), packing.joins(1, 10, 100)
    (True, False)
    """

    def __init__(
        self, profile: BatchProfile, *, rows_max: int = ROWS_MAX, workers: int = 1
    ) -> None:
        self.profile = profile
        self.rows_max = rows_max
        self._workers = max(workers, 1)
        self._best: dict[int, list[tuple[int, float]]] = {}
        typical = self.best_rows(profile.typical_size)
        self.budget = math.inf if typical >= rows_max else typical * profile.typical_size

    def cost(self, size: float) -> float:
        """Return the modelled seconds of one row of that size alone."""
        return self.profile.alone(size)

    def expected_s(self, *, rows: int, size_max: float, size_sum: float) -> float:
        """Return the modelled seconds of a batch."""
        return self.profile.seconds(rows, size_max, size_sum)

    def room(self, *, rows: int, size_max: float, candidate: Offer, waiting: int) -> int:
        """Return how many rows of ``candidate`` shall join; see :class:`~.batcher.Packing`."""
        fits = min(candidate.rows, self.rows_max - rows)
        if fits <= 0:
            return 0
        size = candidate.size
        if rows == 0:
            return min(fits, self.best_rows(size))
        if fits == 1:
            return int(self.joins(rows, size_max, size, waiting=max(waiting - 1, 0)))
        low, high = 0, fits
        while low < high:
            count = (low + high + 1) // 2
            behind = max(waiting - count, 0)
            if self.joins(rows, size_max, size, count=count, waiting=behind):
                low = count
            else:
                high = count - 1
        return low

    def joins(
        self, rows: int, size_max: float, size: float, *, count: int = 1, waiting: int = 0
    ) -> bool:
        """Say whether ``count`` rows of one size shall join a batch.

        Args:
            rows: Rows in the batch, at least 1.
            size_max: Size of the largest of them.
            size: Size of each that may join.
            count: How many may join.
            waiting: Rows that wait behind.
        """
        growth = self._growth(rows, size_max, size, count)
        saving = count * self.profile.alone(size) - growth
        if saving <= 0.0:
            return False
        return rows * growth <= saving * (count + waiting / self._workers)

    def best_rows(self, size: float) -> int:
        """Return the rows of the cheapest batch of that size, per row; the fewest that are near."""
        options = self._options(size)
        cheapest = min(row_s for _, row_s in options)
        return next(rows for rows, row_s in options if row_s <= cheapest * NEAR_BEST)

    def best_row_s(self, size: float) -> float:
        """Return the time per row in that batch."""
        return min(row_s for _, row_s in self._options(size))

    def _growth(self, rows: int, size_max: float, size: float, count: int) -> float:
        seconds = self.profile.seconds
        joint = seconds(rows + count, max(size_max, size), count * size)
        return joint - seconds(rows, size_max, 0.0)

    def _options(self, size: float) -> list[tuple[int, float]]:
        """Return time per row of batches of like rows, ascending in rows."""
        step = round(math.log2(max(size, 1.0)) * OCTAVE)
        options = self._best.get(step)
        if options is None:
            near = 2.0 ** (step / OCTAVE)
            counts = sorted({*doublings(self.rows_max), *self._bent(near)})
            options = [(n, self.profile.seconds(n, near, n * near) / n) for n in counts]
            self._best[step] = options
        return options

    def _bent(self, size: float) -> list[int]:
        """Return the rows at which a batch of that size reaches a bend."""
        bends = [bend.beyond for bend in self.profile.row_bends]
        bends += [bend.beyond / size for bend in self.profile.padded_bends]
        return [int(rows) for rows in bends if 1 <= rows <= self.rows_max]


def packing(profile: BatchProfile, *, rows_max: int = ROWS_MAX, workers: int = 1) -> CostPacking:
    """Return the packing that a profile calls for."""
    return CostPacking(profile, rows_max=rows_max, workers=workers)


def workers_for(
    profile: BatchProfile, *, cores: int, front_s: float, rows_max: int = ROWS_MAX
) -> int:
    """Return how many one-thread workers keep up with the front, at least 1, at most ``cores``.

    The machine answers ``x`` requests a second, limited by the front's one core and by all cores
    together: x = min(1 / front, cores / (front + row)). Workers are needed for x · row.

    Args:
        profile: What batches cost.
        cores: Cores that front and workers share.
        front_s: CPU seconds of the front for one request.
        rows_max: Most rows of one batch.

    >>> quick = BatchProfile(call_s=3e-4, row_s=2e-5)
    >>> workers_for(quick, cores=2, front_s=1e-4)
    1
    >>> workers_for(BatchProfile(row_s=8e-3), cores=2, front_s=1e-4)
    2
    """
    row_s = CostPacking(profile, rows_max=rows_max).best_row_s(profile.typical_size)
    rate = min(1.0 / front_s, cores / (front_s + row_s))
    return min(max(math.ceil(rate * row_s - SPARED), 1), max(cores, 1))
