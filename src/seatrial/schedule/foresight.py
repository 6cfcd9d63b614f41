"""How far waits that were foretold come true: where speed fluctuates, some last several times that.

Every now and then it is noted how long all that waits should take to start; once it has, told and
had are compared. A machine that is shared is slower for seconds at a time: that is in no average of
batches, but it is here. The quantile is tracked step by step, as in stochastic approximation
(Robbins and Monro, 1951): up by much where a wait was longer, down by little where it was not.
"""

from __future__ import annotations

from collections import deque

QUANTILE = 0.9
"""Part of the waits that shall be no longer than the factor says."""

STEP = 0.1
"""How much the factor grows by one wait that was longer."""

FACTOR_MAX = 4.0
"""A server that is further off than this has another trouble than fluctuation."""

EVERY_S = 0.1
"""Time between two waits that are noted."""

WAIT_MIN_S = 0.02
"""Shorter waits are not noted: the end of a batch is no finer clock than that."""

NOTED_MAX = 256
"""Waits that are noted at one time."""


class Foresight:
    """Compares waits told with waits had.

    Attributes:
        factor: Times what was told that nine waits of ten do not exceed, at least 1.

    >>> foresight = Foresight()
    >>> for second in range(30):
    ...     foresight.passed(float(second), come=second + 1, gone=max(second - 2, 0), wait_s=1.0)
    >>> 2.0 < foresight.factor < 3.5
    True
    """

    __slots__ = ("_noted", "_noted_s", "factor")

    def __init__(self) -> None:
        self.factor = 1.0
        self._noted: deque[tuple[float, int, float]] = deque(maxlen=NOTED_MAX)
        self._noted_s = -EVERY_S

    def passed(self, now_s: float, *, come: int, gone: int, wait_s: float) -> None:
        """Time has passed.

        Args:
            now_s: The time.
            come: Rows that were ever let in.
            gone: Those of them that do not wait any more.
            wait_s: How long all that waits should take to start.
        """
        noted = self._noted
        while noted and noted[0][1] <= gone:
            at_s, _, told_s = noted.popleft()
            self._compare((now_s - at_s) / told_s)
        if now_s - self._noted_s < EVERY_S:
            return
        self._noted_s = now_s
        if noted and (late := (now_s - noted[0][0]) / noted[0][2]) > self.factor:
            # It is not over yet, and longer than foretold already.
            self._compare(late)
        if wait_s >= WAIT_MIN_S:
            noted.append((now_s, come, wait_s))

    def _compare(self, ratio: float) -> None:
        if ratio > self.factor:
            self.factor = min(self.factor * (1.0 + STEP), ratio, FACTOR_MAX)
        else:
            self.factor = max(self.factor * (1.0 - STEP * (1.0 / QUANTILE - 1.0)), 1.0)
