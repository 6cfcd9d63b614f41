"""What a client does when a request fails: whether it tries again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import numpy as np
from msgspec import Struct

from seatrial.core.errors import UsageError
from seatrial.measure.load.driver import Outcome

RETRY_COUNT: Final = "X-Stainless-Retry-Count"
"""How often this request was tried before; the header that widely used clients send (0 at first),
by which a server can tell a retry from a first attempt."""

STATUSES: Final = frozenset({408, 409, 429, 500, 502, 503, 504})
"""Answers that are tried again by default, as the public clients of model APIs do."""

BROKEN: Final = frozenset({Outcome.TIMEOUT, Outcome.REFUSED, Outcome.DISCONNECTED})


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often, after which failures, and after how long.

    Attributes:
        retries: Attempts after the first.
        backoff_s: Longest first wait; doubles with every attempt. The wait is drawn evenly from
            zero to that ("full jitter"; Brooker, Exponential Backoff And Jitter, 2015).
        backoff_max_s: Longest wait.
        honours_retry_after: Whether a ``Retry-After`` is waited for, if it is longer.
        attempt_s: Longest wait for one attempt before it is abandoned; ``None``: the deadline.
        statuses: Statuses after which to try again.
    """

    retries: int = 2
    backoff_s: float = 0.5
    backoff_max_s: float = 8.0
    honours_retry_after: bool = True
    attempt_s: float | None = None
    statuses: frozenset[int] = STATUSES

    def __post_init__(self) -> None:
        if self.retries < 0 or self.backoff_s < 0 or self.backoff_max_s < 0:
            raise UsageError(
                f"received {self.retries} retries and a backoff of {self.backoff_s:g} s up to "
                f"{self.backoff_max_s:g} s; accepted are figures of 0 or more."
            )
        if self.attempt_s is not None and not self.attempt_s > 0:
            raise UsageError(f"an attempt of {self.attempt_s:g} s; accepted is more than 0 s.")

    @classmethod
    def naive(cls, retries: int, *, attempt_s: float | None = None) -> RetryPolicy:
        """Return the client that makes retry storms: again at once, whatever it was told."""
        return cls(retries=retries, backoff_s=0.0, honours_retry_after=False, attempt_s=attempt_s)

    def delay_s(
        self,
        attempts: int,
        outcome: Outcome,
        status: int,
        retry_after_s: float | None,
        *,
        rng: np.random.Generator,
    ) -> float | None:
        """Return how long to wait before the next attempt; ``None``: give up.

        Args:
            attempts: Made so far, at least 1.
            outcome: Of the last one.
            status: Of the last one; 0 without an answer.
            retry_after_s: What its answer asked for.
            rng: Source of the jitter.
        """
        again = outcome in BROKEN or (outcome == Outcome.STATUS and status in self.statuses)
        if not again or attempts > self.retries:
            return None
        longest_s = min(self.backoff_s * 2.0 ** (attempts - 1), self.backoff_max_s)
        wait_s = float(rng.uniform(0.0, longest_s)) if longest_s > 0 else 0.0
        if self.honours_retry_after and retry_after_s is not None:
            # On top of what was asked for: clients that come back together would collide again.
            return retry_after_s + wait_s
        return wait_s


def parse_retry_after(header: bytes, *, now: datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After``: a number, or a date (RFC 9110, section 10.2.3).

    >>> parse_retry_after(b"3"), parse_retry_after(b"soon")
    (3.0, None)
    """
    text = header.decode("latin-1").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - (now or datetime.now(UTC))).total_seconds()
        return max(seconds, 0.0)
    return seconds if np.isfinite(seconds) and seconds >= 0 else None
