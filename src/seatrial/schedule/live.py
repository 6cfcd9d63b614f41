"""Requests that are neither answered nor given up, by their deadlines."""

from __future__ import annotations

import heapq
import math

from seatrial.schedule.waiting import Waiting

SPARE = 64
"""Deadlines of requests that are gone, beyond as many as live, before they are swept out."""


class Live:
    """Every request that somebody waits for.

    >>> live = Live()
    >>> live.add(Waiting(1, 1, 1, 5.0, 1.0))
    >>> live.next_s(), [entry.request for entry in live.expired(5.0)], live.next_s()
    (5.0, [1], inf)
    """

    __slots__ = ("_deadlines", "_entries")

    def __init__(self) -> None:
        self._entries: dict[int, Waiting] = {}
        self._deadlines: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def remembered(self) -> int:
        """Deadlines that are kept, those of requests that are gone among them."""
        return len(self._deadlines)

    def add(self, entry: Waiting) -> None:
        """A request has come in."""
        entries, deadlines = self._entries, self._deadlines
        entries[entry.request] = entry
        heapq.heappush(deadlines, (entry.deadline_s, entry.request))
        if len(deadlines) > 2 * len(entries) + SPARE:
            deadlines[:] = [(other.deadline_s, number) for number, other in entries.items()]
            heapq.heapify(deadlines)

    def pop(self, request: int) -> Waiting | None:
        """Forget a request; return it if it lived."""
        return self._entries.pop(request, None)

    def expired(self, now_s: float) -> list[Waiting]:
        """Forget the requests whose deadline has passed; return them."""
        gone = []
        deadlines = self._deadlines
        while deadlines and (deadlines[0][0] <= now_s or deadlines[0][1] not in self._entries):
            _, request = heapq.heappop(deadlines)
            entry = self._entries.pop(request, None)
            if entry is not None:
                gone.append(entry)
        return gone

    def next_s(self) -> float:
        """Return the first deadline that may pass next; infinity if there is none."""
        return self._deadlines[0][0] if self._deadlines else math.inf
