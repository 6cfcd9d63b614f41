"""Who comes in: requests that would wait too long, or that too much is in flight for, are refused.

A refusal is the cheapest answer there is, and an early one: a caller that would not be served in
time learns so at once, and the work goes to those that will be. Rules, in this order; where nothing
waits, everybody comes in:

- *wait*: the expected wait exceeds a share of the time that the caller has left, or, once the queue
  has been long for long, what a short one takes (see :mod:`seatrial.schedule.standing`).
- *size*: the request's own rows would take longer than what is left after the wait.
- *retries*: under pressure, retries beyond a tenth of a caller's requests are refused, so that
  retries cannot keep an overload alive.
- *limit*: the adaptive limit is reached, unless the caller has less than its share in flight.
- *rows*: no more rows may wait, unless the caller has less than its share of those.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from seatrial.schedule.batcher import Batcher, Ran
from seatrial.schedule.foresight import Foresight
from seatrial.schedule.limiter import Limiter, Load
from seatrial.schedule.outlook import RETRY_MAX_S, RETRY_MIN_S
from seatrial.schedule.standing import Standing

WAIT_SHARE = 0.5
"""Part of the time left that a request may be expected to wait; the rest is for running it, and for
an estimate that is wrong."""

SURE = 0.9
"""Part of the time left in which an answer shall be there even if the wait is as long as one of ten
is; see :mod:`seatrial.schedule.foresight`."""

OWN_BATCHES = 2.0
"""Batches for which a request stays beside its wait: the one that runs when it comes, its own."""

ASIDE = 0.6
"""Deferred rows may take all workers so many times the longest wait: at half load they are gone
twice that wait after the overload which they come from, and others are served as before."""

PRESSED = 0.25
"""From this part of the admissible wait on, retries are counted against their budget."""

RETRY_SPREAD = 2.0
"""Callers refused at one moment come again within so many times the wait that the first are told:
wide enough that whole seconds, which is all that ``Retry-After`` knows, differ too."""

RETRY_SHARE = 0.1
"""Retries that a caller has, per request that is none."""

RETRIES_SAVED = 10.0
"""Retries that a caller can have saved up; what a new one starts with."""

CALLERS_REMEMBERED = 4_096
"""Callers whose retries are counted; the one not seen for longest starts anew."""

OVER_LIMIT = 2.0
"""Callers within their share come in up to this many times the limit."""

Reason = Literal["wait", "size", "retries", "limit", "rows"]


class Admitted(Struct, frozen=True):
    """Verdict: the request may be queued."""


class Refused(Struct, frozen=True):
    """Verdict: the request may not be queued.

    Attributes:
        reason: Which rule refuses it.
        retry_after_s: When the caller may come again, spread so that not all come at once.
        expected_wait_s: How long it would have waited.
    """

    reason: Reason
    retry_after_s: float
    expected_wait_s: float


Verdict = Admitted | Refused

ADMITTED = Admitted()
"""The one verdict that says nothing more."""


class Admission:
    """The rules in front of one batcher; it is told by the batcher what runs.

    Args:
        batcher: Where requests go that are admitted.
        timeout_s: Time that a request has if it names none.
        wait_share: Part of the time left that a request may be expected to wait.

    >>> from seatrial.schedule.batcher import RowPacking
    >>> batcher = Batcher(RowPacking(1), queue_rows=99, grace_s=1.0)
    >>> admission = Admission(batcher, timeout_s=1.0)
    >>> admission.admit(0.0, rows=1, deadline_s=1.0)
    Admitted()
    """

    def __init__(
        self, batcher: Batcher, *, timeout_s: float, wait_share: float = WAIT_SHARE
    ) -> None:
        self._batcher = batcher
        self._wait_share = wait_share
        self._standing = Standing(wait_share * timeout_s)
        self._budgets: OrderedDict[str, float] = OrderedDict()
        self._foresight = Foresight()
        self._come = 0
        self.limiter = Limiter()
        self._pace = batcher.pace
        batcher.on_ran = self._ran

    @property
    def pressure(self) -> float:
        """Expected wait over what a request with the usual deadline may wait; above 1 is full."""
        return self._batcher.expected_wait_s() / self._standing.bound_s

    @property
    def limit(self) -> float:
        """Most cost in flight that is let in at present, by the wait or by the limit."""
        return min(self.limiter.limit * self._batcher.drift, self._admissible())

    def admit(
        self,
        now_s: float,
        *,
        rows: int,
        deadline_s: float,
        sizes: Sequence[float] | float = 1,
        key: str = "",
        retries: int = 0,
        jitter: float = 0.5,
    ) -> Verdict:
        """Say whether a request may be queued.

        Args:
            now_s: The time.
            rows: How many rows it has.
            deadline_s: When nobody waits for it any more.
            sizes: Size of each row, or one for all.
            key: Whose it is.
            retries: How often the caller says that it has tried already.
            jitter: Between 0 and 1, drawn at random: spreads when callers come again.
        """
        batcher = self._batcher
        if not batcher.rows_waiting:
            self._come += rows
            return ADMITTED
        wait_s = batcher.expected_wait_s(key, now_s=now_s)
        left_s = deadline_s - now_s
        reason: Reason | None = None
        standing = self._standing
        most_s = self._bearable_s(left_s)
        if wait_s > standing.allowed_s(most_s):
            reason = "wait"
        elif rows > 1 and wait_s + batcher.run_s(rows=rows, sizes=sizes) > left_s:
            reason = "size"
        elif not self._affords(key, retries, pressed=wait_s > PRESSED * standing.bound_s):
            reason = "retries"
        elif self._beyond_limit(batcher.cost(rows=rows, sizes=sizes), key):
            reason = "limit"
        elif not batcher.fits(key, rows):
            reason = "rows"
        if reason is None:
            self._come += rows
            return ADMITTED
        standing.refused(now_s, most_s)
        batcher.refused(rows=rows, sizes=sizes)
        # Half of what waits should be gone by then.
        again_s = min(max(wait_s / 2, RETRY_MIN_S) * (1.0 + RETRY_SPREAD * jitter), RETRY_MAX_S)
        return Refused(reason, again_s, wait_s)

    def eta_s(self, now_s: float, *, rows: int = 1, sizes: Sequence[float] | float = 1) -> float:
        """Return when a request should have its answer that is refused now and put aside.

        Infinity where there is no room.
        """
        batcher = self._batcher
        if batcher.deferred_s() > ASIDE * self._standing.longest_s:
            return math.inf
        return batcher.eta_s(now_s, rows=rows, sizes=sizes, refused=True)

    def _bearable_s(self, left_s: float) -> float:
        """Return the longest wait foretold with which an answer still comes in time."""
        factor = self._foresight.factor
        sure_s = SURE * left_s / factor - OWN_BATCHES * self._standing.batch_s
        return max(min(self._wait_share * left_s, sure_s), 0.0)

    def _affords(self, key: str, retries: int, *, pressed: bool) -> bool:
        budget = self._budgets.get(key, RETRIES_SAVED)
        affords = True
        if retries == 0:
            budget = min(budget + RETRY_SHARE, RETRIES_SAVED)
        elif pressed:
            affords = budget >= 1.0
            budget -= affords
        self._budgets[key] = budget
        self._budgets.move_to_end(key)
        if len(self._budgets) > CALLERS_REMEMBERED:
            self._budgets.popitem(last=False)
        return affords

    def _beyond_limit(self, cost: float, key: str) -> bool:
        limit = self.limiter.limit
        inflight = self._batcher.cost_inflight + cost
        limit *= self._batcher.drift
        if inflight <= limit:
            return False
        keys, own = self._batcher.share_of(key)
        return keys == 1 or own + cost > limit / keys or inflight > OVER_LIMIT * limit

    def _admissible(self) -> float:
        rate = self._batcher.cost_per_s
        return self._standing.bound_s * rate if rate else math.inf

    def _ran(self, ran: Ran) -> None:
        batcher = self._batcher
        if batcher.pace is not self._pace:
            # It counts costs in another unit since it has another packing.
            self._pace = batcher.pace
            self.limiter.recalibrate()
        wait_s = batcher.backlog_s(ran.now_s)
        self._standing.ran(ran.now_s, wait_s=wait_s, seconds=ran.seconds)
        self._foresight.passed(
            ran.now_s, come=self._come, gone=self._come - batcher.rows_waiting, wait_s=wait_s
        )
        load = Load(
            inflight=batcher.cost_inflight / batcher.drift,
            workers=batcher.workers,
            admissible=self._admissible() / batcher.drift,
        )
        # A profile fitted anew must not make a slower model look as usual, nor change the limit.
        cost, expected = ran.cost / batcher.drift, ran.expected / batcher.drift
        self.limiter.ran(replace(ran, cost=cost, expected=expected), load)
