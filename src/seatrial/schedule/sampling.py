"""Which batches to time, so that a profile is learned in little time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

ALLOWANCE = 0.25
"""Part of the time left that one batch may take: the others have something to tell, too."""

CHEAPER = 0.98
"""Twice the rows have to cost less than this part of the time per row to be doubled again."""


class Sampling:
    """Goes through a plan as far as a time allows, leaving out what has nothing to tell.

    A batch that would take too much of what is left is passed over, and so is one of a size that
    got no cheaper per row when its rows were doubled last: no packing goes there.

    Args:
        sizes: Size of each row that may be used.
        rows_max: Largest batch.

    >>> sampling = Sampling([10], rows_max=4)
    >>> while (batch := sampling.next(left_s=1.0)) is not None:
    ...     print(batch)
    ...     sampling.ran(batch, seconds=len(batch) * 0.1)
    [0]
    [0, 0]
    """

    def __init__(self, sizes: Sequence[float], rows_max: int) -> None:
        self._sizes = sizes
        self._batches = iter(plan(sizes, rows_max))
        self._row_s: dict[int, dict[int, float]] = {}
        self._last_s, self._last_padded = 0.0, 1.0

    def next(self, left_s: float) -> list[int] | None:
        """Return the next batch as places in the sizes; ``None`` at the end.

        Args:
            left_s: How long all further batches may take together.
        """
        for batch in self._batches:
            if self._expected_s(batch) <= ALLOWANCE * left_s and self._tells(batch):
                return batch
        return None

    def ran(self, batch: Sequence[int], seconds: float) -> None:
        """A batch took so long."""
        by_rows = self._row_s.setdefault(self._octave(batch), {})
        by_rows[len(batch)] = seconds / len(batch)
        self._last_s, self._last_padded = seconds, self._padded(batch)

    def _expected_s(self, batch: Sequence[int]) -> float:
        """Return at most what a batch should take, by one half as large or by the last of all."""
        before = self._row_s.get(self._octave(batch), {}).get(len(batch) // 2)
        if before is not None:
            return before * len(batch)
        return self._last_s * max(self._padded(batch) / self._last_padded, 1.0)

    def _tells(self, batch: Sequence[int]) -> bool:
        by_rows = self._row_s.get(self._octave(batch), {})
        smaller = sorted(rows for rows in by_rows if rows < len(batch))[-2:]
        if len(smaller) < 2:  # noqa: PLR2004  (a trend needs two)
            return True
        return by_rows[smaller[1]] < CHEAPER * by_rows[smaller[0]]

    def _padded(self, batch: Sequence[int]) -> float:
        return len(batch) * max(self._sizes[at] for at in batch)

    def _octave(self, batch: Sequence[int]) -> int:
        return int(max(self._sizes[at] for at in batch)).bit_length()


def plan(sizes: Sequence[float], rows_max: int) -> list[list[int]]:
    """Choose the batches that teach a profile most, the most telling first.

    A server runs as many as its warm-up allows, in this order; a measurement runs all of them
    several times. Rows double from 1 to ``rows_max`` among rows of like size, at a typical, a
    small and a large size; then come mixed batches, which tell padding from content.

    Args:
        sizes: Size of each row that may be used.
        rows_max: Largest batch.

    Returns:
        Batches as places in ``sizes``; a row appears several times in one batch where there are
        too few.

    >>> plan([5, 1, 9], 2)[:3]
    [[0], [0, 0], [1]]
    """
    if not sizes:
        return []
    order = sorted(range(len(sizes)), key=lambda at: sizes[at])
    typical, small, large = (order[round(q * (len(order) - 1))] for q in (0.5, 0.1, 0.9))
    distinct = list(dict.fromkeys([typical, small, large]))
    counts = list(doublings(rows_max))
    batches = [[typical] for _ in counts[:1]]
    batches += [_alike(order, typical, count) for count in counts[1:2]]
    batches += [[at] for at in distinct[1:]]
    batches += [_alike(order, typical, count) for count in counts[2:]]
    for count in counts[1:]:
        batches += [_alike(order, at, count) for at in distinct[1:]]
        if len(distinct) > 1:
            batches.append([large, *itertools.islice(itertools.cycle(order), count - 1)])
    return batches


def doublings(most: int) -> Iterator[int]:
    """Yield 1, 2, 4, … and ``most`` itself.

    >>> list(doublings(10))
    [1, 2, 4, 8, 10]
    """
    count = 1
    while count < most:
        yield count
        count *= 2
    yield most


def _alike(order: list[int], centre: int, count: int) -> list[int]:
    """Return ``count`` rows of a size near that of ``centre``, repeated where there are few."""
    middle = order.index(centre)
    width = min(count, len(order), max(len(order) // 8, 1))
    low = min(max(middle - width // 2, 0), len(order) - width)
    return list(itertools.islice(itertools.cycle(order[low : low + width]), count))
