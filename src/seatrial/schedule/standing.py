"""Whether a queue stands: it has been long for longer than any burst, so that it only costs time.

A queue evens out bursts. Under a lasting overload it is as long as it may be, everybody who is let
in waits for all of it, and nobody gains: as much is answered from a short one. So once a queue has
been long for as long as it may take to work it off, only a short one is let in, until nobody has
been refused for a while. The idea is that of CoDel (Nichols and Jacobson, 2012), applied when
requests arrive rather than when they leave: whoever is let in is answered.
"""

from __future__ import annotations

SHORT = 0.2
"""Part of the longest wait that is short."""

SHORT_BATCHES = 3.0
"""Batches of every worker that may wait at the least: fewer would leave workers idle and nothing to
choose batch mates from."""

BATCH_SMOOTHING = 0.1
"""Weight of the newest batch in how long one takes."""

CALM_S = 1.0
"""Time without a refusal after which a burst may wait again."""


class Standing:
    """The state of one queue.

    Args:
        bound_s: The longest wait that is let in.

    Attributes:
        stands: Whether it does.

    >>> queue = Standing(5.0)
    >>> for now_s in range(8):
    ...     queue.ran(float(now_s), wait_s=4.0, seconds=0.1)
    >>> queue.stands, queue.bound_s
    (True, 1.0)
    """

    def __init__(self, bound_s: float) -> None:
        self.stands = False
        self._bound_s = bound_s
        self._batch_s = 0.0
        self._short_s: float | None = None
        self._refused_s = 0.0

    @property
    def bound_s(self) -> float:
        """The longest wait that is let in at present."""
        return self._least_s() if self.stands else self._bound_s

    def ran(self, now_s: float, *, wait_s: float, seconds: float) -> None:
        """A batch has ended after so many seconds; all that waits would take so long to start."""
        weight = BATCH_SMOOTHING if self._batch_s else 1.0
        self._batch_s += weight * (seconds - self._batch_s)
        if self._short_s is None or wait_s < self._least_s():
            self._short_s = now_s
        if self.stands:
            if now_s - self._refused_s >= CALM_S:
                self.stands, self._short_s = False, now_s
        elif now_s - self._short_s >= self._bound_s:
            self.stands, self._refused_s = True, now_s

    def refused(self, now_s: float) -> None:
        """Somebody was refused."""
        self._refused_s = now_s

    def _least_s(self) -> float:
        return min(max(SHORT * self._bound_s, SHORT_BATCHES * self._batch_s), self._bound_s)
