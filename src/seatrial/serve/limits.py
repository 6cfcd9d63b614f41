"""How much one caller may ask: pure counters, time passed in."""

from __future__ import annotations

from collections import OrderedDict


class TokenBucket:
    """So many requests a second in the long run, and so many at once.

    Args:
        rate_per_s: How fast tokens come back.
        burst: Most tokens there can be; it starts full.

    >>> bucket = TokenBucket(2.0, 1)
    >>> bucket.take(0.0), bucket.take(0.0), bucket.take(0.5)
    (0.0, 0.5, 0.0)
    """

    __slots__ = ("_at_s", "_tokens", "burst", "rate_per_s")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._tokens = burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take a token; return 0, or the seconds until there will be one."""
        self._fill(now_s)
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.rate_per_s

    def _fill(self, now_s: float) -> None:
        if self._at_s is not None:
            gained = max(now_s - self._at_s, 0.0) * self.rate_per_s
            self._tokens = min(self.burst, self._tokens + gained)
        self._at_s = now_s


class PeerLimit:
    """A bucket for each peer, for as many peers as memory allows.

    Args:
        rate_per_s: Of each bucket.
        burst: Of each bucket.
        peers_max: Peers remembered; the one seen longest ago is forgotten first.
    """

    def __init__(self, *, rate_per_s: float, burst: float, peers_max: int = 4_096) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._peers_max = peers_max
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, peer: str, now_s: float) -> float:
        """Take a token of a peer's; return 0, or the seconds until there will be one."""
        bucket = self._buckets.get(peer)
        if bucket is None:
            bucket = self._buckets[peer] = TokenBucket(self._rate_per_s, self._burst)
            if len(self._buckets) > self._peers_max:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(peer)
        return bucket.take(now_s)
