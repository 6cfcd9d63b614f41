"""Requests for which nobody holds a connection open: they run when no other row waits.

While others wait, deferred rows get ``SHARE`` of the work all the same, so that they have an end in
sight and can be told when.
"""

from __future__ import annotations

import math

from seatrial.schedule.fairness import Turns

SHARE = 0.05
"""Part of the work that deferred rows get while others wait."""

LOAD_MEMORY_S = 3.0
"""How long a past the load is averaged over, from which deferred rows learn when they run."""

KNOWN_S = 0.5
"""Time after a start before which nothing is known of the load but that there is too much."""

LOAD_STEP_S = 0.05
"""How often the averages are brought up to date."""

PRESSED = 0.9
"""Load from which the speed of deferred rows is measured rather than what the load leaves."""

SPEED_MEMORY_S = 10.0
"""How long a past their speed under pressure is averaged over."""

SPEED_PRIOR_S = 2.0
"""Time under pressure that is believed to have passed at the guaranteed share before any did."""


class Deferral:
    """The queue of deferred requests and what it is due.

    Attributes:
        turns: The requests that wait.
        credit: Cost that deferred rows may use although others wait; negative if they used more.
        workers: Those that run deferred rows.
        come: Rows that ever came.
    """

    __slots__ = (
        "_asked",
        "_at_s",
        "_got",
        "_load",
        "_seen",
        "_speed",
        "_watched_s",
        "come",
        "credit",
        "turns",
        "workers",
    )

    def __init__(self) -> None:
        self.turns = Turns()
        self.credit = 0.0
        self.workers: set[int] = set()
        self.come = 0
        self._at_s = -math.inf
        self._asked = self._got = 0.0
        self._load = self._seen = 0.0
        self._speed = self._watched_s = 0.0

    def next(self, others: Turns) -> Turns:
        """Return the queue whose turn it is; one of the two is not empty."""
        if not self.turns or (others and self.credit <= 0.0):
            return others
        return self.turns

    def may_start(self, workers: int) -> bool:
        """Whether a batch may start while nobody else waits, of so many workers in all.

        One worker is left to those who come next, where there are several.
        """
        return bool(self.turns) and len(self.workers) < max(workers - 1, 1)

    def charge(self, cost: float, *, deferred: bool, others: bool) -> None:
        """Account for a batch that starts.

        Args:
            cost: Of its rows.
            deferred: Whether they were deferred.
            others: Whether other rows wait.
        """
        if deferred:
            self._got += cost
        if not self.turns:
            self.credit = 0.0
        elif not deferred:
            self.credit += SHARE * cost
        elif others:
            self.credit -= (1.0 - SHARE) * cost

    def rescale(self, factor: float) -> None:
        """Costs are so many times what they were; 0 if they are in another unit."""
        self.credit *= factor
        self._load *= factor
        self._asked *= factor
        self._got *= factor
        self._speed *= factor
        if not factor:
            self._seen = self._watched_s = 0.0

    def asked(self, cost: float) -> None:
        """Count a request that somebody waits for, whether it was let in or not."""
        self._asked += cost

    def passed(self, now_s: float, *, rate: float) -> None:
        """Bring averages up to date: cost per second that is asked for, and that is got here.

        Args:
            now_s: The time.
            rate: Cost that all workers work off in a second.
        """
        elapsed_s = now_s - self._at_s
        if elapsed_s < LOAD_STEP_S:
            return
        if elapsed_s < math.inf:
            keep = math.exp(-elapsed_s / LOAD_MEMORY_S)
            self._load = self._load * keep + (1.0 - keep) * self._asked / elapsed_s
            # How much of the average is founded: it starts from nothing seen, not from no load.
            self._seen = self._seen * keep + 1.0 - keep
            if self.turns and self._load > PRESSED * rate * self._seen:
                keep = math.exp(-elapsed_s / SPEED_MEMORY_S)
                self._speed = self._speed * keep + self._got
                self._watched_s = self._watched_s * keep + elapsed_s
        self._asked, self._got, self._at_s = 0.0, 0.0, now_s

    def before(self, place: int) -> float:
        """Return the cost of the rows that wait up to a place, counted from the first that came."""
        turns = self.turns
        rows = place - (self.come - turns.rows)
        return turns.cost * rows / turns.rows if rows > 0 else 0.0

    def eta_s(
        self,
        now_s: float,
        *,
        before: float,
        ahead: float,
        rate: float,
        workers: int,
        refused: bool,
    ) -> float:
        """Return when a batch should start whose rows have so much cost before them.

        Args:
            now_s: The time.
            before: Cost of deferred rows that run in earlier batches.
            ahead: Cost of the rows that wait and are not deferred.
            rate: Cost that all workers work off in a second; infinity is returned if none.
            workers: How many there are.
            refused: Whether it was just refused: then there is too much, whatever the average says,
                and the sooner of the two is not believed.

        Returns:
            The sooner of two: at the speed that deferred rows have under pressure, or at what is
            left over by the load of the last seconds once those who wait now are served.
        """
        if rate <= 0.0:
            return math.inf
        prior_s = SPEED_PRIOR_S
        speed = (SHARE * rate * prior_s + self._speed) / (prior_s + self._watched_s)
        pressed_s = max(before - self.credit, 0.0) / max(speed, SHARE * rate)
        left = rate - self._load_per_s(now_s)
        left = min(left, rate * max(workers - 1, 1) / max(workers, 1))
        if left <= 0.0 or refused:
            return pressed_s
        return min(pressed_s, (ahead + before) / left)

    def _load_per_s(self, now_s: float) -> float:
        """Return the cost that is asked for per second, what came since the last step included."""
        seen_s = LOAD_MEMORY_S * self._seen
        if self._at_s > -math.inf:
            seen_s += now_s - self._at_s
        if seen_s < KNOWN_S:
            return math.inf
        return (LOAD_MEMORY_S * self._load + self._asked) / seen_s
