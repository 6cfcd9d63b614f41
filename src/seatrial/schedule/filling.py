"""How a batch is filled: by count alone, or with the nearest neighbours in size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from seatrial.schedule.waiting import Waiting

BAND = 0.25
"""Sizes that differ by less than this share of the head's are as good as equal."""

Chosen = list[tuple[Waiting, float, int]]
"""A request, the least size of the rows taken, and how many."""


class Offer(Struct, frozen=True):
    """Rows of one size that could join a batch.

    Attributes:
        rows: How many.
        size: Size of each.
    """

    rows: int
    size: float


class Packing(Protocol):
    """How many more rows a batch may take: where length-aware budgets go."""

    @property
    def rows_max(self) -> int:
        """Most rows of one batch."""
        ...

    def cost(self, size: float) -> float:
        """Return what a row of that size costs alone, in any one unit: shares are counted in it."""
        ...

    def expected_s(self, *, rows: int, size_max: float, size_sum: float) -> float:
        """Return how long a batch should take; 0 if nothing is known of that."""
        ...

    def room(self, *, rows: int, size_max: float, candidate: Offer, waiting: int) -> int:
        """Return how many rows of ``candidate`` shall join a batch that holds ``rows`` already.

        Args:
            rows: Rows in the batch so far; 0 for its first, of which one is taken in any case.
            size_max: Size of the largest of them.
            candidate: Rows that might join.
            waiting: Rows that wait behind the batch, those of the candidate among them.
        """
        ...


class RowPacking(Struct, frozen=True):
    """A batch holds at most ``rows_max`` rows, whatever their sizes."""

    rows_max: int

    def cost(self, size: float) -> float:  # noqa: ARG002  (of Packing)
        """Return 1: a row is a row."""
        return 1.0

    def expected_s(self, *, rows: int, size_max: float, size_sum: float) -> float:  # noqa: ARG002  (of Packing)
        """Return 0: nothing was measured."""
        return 0.0

    def room(self, *, rows: int, size_max: float, candidate: Offer, waiting: int) -> int:  # noqa: ARG002  (of Packing)
        """Return what is left of ``rows_max``."""
        return max(min(self.rows_max - rows, candidate.rows), 0)


def share(window: Sequence[Waiting], rows_max: int) -> Chosen:
    """Fill a batch whatever the sizes: every request gets as many places as any other.

    What some do not need goes to the first who does, so that a request of one row is not stuck
    behind one of a thousand.

    Args:
        window: At most ``rows_max`` requests, in the order of their turns.
        rows_max: Rows of the batch.
    """
    quota = rows_max // len(window)
    counts = [min(entry.left, quota) for entry in window]
    spare = rows_max - sum(counts)
    for at, entry in enumerate(window):
        if spare == 0:
            break
        more = min(entry.left - counts[at], spare)
        counts[at] += more
        spare -= more
    return [(entry, -math.inf, count) for entry, count in zip(window, counts, strict=True)]


def neighbours(
    packing: Packing,
    window: Sequence[Waiting],
    *,
    most: int,
    waiting: int,
    last: Callable[[Waiting], bool] | None,
) -> Chosen:
    """Fill a batch with the first request of a window and those nearest to it in size.

    Among sizes that are as good as equal, requests with few rows go before the rest of large ones.

    Args:
        packing: What has room.
        window: Requests in the order of their turns.
        most: Rows of the batch, whatever the packing has room for.
        waiting: Rows that wait in all.
        last: Whether a request joins only after all others; ``None`` if none does.
    """
    head = window[0]
    near = head.size
    quota = max(most // len(window), 1)
    count = min(next(iter(head.offers(near, quota)))[1], quota)
    if count > 1:
        first = Offer(count, near)
        count = max(packing.room(rows=0, size_max=near, candidate=first, waiting=waiting), 1)
    chosen = {(0, near): count}
    rows, size_max = count, near
    refused_below, refused_above = -math.inf, math.inf
    for _, _, _, _, at, size, left in _offers(window, most, quota, count, last):
        if rows >= most:
            break
        if not refused_below < size < refused_above:
            continue
        room = packing.room(
            rows=rows, size_max=size_max, candidate=Offer(left, size), waiting=waiting - rows
        )
        room = min(room, most - rows)
        if room < left:
            if size <= near:
                refused_below = size
            else:
                refused_above = size
        if room > 0:
            chosen[at, size] = chosen.get((at, size), 0) + room
            rows += room
            size_max = max(size_max, size)
    return [(window[at], size, count) for (at, size), count in chosen.items()]


def _offers(
    window: Sequence[Waiting],
    most: int,
    quota: int,
    taken: int,
    last: Callable[[Waiting], bool] | None,
) -> list[tuple[bool, int, bool, float, int, float, int]]:
    """List rows in the order in which they may join.

    Returns:
        For each: last of all, how many bands away, beyond the quota of its request, distance,
        place in the window, size, rows.
    """
    near = window[0].size
    band = max(BAND * near, 1e-300)
    offers = []
    for at, entry in enumerate(window):
        within, held = quota, taken if at == 0 else 0
        late = last is not None and last(entry)
        if entry.left == 1:
            if not held:
                distance = abs(entry.size - near)
                offers.append((late, int(distance / band), False, distance, at, entry.size, 1))
            continue
        for size, offered in entry.offers(near, most):
            left = offered
            distance = abs(size - near)
            if held:
                # The rows of the first that are in the batch already.
                left, within, held = left - held, within - held, 0
            count = min(left, within)
            if count > 0:
                offers.append((late, int(distance / band), False, distance, at, size, count))
                within -= count
                left -= count
            if left > 0:
                offers.append((late, int(distance / band), True, distance, at, size, left))
    offers.sort()
    return offers
