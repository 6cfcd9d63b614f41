"""Whether a queue stands: it has been too long for longer than a burst lasts, and only costs time.

A queue evens out bursts, and holds callers who wait for an answer before they ask again. Under a
lasting overload it is as long as it may be, everybody who is let in waits for all of it, and nobody
gains: as much is answered from a short one. So once callers have been refused for a while, only a
short one is let in, until nobody has been refused for some time. As long as nobody has to be
refused, a queue may be as long as callers bear. The idea is that of CoDel (Nichols and Jacobson,
2012), applied when requests arrive rather than when they leave: whoever is let in is answered.
"""

from __future__ import annotations

SHORT = 0.2
"""Part of the longest wait that is short."""

SHORT_BATCHES = 1.5
"""Batches of every worker that may wait at the least: fewer would leave workers idle. More would
keep batches large, which then take as long as callers wait."""

LASTING = 0.5
"""A queue stands once callers have been refused for this part of the longest wait: a burst that
filled it is half gone then."""

BATCH_SMOOTHING = 0.1
"""Weight of the newest batch in how long one takes."""

CALM_S = 1.0
"""Time without a refusal after which a burst may wait again."""


class Standing:
    """The state of one queue.

    Args:
        bound_s: The longest wait of a request with the usual deadline.

    Attributes:
        stands: Whether it does.
        batch_s: How long a batch takes.
        longest_s: The longest wait of a request with the usual deadline while it does not.

    >>> queue = Standing(4.0)
    >>> for tenth in range(21):
    ...     queue.refused(tenth / 10, most_s=4.0)
    >>> queue.stands, queue.allowed_s(4.0), queue.allowed_s(2.0)
    (True, 0.8, 0.4)
    """

    def __init__(self, bound_s: float) -> None:
        self.stands = False
        self.longest_s = bound_s
        self.batch_s = 0.0
        self._refusing_s = self._refused_s = -CALM_S

    def allowed_s(self, most_s: float) -> float:
        """Return how long a request may be expected to wait that bears ``most_s`` at the most."""
        return self._short(most_s) if self.stands else most_s

    @property
    def bound_s(self) -> float:
        """The longest wait of a request with the usual deadline, at present."""
        return self.allowed_s(self.longest_s)

    def ran(self, now_s: float, *, wait_s: float, seconds: float) -> None:
        """A batch has ended after so many seconds; all that waits would take so long to start."""
        weight = BATCH_SMOOTHING if self.batch_s else 1.0
        self.batch_s += weight * (seconds - self.batch_s)
        if self.stands:
            long = wait_s >= self._short(self.longest_s)
            self.stands = long or now_s - self._refused_s < CALM_S

    def refused(self, now_s: float, most_s: float) -> None:
        """A request was refused that would bear a wait of ``most_s``."""
        if now_s - self._refused_s >= CALM_S:
            self._refusing_s = now_s
        self._refused_s = now_s
        if now_s - self._refusing_s >= LASTING * most_s:
            self.stands = True

    def _short(self, most_s: float) -> float:
        return min(max(SHORT * most_s, SHORT_BATCHES * self.batch_s), most_s)
