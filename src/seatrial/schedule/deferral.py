"""Requests for which nobody holds a connection open: they run when no other row waits.

While others wait, deferred rows get ``SHARE`` of the work all the same, so that they have an end in
sight and can be told when.
"""

from __future__ import annotations

import math

from seatrial.schedule.fairness import Turns

SHARE = 0.05
"""Part of the work that deferred rows get while others wait."""

LOAD_MEMORY_S = 5.0
"""How long a past the load is averaged over, from which deferred rows learn when they run."""

LOAD_STEP_S = 0.05
"""How often the average is brought up to date."""


class Deferral:
    """The queue of deferred requests and what it is due.

    Attributes:
        turns: The requests that wait.
        credit: Cost that deferred rows may use although others wait; negative if they used more.
    """

    __slots__ = ("_at_s", "_came", "_rate", "_seen", "credit", "turns")

    def __init__(self) -> None:
        self.turns = Turns()
        self.credit = 0.0
        self._came = 0.0
        self._rate = 0.0
        self._seen = 0.0
        self._at_s = -math.inf

    def next(self, others: Turns) -> Turns:
        """Return the queue whose turn it is; one of the two is not empty."""
        if not self.turns or (others and self.credit <= 0.0):
            return others
        return self.turns

    def charge(self, cost: float, *, deferred: bool, others: bool) -> None:
        """Account for a batch that starts.

        Args:
            cost: Of its rows.
            deferred: Whether they were deferred.
            others: Whether other rows wait.
        """
        if not self.turns:
            self.credit = 0.0
        elif not deferred:
            self.credit += SHARE * cost
        elif others:
            self.credit -= (1.0 - SHARE) * cost

    def rescale(self, factor: float) -> None:
        """Costs are so many times what they were; 0 if they are in another unit."""
        self.credit *= factor
        self._rate *= factor
        self._came *= factor
        if not factor:
            self._seen = 0.0

    def came(self, cost: float) -> None:
        """Count a request that is not deferred."""
        self._came += cost

    def passed(self, now_s: float) -> None:
        """Bring the load up to date: the cost that came per second, older seconds fading."""
        elapsed_s = now_s - self._at_s
        if elapsed_s < LOAD_STEP_S:
            return
        if elapsed_s < math.inf:
            keep = math.exp(-elapsed_s / LOAD_MEMORY_S)
            self._rate = self._rate * keep + (1.0 - keep) * self._came / elapsed_s
            # How much of the average is founded: it starts from nothing seen, not from no load.
            self._seen = self._seen * keep + 1.0 - keep
        self._came, self._at_s = 0.0, now_s

    def eta_s(self, *, cost: float, ahead: float, rate: float) -> float:
        """Return when a deferred request that came now should have its answer.

        Args:
            cost: Of its rows.
            ahead: Cost of the rows that wait and are not deferred.
            rate: Cost that all workers work off in a second; infinity is returned if none.

        Returns:
            The sooner of two: at the guaranteed share from now on, or at what is left over by the
            load of the last seconds once those who wait now are served.
        """
        if rate <= 0.0:
            return math.inf
        own = (self.turns.cost + cost) / rate
        load = self._rate / self._seen / rate if self._seen else 0.0
        left = 1.0 - load
        if left <= SHARE:
            return own / SHARE
        return min(own / SHARE, (ahead / rate + own) / left)
