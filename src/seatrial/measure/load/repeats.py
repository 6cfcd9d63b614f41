"""What retries made of a load, and what rejections asked clients to do."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.timeline import REJECTIONS
from seatrial.stats.quantiles import exact_quantile


class RetryFigures(Struct, frozen=True, kw_only=True):
    """What clients that try again did.

    Attributes:
        attempts: Requests sent in all.
        attempts_per_request: The load that the server got, in times of what users wanted.
        answered_first: Requests answered by their first attempt.
        answered_later: By a later one.
        gave_up: Requests that were tried more than once and never answered, not even for a ticket.
        by_attempts: How many requests took how many attempts.
    """

    attempts: int
    attempts_per_request: float
    answered_first: int
    answered_later: int
    gave_up: int
    by_attempts: dict[str, int]


class RetryAfterFigures(Struct, frozen=True, kw_only=True):
    """What rejections (429, 503) asked clients to do, attempt by attempt.

    Attributes:
        rejections: How many there were.
        given: How many carried a ``Retry-After``.
        low_s: The shortest wait that was asked for.
        p50_s: The median.
        high_s: The longest.
        distinct: How many different waits: one alone sends everybody back at one moment.
    """

    rejections: int
    given: int
    low_s: float | None = None
    p50_s: float | None = None
    high_s: float | None = None
    distinct: int = 0


def retry_figures(result: LoadResult) -> RetryFigures | None:
    """Return what became of requests that were tried again; ``None``: none was."""
    attempts = result.attempts
    taken = attempts.per_request(result.offered)
    if attempts.requests.size == 0 or taken.max() <= 1:
        return None
    first = attempts.answered_first()
    return RetryFigures(
        attempts=len(attempts.requests),
        attempts_per_request=len(attempts.requests) / result.offered,
        answered_first=first,
        answered_later=int(result.answered.sum()) - first,
        gave_up=int(((taken > 1) & ~result.answered & ~result.tickets.delivered).sum()),
        by_attempts={
            str(number): int((taken == number).sum()) for number in np.unique(taken).tolist()
        },
    )


def retry_after_figures(result: LoadResult) -> RetryAfterFigures | None:
    """Return the waits that rejections asked for; ``None``: nothing was rejected."""
    turned_away = np.isin(result.attempts.statuses, REJECTIONS)
    if not turned_away.any():
        return None
    asked_s = result.attempts.retry_after_s[turned_away]
    asked_s = asked_s[~np.isnan(asked_s)]
    count = int(turned_away.sum())
    if not asked_s.size:
        return RetryAfterFigures(rejections=count, given=0)
    return RetryAfterFigures(
        rejections=count,
        given=int(asked_s.size),
        low_s=float(asked_s.min()),
        p50_s=exact_quantile(asked_s, 0.5),
        high_s=float(asked_s.max()),
        distinct=len(np.unique(asked_s)),
    )
