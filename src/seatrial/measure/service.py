"""A service as the load generator meets it: where it is, what it takes, what it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seatrial.core.clock import TimeBudget
from seatrial.measure.load.arrivals import poisson
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.summary import LoadSummary, summarise

WARMUP_SHARE = 0.1
"""Of the duration of a step: connections are opened and caches filled before anything counts."""

DEADLINE_MAX_S = 30.0
SINGLES = 6
IN_FLIGHT_MAX = 16
"""Requests at once while capacity is probed: enough to fill a batch, too few to bury a service."""

BURST_MAX = 4_000
SETTLED = 2.0
SETTLE_MAX = 20
"""Single requests sent after an overload until one is as fast as before it."""


@dataclass(frozen=True)
class Service:
    """What is loaded: where, with what, and how it looked while nobody else asked.

    Attributes:
        url: Asked with every request.
        bodies: Rotated through.
        headers: Sent with every request.
        base_s: Median latency of single requests.
        capacity_per_s: Requests per second with up to :data:`IN_FLIGHT_MAX` in flight.
    """

    url: str
    bodies: Sequence[bytes]
    headers: Mapping[str, str]
    base_s: float
    capacity_per_s: float

    def load(
        self, rate_per_s: float, *, duration_s: float, deadline_s: float, rng: np.random.Generator
    ) -> LoadResult:
        """Load at one rate with Poisson arrivals; the warm-up comes on top of the duration."""
        warmup_s = WARMUP_SHARE * duration_s
        arrivals_s = poisson(rate_per_s, duration_s=warmup_s + duration_s, rng=rng)
        if len(arrivals_s) == 0 or arrivals_s[-1] < warmup_s:
            arrivals_s = np.array([warmup_s])
        plan = LoadPlan(
            bodies=tuple(self.bodies),
            arrivals_s=arrivals_s,
            warmup_s=warmup_s,
            duration_s=warmup_s + duration_s,
            deadline_s=deadline_s,
            headers=self.headers,
        )
        return run_load(self.url, plan)

    def settle(self, budget: TimeBudget) -> None:
        """Ask one by one until an overload has drained: the next step must not pay for it."""
        for _ in range(SETTLE_MAX):
            single = all_at_once(self.url, self.bodies, self.headers, count=1, connections=1)
            if single.latency_s[0] <= SETTLED * self.base_s or budget.spent():
                return


def probe(
    url: str, bodies: Sequence[bytes], headers: Mapping[str, str], budget: TimeBudget
) -> Service | LoadSummary:
    """Estimate latency and capacity with closed loops: everything due at once, few connections.

    Returns:
        The service, or the summary of what became of the requests where none was answered.
    """

    def at_once(count: int, connections: int) -> LoadResult:
        return all_at_once(url, bodies, headers, count=count, connections=connections)

    first = at_once(SINGLES, 1)
    if not first.answered.any():
        return summarise(first)
    took = np.diff(first.latency_s[first.answered], prepend=0.0)
    # The first request may meet a cold service.
    base_s = max(float(np.median(took[1:] if len(took) > 1 else took)), 1e-6)
    affordable = max(budget.left_s() / base_s / 2, 4.0)
    connections = int(np.clip(affordable / 2, 2, IN_FLIGHT_MAX))
    burst = at_once(int(np.clip(affordable, 2 * connections, BURST_MAX)), connections)
    answered = burst.latency_s[burst.answered]
    if not answered.size:
        return summarise(burst)
    capacity = answered.size / float(answered.max())
    return Service(url, bodies, headers, base_s, capacity)


def all_at_once(
    url: str,
    bodies: Sequence[bytes],
    headers: Mapping[str, str],
    *,
    count: int,
    connections: int,
    deadline_s: float = DEADLINE_MAX_S,
) -> LoadResult:
    """Ask with everything due at one moment: a closed loop over so many connections."""
    plan = LoadPlan(
        bodies=tuple(bodies),
        arrivals_s=np.zeros(count),
        deadline_s=deadline_s,
        connections=connections,
        headers=headers,
    )
    return run_load(url, plan)
