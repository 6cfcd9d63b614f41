"""A load before it begins: what is sent, when, by whom, and what clients do when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import UsageError
from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.callers import Caller, drawn
from seatrial.measure.load.closed import ClosedDriver
from seatrial.measure.load.driver import Driver
from seatrial.measure.load.notes import Labels
from seatrial.measure.load.retries import RETRY_COUNT, RetryPolicy
from seatrial.measure.load.retrying import RetryingDriver
from seatrial.measure.load.target import Target, make_requests

CONNECTIONS_MAX = 256
CYCLE = 65_536
"""Requests after which a closed loop, whose number is not known, repeats its draws."""


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What is sent, and when; nothing in it depends on what the server does.

    Either ``arrivals_s`` (an open loop: requests go out when they are due) or ``closed_s`` (a
    closed loop of ``connections`` callers, for so many seconds).

    Attributes:
        bodies: Prepared bodies, rotated through.
        arrivals_s: When each request is due, sorted, shape (n,), seconds from the start.
        closed_s: Length of a closed loop.
        choice: Which body each request carries, shape (n,); default: in turn.
        callers: Who asks, drawn by weight; default: one caller without a name.
        retry: What clients do when a request fails; default: nothing.
        warmup_s: Requests due before this are sent but do not count.
        duration_s: Over which ``arrivals_s`` were drawn; default: up to the last of them.
        deadline_s: Longest wait for an answer, counted from when it was due, attempts together.
        connections: Connections, and so requests in flight, at once.
        method: HTTP method.
        headers: Further request headers.
        ticket_wait_s: Longest wait for what a ticket (202) promises; 0: tickets are not followed.
        seed: Of the draw of callers and of the jitter of retries.
        told: How the schedule is described to people.

    Raises:
        UsageError: Neither or both of the loops, or a figure out of range.
    """

    bodies: tuple[bytes, ...]
    arrivals_s: FloatArray | None = None
    closed_s: float | None = None
    choice: NDArray[np.int64] | None = None
    callers: tuple[Caller, ...] = ()
    retry: RetryPolicy | None = None
    warmup_s: float = 0.0
    duration_s: float | None = None
    deadline_s: float = 10.0
    connections: int = CONNECTIONS_MAX
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ticket_wait_s: float = 60.0
    seed: int = 0
    told: str = ""

    def __post_init__(self) -> None:
        if (self.arrivals_s is None) == (self.closed_s is None):
            raise UsageError("a load is either open (arrivals) or closed; received neither or both")
        last_s = self.closed_s
        if self.arrivals_s is not None:
            last_s = float(self.arrivals_s[-1]) if len(self.arrivals_s) else -1.0
        if last_s is not None and (last_s < self.warmup_s or self.closed_s == self.warmup_s):
            raise UsageError(
                f"no request is due after the warm-up of {self.warmup_s:g} s.",
                hint="Load longer or at a higher rate.",
            )
        if not self.deadline_s > 0 or self.connections < 1:
            raise UsageError(
                f"received a deadline of {self.deadline_s:g} s and {self.connections} connections; "
                "accepted are a deadline above 0 and at least one connection.",
                hint="Leave them at their defaults.",
            )
        if self.closed_s is not None and self.retry is not None:
            raise UsageError(
                "received retries in a closed loop, whose callers never add to a load; accepted "
                "are retries in an open loop.",
                hint="Give a rate or a trace.",
            )

    @property
    def closed(self) -> bool:
        """Say whether callers wait for their answers before they ask again."""
        return self.closed_s is not None

    @property
    def ends_s(self) -> float:
        """Length of the schedule, warm-up included, seconds."""
        if self.closed_s is not None:
            return self.closed_s
        if self.duration_s is not None:
            return self.duration_s
        return float(self.arrivals_s[-1]) if self.arrivals_s is not None else 0.0

    @property
    def count(self) -> int | None:
        """How many requests are due; ``None``: as many as a closed loop gets through."""
        return None if self.arrivals_s is None else len(self.arrivals_s)

    def driver(self) -> Driver:
        """Return a fresh driver that follows this plan."""
        if self.arrivals_s is None:
            return ClosedDriver(
                duration_s=self.ends_s, deadline_s=self.deadline_s, connections=self.connections
            )
        if self.retry is None:
            return Driver(
                self.arrivals_s, deadline_s=self.deadline_s, connections_max=self.connections
            )
        return RetryingDriver(
            self.arrivals_s,
            deadline_s=self.deadline_s,
            connections_max=self.connections,
            policy=self.retry,
            rng=np.random.default_rng([self.seed, 2]),
        )

    def requests(self, target: Target) -> tuple[bytes, ...]:
        """Return complete requests in the order in which they are sent, to be rotated through.

        Raises:
            DataError: There are no bodies.
            UsageError: A header holds a line break.
        """
        fixed = dict(self.headers)
        if self.retry is not None:
            fixed[RETRY_COUNT] = "0"
        made = [
            make_requests(
                target, self.bodies, method=self.method, headers=fixed | dict(one.headers)
            )
            for one in self.callers or (Caller(""),)
        ]
        if self._in_turn:
            return made[0]
        count = self.count or CYCLE
        # References to the same few requests: a sequence costs eight bytes an entry.
        return tuple(
            made[caller][body]
            for caller, body in zip(
                self.caller_of(count).tolist(), self.body_of(count).tolist(), strict=True
            )
        )

    def body_of(self, count: int) -> NDArray[np.int64]:
        """Return which body each of the first ``count`` requests carries."""
        if self.choice is not None:
            return np.resize(self.choice, count)
        cycle = count if self._in_turn else self.count or CYCLE
        return np.resize(np.arange(cycle) % max(len(self.bodies), 1), count)

    def caller_of(self, count: int) -> NDArray[np.int64]:
        """Return who makes each of the first ``count`` requests."""
        if len(self.callers) < 2:  # noqa: PLR2004  (nothing to draw)
            return np.zeros(count, dtype=np.int64)
        cycle = drawn(self.callers, self.count or CYCLE, rng=np.random.default_rng([self.seed, 1]))
        return np.resize(cycle, count)

    def caller_labels(self, count: int) -> Labels:
        """Return the names of those who make the first ``count`` requests."""
        if not self.callers:
            return Labels.none(count)
        return Labels.of([caller.name for caller in self.callers], self.caller_of(count))

    @property
    def _in_turn(self) -> bool:
        return self.choice is None and len(self.callers) < 2  # noqa: PLR2004  (nothing to draw)

    def describe(self) -> str:
        """Say in a few words what is sent."""
        if self.told:
            return self.told
        if self.closed_s is not None:
            return f"closed loop, {self.connections} callers for {self.closed_s:g} s"
        return f"{self.count:,} requests in {self.ends_s:g} s"
