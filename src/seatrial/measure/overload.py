"""What more load than a service can carry does to it: to the answers in time, and afterwards.

A service that turns away what it cannot do keeps answering the rest; one that queues everything
answers everybody too late. And where clients try again, a short spike can outlive itself: retries
of what was late keep the service too busy to be in time (Bronson et al., Metastable Failures in
Distributed Systems, 2021).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.shapes import Piece, Shape
from seatrial.measure.load.summary import summarise

KIND = "overload"

MULTIPLES = (2.0, 5.0, 10.0)
"""Of the capacity."""

BASE = 0.6
"""Part of the capacity that is offered before and after a spike: nobody would call it too much."""

CALLERS = 8
CAPACITY_S, UNLOADED_S, BASE_S = 2.5, 0.8, 2.0
DEADLINES_A_STEP = 4.0
"""Length of a step, in deadlines: an endless queue has made everybody late after one or two."""

DEADLINE_LEAST_S, DEADLINE_LATENCIES = 1.0, 10.0
"""A caller waits for a second, or for ten times what an answer takes unloaded."""

SPIKE = 8.0
SPIKE_DEADLINES, AFTER_DEADLINES = 2.0, 10.0
"""Length of the spike, and of what follows; the last part of it is judged."""

ATTEMPTS = 3
"""Retries of a client, as the public clients of model APIs make by default, plus one."""

RATE_MAX_PER_S = 4_000.0
"""Beyond it the generator would be measured instead."""

CONNECTIONS = 2_000
SUSPECT = 0.6
"""Goodput below this part of the capacity is measured again, after the service has recovered."""

DRAIN_MAX_S = 30.0


class Step(Struct, frozen=True):
    """One rate.

    Attributes:
        multiple: Of the capacity.
        rate_per_s: Offered.
        goodput_per_s: Good answers to what was due in the second half, per second.
        share: The same as part of what the service can do: the rate, at most the capacity.
        rejected: Turned away with 429 or 503.
        timeouts: Without an answer inside the deadline.
        generator_limit: Whether the generator was the limit.
        drained_s: Until one caller was answered as before; ``None`` where that took too long.
    """

    multiple: float
    rate_per_s: float
    goodput_per_s: float
    share: float
    rejected: int
    timeouts: int
    generator_limit: bool
    drained_s: float | None


def measure_overload(
    url: str,
    bodies: Sequence[bytes],
    *,
    at: Conditions,
    budget: TimeBudget | None = None,
    headers: Mapping[str, str] | None = None,
    deadline_s: float | None = None,
    multiples: Sequence[float] = MULTIPLES,
) -> Evidence:
    """Offer a service several times what it can do, then a spike whose clients try again.

    This hurts whoever else uses the service. Capacity is what eight waiting callers get through.

    Args:
        url: Asked with every request.
        bodies: Prepared bodies, rotated through.
        at: Conditions of the trial.
        budget: Steps that no longer fit are left out, and said.
        headers: Further request headers.
        deadline_s: Longest useful wait for an answer; default: ten unloaded latencies, at least 1.
        multiples: Of the capacity.

    Returns:
        Evidence of kind ``overload``. Values: ``capacity_per_s``, ``unloaded_ms``, ``deadline_s``,
        ``before_share``, ``after_share``, ``attempts_per_request``. Table ``steps``, of
        :class:`Step`.

    Raises:
        UnreachableError: Nobody answers.
    """
    recorder = Recorder(KIND, at=at, settings={"multiples": list(multiples)})
    loader = _Loader(url, tuple(bodies), dict(headers or {}), at.seed)
    unloaded_s = loader.unloaded_s()
    wait_s = deadline_s or max(DEADLINE_LEAST_S, DEADLINE_LATENCIES * unloaded_s)
    capacity = loader.capacity_per_s(wait_s)
    recorder.value("unloaded_ms", 1e3 * unloaded_s, "ms")
    recorder.value("deadline_s", wait_s, "s")
    recorder.value("capacity_per_s", capacity or None, "requests/s", note="eight waiting callers")
    steps: list[Step] = []
    if capacity > 0:
        steps = loader.curve(capacity, wait_s, unloaded_s, multiples, budget)
        _storm(loader, capacity, wait_s, recorder, budget)
    recorder.table("steps", [msgspec.structs.asdict(step) for step in steps])
    left_out = [m for m in multiples if m not in {step.multiple for step in steps}]
    if left_out and not (steps and steps[-1].share < SUSPECT):
        recorder.cut(f"{', '.join(f'{m:g}' for m in left_out)} times the capacity was not offered")
    return recorder.finish()


class _Loader:
    def __init__(
        self, url: str, bodies: tuple[bytes, ...], headers: dict[str, str], seed: int
    ) -> None:
        self._url, self._bodies, self._headers = url, bodies, headers
        self._rng = np.random.default_rng(seed)

    def closed(self, callers: int, seconds: float) -> LoadResult:
        """Let callers wait for their answers."""
        plan = LoadPlan(
            bodies=self._bodies, closed_s=seconds, connections=callers, headers=self._headers
        )
        return run_load(self._url, plan)

    def open(self, shape: Shape, deadline_s: float, retry: RetryPolicy | None = None) -> LoadResult:
        """Send what is due, whatever happens."""
        plan = LoadPlan(
            bodies=self._bodies,
            arrivals_s=shape.arrivals(rng=self._rng),
            duration_s=shape.duration_s,
            deadline_s=deadline_s,
            connections=CONNECTIONS,
            headers=self._headers,
            retry=retry,
        )
        return run_load(self._url, plan)

    def unloaded_s(self) -> float:
        """Return the median latency of one caller."""
        result = self.closed(1, UNLOADED_S)
        return float(np.median(result.latency_s)) if result.answered.any() else 0.0

    def capacity_per_s(self, wait_s: float) -> float:
        """Return the answers in time that waiting callers get, per second."""
        result = self.closed(CALLERS, max(CAPACITY_S, 2 * wait_s))
        return float(result.good.sum()) / result.duration_s

    def curve(
        self,
        capacity: float,
        wait_s: float,
        unloaded_s: float,
        multiples: Sequence[float],
        budget: TimeBudget | None,
    ) -> list[Step]:
        """Return every step; what looks like a collapse is tried again, and ends it."""
        steps: list[Step] = []
        for multiple in (BASE, *multiples):
            if multiple * capacity > RATE_MAX_PER_S or (budget is not None and budget.spent()):
                break
            step = self._step(multiple, capacity, wait_s, unloaded_s)
            steps.append(step)
            if step.share < SUSPECT:
                if step.drained_s is not None:
                    steps.append(self._step(BASE, capacity, wait_s, unloaded_s))
                    steps.append(self._step(multiple, capacity, wait_s, unloaded_s))
                break
        return steps

    def _step(self, multiple: float, capacity: float, wait_s: float, unloaded_s: float) -> Step:
        rate, length_s = multiple * capacity, DEADLINES_A_STEP * wait_s
        result = self.open(Shape((Piece(rate, rate, length_s),)), wait_s)
        summary = summarise(result)
        late = result.scheduled_s >= length_s / 2
        goodput = float(result.good[late].sum()) / (length_s / 2)
        due = float(late.sum()) / (length_s / 2)
        return Step(
            multiple=multiple,
            rate_per_s=rate,
            goodput_per_s=goodput,
            share=goodput / max(min(due, capacity), 1e-9),
            rejected=summary.rejected,
            timeouts=summary.timeouts,
            generator_limit=summary.generator.is_limit,
            drained_s=self._drained_s(unloaded_s),
        )

    def _drained_s(self, unloaded_s: float) -> float | None:
        """Wait until one caller is answered as before."""
        begun_s = time.perf_counter()
        enough_s = max(3.0 * unloaded_s, unloaded_s + 0.05)
        while (waited_s := time.perf_counter() - begun_s) < DRAIN_MAX_S:
            result = self.closed(1, max(0.1, 2.0 * unloaded_s))
            answered = result.answered
            if answered.any() and answered.all() and result.latency_s.max() <= enough_s:
                return waited_s
        return None


def _storm(
    loader: _Loader,
    capacity: float,
    wait_s: float,
    recorder: Recorder,
    budget: TimeBudget | None,
) -> None:
    """Load little, spike, load little; clients give an attempt up after ``wait_s`` and retry."""
    if SPIKE * capacity > RATE_MAX_PER_S or (budget is not None and budget.spent()):
        for name in ("before_share", "after_share", "attempts_per_request"):
            recorder.value(name, None, note="no spike was sent: too fast a service, or no time")
        return
    base, spike = BASE * capacity, SPIKE * capacity
    calm_s, spike_s = 3.0 * wait_s, SPIKE_DEADLINES * wait_s
    after_s = AFTER_DEADLINES * wait_s
    shape = Shape(
        (Piece(base, base, calm_s), Piece(spike, spike, spike_s), Piece(base, base, after_s))
    )
    policy = RetryPolicy(retries=ATTEMPTS, backoff_s=0.1 * wait_s, attempt_s=wait_s)
    result = loader.open(shape, deadline_s=(ATTEMPTS + 1) * wait_s, retry=policy)
    due = result.scheduled_s
    before = due < calm_s - wait_s
    after = due >= shape.duration_s - after_s / 2
    for name, which in (("before_share", before), ("after_share", after)):
        share = float(result.good[which].mean()) if which.any() else None
        recorder.value(name, share, "ratio", n=int(which.sum()))
    attempts = len(result.attempts.requests) / max(result.offered, 1)
    recorder.value("attempts_per_request", attempts, "ratio", n=result.offered)
    recorder.setting("storm_generator_limit", summarise(result).generator.is_limit)
