"""Learns a batch profile from live batches: bounded in memory, and forgetting."""

from __future__ import annotations

import itertools
import math

from seatrial.schedule.profile import BatchProfile, Observed, fit
from seatrial.schedule.sampling import doublings

KEEP = 0.95
"""What a cell keeps of itself when a batch is added: about the last twenty count."""

CLIP = 1.5
"""A batch moves its cell as if it took at most this many times longer, or shorter, than usual."""

TRUSTED = 20.0
"""Batches that one cell can stand for: it never outweighs the rest by more."""

COMPUTING = 0.9
"""Share of the clock from which a call has computed all the time; its ends are cut off a little."""

BUSIEST_KEEPS = 0.99995
"""What a call leaves of the busiest before: a model that begins to wait is noticed in thousands."""

FADES_AFTER = 500.0
"""Batches of other kinds after which a cell counts half: what nobody meets any more is hearsay."""

FAINTEST = 0.02
"""What is left of a cell's weight in the end: still more than nothing where nothing else is."""

BELIEVED = 5.0
"""Batches that a cell of a prior stands for."""

FIRST_FIT, FIT_GROWTH, FIT_EVERY_MAX = 16, 2.0, 4096
"""Batches before the first fit, the factor to the next, and the most between two."""


class Undisturbed:
    """Tells what a call would have taken with a processor of its own.

    On a busy machine the clock also counts other processes' turns, which say nothing about batches.
    A model that was ever seen to compute for nearly all of a call waits for nothing but its turn:
    what its CPU time leaves of the clock is disturbance. One that sleeps, or asks a device or
    another machine, is timed by the clock.

    >>> undisturbed = Undisturbed()
    >>> undisturbed.seconds(1.0, 0.99), undisturbed.seconds(5.0, 1.2)
    (0.99, 1.2)
    >>> waiting = Undisturbed()
    >>> waiting.seconds(1.0, 0.1), waiting.seconds(5.0, 0.1)
    (1.0, 5.0)
    """

    def __init__(self) -> None:
        self._busiest = 0.0

    def seconds(self, elapsed_s: float, cpu_s: float | None) -> float:
        """Return the time of a call, given what the clock and its process say."""
        if cpu_s is None or elapsed_s <= 0.0:
            return elapsed_s
        self._busiest = max(self._busiest * BUSIEST_KEEPS, cpu_s / elapsed_s)
        return min(cpu_s, elapsed_s) if self._busiest >= COMPUTING else elapsed_s


class _Cell:
    """Batches of like rows and sizes: their means, the time among them clipped."""

    __slots__ = ("count", "rows", "seconds", "seen_at", "size_max", "size_sum")

    def __init__(self, seen: Observed) -> None:
        self.count = 1.0
        self.rows = float(seen.rows)
        self.size_max = float(seen.size_max)
        self.size_sum = float(seen.size_sum)
        self.seconds = seen.seconds
        self.seen_at = 0

    def weight(self, now: int) -> float:
        fresh = math.exp2((self.seen_at - now) / FADES_AFTER)
        return self.count * max(fresh, FAINTEST)

    def add(self, seen: Observed) -> None:
        self.count = min(self.count + 1.0, TRUSTED)
        share = max(1.0 / self.count, 1.0 - KEEP)
        self.rows += share * (seen.rows - self.rows)
        self.size_max += share * (seen.size_max - self.size_max)
        self.size_sum += share * (seen.size_sum - self.size_sum)
        near = min(max(seen.seconds, self.seconds / CLIP), self.seconds * CLIP)
        self.seconds += share * (near - self.seconds)

    def mean(self) -> Observed:
        return Observed(self.rows, self.size_max, self.size_sum, self.seconds)


class Learner:
    """Keeps what batches cost by rows and size, and says when a new fit is due.

    There are as many cells as doublings of rows times half doublings of size: some hundred.
    Batches of a warm-up stay in their cells until live ones of the same kind replace them, so a
    server that only met single rows still knows what company would cost.

    Args:
        prior: What is believed before: it fills the cells, and fades as live batches come.

    >>> learner = Learner()
    >>> for rows in (1, 2, 4, 8) * 4:
    ...     learner.add(rows, 10, rows * 10, 1e-3 + rows * 1e-4)
    >>> learner.due, round(learner.fit().seconds(3, 10, 30) * 1000, 2)
    (True, 1.3)
    """

    def __init__(self, prior: BatchProfile | None = None) -> None:
        self._cells: dict[tuple[int, int], _Cell] = {}
        self._added = 0
        self._since_fit = 0
        self._fit_after = FIRST_FIT
        if prior is not None:
            self._believe(prior)

    def add(self, rows: int, size_max: float, size_sum: float, seconds: float) -> None:
        """A batch has run."""
        if seconds <= 0.0:
            return
        self._since_fit += 1
        self._added += 1
        seen = Observed(rows, size_max, size_sum, seconds)
        key = (_step(rows, 2.0), _step(size_max, 2.0))
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell(seen)
        else:
            cell.add(seen)
        cell.seen_at = self._added

    def _believe(self, prior: BatchProfile) -> None:
        """Put what a profile says of like rows into every cell that it was fitted to."""
        sizes = {max(prior.size_seen / part, 1.0) for part in (1, 2, 4, 8, 16)}
        for rows, size in itertools.product(doublings(prior.rows_seen), sizes):
            seconds = prior.seconds(rows, size, rows * size)
            if seconds > 0.0:
                cell = _Cell(Observed(rows, size, rows * size, seconds))
                cell.count = BELIEVED
                self._cells[_step(rows, 2.0), _step(size, 2.0)] = cell

    @property
    def due(self) -> bool:
        """Whether enough has been seen since the last fit."""
        return self._since_fit >= self._fit_after

    def fit(self) -> BatchProfile:
        """Fit a profile to all cells, in a few milliseconds.

        Raises:
            ValueError: No batch was added yet.
        """
        self._since_fit = 0
        self._fit_after = min(int(self._fit_after * FIT_GROWTH), FIT_EVERY_MAX)
        cells = list(self._cells.values())
        return fit(
            [cell.mean() for cell in cells], weights=[cell.weight(self._added) for cell in cells]
        )


def _step(value: float, steps: float) -> int:
    """Return which part of a doubling a value lies in.

    >>> _step(1, 2.0), _step(4, 2.0), _step(5.7, 2.0)
    (0, 4, 5)
    """
    return round(math.log2(max(value, 1.0)) * steps)
