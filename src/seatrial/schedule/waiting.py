"""A request that waits: which of its rows have not started, and how large they are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.schedule.fairness import Flow


class Waiting:
    """A request of which rows wait or run.

    Attributes:
        request: Its number, chosen by the caller, unique while it lives.
        size: Size of every row, or of the largest where they differ.
        deadline_s: When nobody waits for it any more.
        left: Rows that have not started.
        cost: What each of its rows costs, or the mean where they differ.
        flow: Where it waits; ``None`` once all of its rows have started.
    """

    __slots__ = ("_ranks", "cost", "deadline_s", "flow", "left", "request", "rows", "size")

    def __init__(
        self, request: int, rows: int, size: float, deadline_s: float, cost: float
    ) -> None:
        self.request = request
        self.rows = rows
        self.left = rows
        self.size = size
        self.deadline_s = deadline_s
        self.cost = cost
        self.flow: Flow | None = None
        self._ranks: list[tuple[float, int]] | None = None

    def differ(self, sizes: Sequence[float]) -> None:
        """Tell the size of each row where they are not all equal."""
        self._ranks = sorted((size, row) for row, size in enumerate(sizes))
        self.size = self._ranks[-1][0]

    def price(self, cost: Callable[[float], float]) -> None:
        """Tell what a row of a size costs."""
        ranks = self._ranks
        if ranks is None:
            self.cost = cost(self.size)
        elif ranks:
            self.cost = sum(cost(size) for size, _ in ranks) / len(ranks)

    @property
    def started(self) -> bool:
        """Whether a worker got rows of it."""
        return self.left < self.rows

    def offers(self, near: float, most: int) -> Iterator[tuple[float, int]]:
        """Yield sizes and how many rows wait of each: those nearest to a size, ``most`` in all."""
        ranks = self._ranks
        if ranks is None:
            yield self.size, self.left
            return
        above = bisect_left(ranks, (near, -1))
        below = above - 1
        counts: dict[float, int] = {}
        for _ in range(min(most, len(ranks))):
            if above < len(ranks) and (
                below < 0 or ranks[above][0] - near <= near - ranks[below][0]
            ):
                size = ranks[above][0]
                above += 1
            else:
                size = ranks[below][0]
                below -= 1
            counts[size] = counts.get(size, 0) + 1
        yield from counts.items()

    def take(self, size: float, count: int) -> list[tuple[int, int]]:
        """Start ``count`` rows of that size and above; return them as ranges of rows."""
        ranks = self._ranks
        if ranks is None:
            start = self.rows - self.left
            self.left -= count
            return [(start, start + count)]
        at = bisect_left(ranks, (size, -1))
        taken = [row for _, row in ranks[at : at + count]]
        del ranks[at : at + count]
        self.left -= count
        if ranks:
            self.size = ranks[-1][0]
        return ranges(taken)


def ranges(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Join rows that follow one another.

    >>> ranges([4, 5, 6, 9])
    [(4, 7), (9, 10)]
    """
    joined: list[tuple[int, int]] = []
    for row in sorted(rows):
        if joined and joined[-1][1] == row:
            joined[-1] = (joined[-1][0], row + 1)
        else:
            joined.append((row, row + 1))
    return joined
