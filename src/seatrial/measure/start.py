"""How long a cold start takes, and what the first user after it pays."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import msgspec

from seatrial.core.clock import TimeBudget
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.load.result import LoadResult
from seatrial.measure.load.summary import summarise
from seatrial.measure.service import all_at_once

KIND = "start"
ROUNDS = 3
DEADLINE_S = 60.0
"""Of the first request: a lazy model may load now."""

WARM_REQUESTS = 20
FIRST_WARM = 5
"""Requests after the first that may still warm something up and do not count as warm."""


@dataclass(frozen=True)
class Started:
    """A service that has just said it is ready.

    Attributes:
        url: Where requests go.
        spawned_s: Reading of the trial's clock when its process was started.
    """

    url: str
    spawned_s: float


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """One cold start."""

    ready_s: float
    first_request_ms: float | None
    warm_request_ms: float | None
    note: str = ""


def measure_start(
    start: Callable[[], AbstractContextManager[Started]],
    bodies: Sequence[bytes],
    *,
    at: Conditions,
    budget: TimeBudget | None = None,
    rounds: int = ROUNDS,
    headers: Mapping[str, str] | None = None,
) -> Evidence:
    """Start a service cold several times, and time its first and its later requests.

    Args:
        start: Starts one and ends it; entering returns once it says that it is ready.
        bodies: Request bodies; every start begins with another one.
        at: Conditions of the trial.
        budget: No further start is begun once the last one would not fit into it.
        rounds: How many starts.
        headers: Further request headers.

    Raises:
        UnreachableError: It said that it is ready, and nobody answers.
        DataError: There are no bodies.
    """
    recorder = Recorder(KIND, at=at, settings={"rounds": rounds, "warm_requests": WARM_REQUESTS})
    starts: list[Start] = []
    for turn in range(rounds):
        began_s = at.clock.now_s()
        with start() as started:
            ready_s = at.clock.now_s() - started.spawned_s
            starts.append(_ask(started.url, _turned(bodies, turn), ready_s, headers or {}))
        took_s = at.clock.now_s() - began_s
        if budget and turn + 1 < rounds and budget.left_s() < took_s:
            recorder.cut(f"the time budget allowed {turn + 1} of {rounds} starts")
            break
    _report(recorder, starts)
    return recorder.finish()


def _ask(url: str, bodies: Sequence[bytes], ready_s: float, headers: Mapping[str, str]) -> Start:
    first = _one_by_one(url, bodies[:1], 1, headers)
    later = _one_by_one(url, bodies, FIRST_WARM + WARM_REQUESTS, headers)
    first_ms = _answered_ms(first)
    warm_ms = _answered_ms(later)[FIRST_WARM:]
    return Start(
        ready_s=ready_s,
        first_request_ms=first_ms[0] if first_ms else None,
        warm_request_ms=statistics.median(warm_ms) if warm_ms else None,
        note="" if first_ms else _why(first),
    )


def _one_by_one(
    url: str, bodies: Sequence[bytes], count: int, headers: Mapping[str, str]
) -> LoadResult:
    return all_at_once(url, bodies, headers, count=count, connections=1, deadline_s=DEADLINE_S)


def _answered_ms(result: LoadResult) -> list[float]:
    """Return the milliseconds from sent to answered; what waited for its turn is not latency."""
    took_s = (result.latency_s - result.lateness_s)[result.answered]
    return [1e3 * seconds for seconds in took_s.tolist()]


def _why(result: LoadResult) -> str:
    summary = summarise(result)
    kinds = ", ".join(summary.errors)
    said = "; ".join(f"{status}: {text}" for status, text in summary.examples.items())
    return f"the first request failed ({kinds}) {said}".strip()


def _turned(bodies: Sequence[bytes], turn: int) -> Sequence[bytes]:
    by = turn % len(bodies) if bodies else 0
    return [*bodies[by:], *bodies[:by]]


def _report(recorder: Recorder, starts: Sequence[Start]) -> None:
    recorder.table("starts", [msgspec.structs.asdict(start) for start in starts])
    note = next((start.note for start in starts if start.note), "")
    for name, unit in (("ready_s", "s"), ("first_request_ms", "ms"), ("warm_request_ms", "ms")):
        figures = [getattr(start, name) for start in starts if getattr(start, name) is not None]
        if name == "first_request_ms" and note:
            figures = []  # the starts whose first request was answered do not stand for the other
        recorder.value(
            name,
            statistics.median(figures) if figures else None,
            unit,
            n=len(figures),
            low=min(figures, default=None),
            high=max(figures, default=None),
            method="median of the starts; low and high are the extremes",
            note=note if name != "ready_s" else "",
        )
    if note:
        recorder.criticise(note)
    if len(starts) == 1:
        recorder.criticise("one start alone: nobody knows how much starts differ")
