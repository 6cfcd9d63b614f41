"""From what somebody asks of a load, in words and files, to the plan that is followed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, field

from seatrial.core.errors import UsageError
from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.callers import Caller, parse_callers, read_keys
from seatrial.measure.load.plan import CONNECTIONS_MAX, LoadPlan
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.shapes import Shape, parse_shape, ramp, spike, steady, steps
from seatrial.measure.load.trace import Trace, matched, size_column, time_column, trace_of
from seatrial.records.tables import column_names, read_rows

RATE_PER_S = 50.0
DURATION_S = 10.0
CLOSED_CONNECTIONS = 16
"""Callers of a closed loop that are enough to fill a batch."""


class Load(Struct, frozen=True, kw_only=True):
    """What to send, and when.

    Attributes:
        url: Endpoint, or the root of a seatrial server.
        rate_per_s: Mean rate; default 50/s. With a trace: the rate it is brought to.
        duration_s: For how long; default 10 s. With a trace: where it is cut.
        shape: ``constant``, ``ramp``, ``spike``, ``steps``, or pieces like ``10->100:1s``.
        factor: Height of a ramp, a spike or the last step, in times of the rate.
        ramp_s: How long a spike takes to rise, and to fall.
        hold_s: How long it lasts.
        steps: How many steps.
        even: Arrivals evenly spaced instead of Poisson.
        trace: File with a column of arrival times to replay.
        speed: 2.0 replays twice as fast.
        size_column: Column of the trace with sizes; default: one that is named like it.
        closed: As many callers as connections, each waiting for its answer.
        data: File of inputs to rotate through.
        input: Its input column(s).
        body: Request template, or without ``data`` the body itself.
        headers: Further request headers.
        callers: A number, or ``NAME=WEIGHT`` comma separated.
        keys: File of API keys, one caller each.
        retries: Attempts after the first.
        backoff_s: Longest wait before the first of them.
        naive: Try again at once, whatever was asked for.
        attempt_s: Longest wait for one attempt.
        ticket_wait_s: Longest wait for what a ticket promises; 0: tickets are not followed.
        deadline_s: Longest wait for one answer.
        connections: Most connections at once; default 256, in a closed loop 16.
        warmup_s: Sent before what counts.
        seed: Seed of the arrivals, callers and waits.
    """

    url: str
    rate_per_s: float | None = None
    duration_s: float | None = None
    shape: str = "constant"
    factor: float = 10.0
    ramp_s: float = 1.0
    hold_s: float = 5.0
    steps: int = 5
    even: bool = False
    trace: Path | None = None
    speed: float | None = None
    size_column: str | None = None
    closed: bool = False
    data: Path | None = None
    input: str | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    callers: str | None = None
    keys: Path | None = None
    retries: int = 0
    backoff_s: float = 0.5
    naive: bool = False
    attempt_s: float | None = None
    ticket_wait_s: float = 60.0
    deadline_s: float = 10.0
    connections: int | None = None
    warmup_s: float = 0.0
    seed: int = 0


def plan_of(load: Load, bodies: tuple[bytes, ...]) -> LoadPlan:
    """Decide everything about a load before it begins; only its files are read.

    Raises:
        UsageError: Figures out of range, or wishes that exclude each other.
        DataError: A file or a column is missing.
    """
    _check(load)
    common: dict[str, Any] = {
        "bodies": bodies,
        "callers": _callers(load),
        "retry": _retry(load),
        "warmup_s": load.warmup_s,
        "deadline_s": load.deadline_s,
        "headers": load.headers,
        "ticket_wait_s": load.ticket_wait_s,
        "seed": load.seed,
    }
    if load.closed:
        seconds, connections = load.duration_s or DURATION_S, load.connections or CLOSED_CONNECTIONS
        told = f"closed loop: {connections} callers for {seconds:g} s"
        return LoadPlan(closed_s=seconds, connections=connections, told=told, **common)
    common["connections"] = load.connections or CONNECTIONS_MAX
    if load.trace is not None:
        return _replaying(load, load.trace, bodies, common)
    shape = shape_of(load)
    return LoadPlan(
        arrivals_s=_drawn(shape, load),
        duration_s=shape.duration_s,
        told=f"{'evenly' if load.even else 'Poisson'}, requests/s: {shape}",
        **common,
    )


def shape_of(load: Load) -> Shape:
    """Return the rate over time that is asked for.

    >>> str(shape_of(Load(url="", shape="ramp", rate_per_s=5, duration_s=20, factor=4)))
    '5->20:20s'
    """
    rate, seconds = _given(load.rate_per_s, RATE_PER_S), _given(load.duration_s, DURATION_S)
    named = {
        "constant": lambda: steady(rate, seconds),
        "ramp": lambda: ramp(rate, seconds, factor=load.factor),
        "spike": lambda: spike(
            rate, seconds, factor=load.factor, ramp_s=load.ramp_s, hold_s=load.hold_s
        ),
        "steps": lambda: steps(rate, seconds, factor=load.factor, count=load.steps),
    }
    if load.shape in named:
        return named[load.shape]()
    written = parse_shape(load.shape)
    if load.rate_per_s is not None or load.duration_s is not None:
        raise UsageError(
            f"received the shape {load.shape!r} with a rate or a duration; accepted is either.",
            hint="The pieces of a shape say both.",
        )
    return written


def trace_in(path: Path, *, sizes: str | None = None) -> Trace:
    """Read a trace: its column of arrival times, and of sizes where it has one.

    Raises:
        DataError: The file, or a column that was named, is missing or cannot be read.
    """
    names = column_names(path)
    time, size = time_column(names), size_column(names, wanted=sizes)
    rows = read_rows(path, input=[time, size] if size else [time]).inputs
    return trace_of([row[time] for row in rows], [row[size] for row in rows] if size else None)


def _drawn(shape: Shape, load: Load) -> FloatArray:
    return shape.even() if load.even else shape.arrivals(rng=np.random.default_rng(load.seed))


def _replaying(
    load: Load, path: Path, bodies: tuple[bytes, ...], common: Mapping[str, Any]
) -> LoadPlan:
    trace = trace_in(path, sizes=load.size_column)
    recorded = trace.mean_per_s
    if load.rate_per_s is not None:
        trace = trace.at_rate(load.rate_per_s)
    elif load.speed is not None:
        trace = trace.at_speed(load.speed)
    speed = trace.mean_per_s / recorded if recorded else 1.0
    if load.duration_s is not None:
        trace = trace.until(load.duration_s)
    choice = None
    if trace.sizes is not None and len(bodies) > 1:
        lengths = [len(body) for body in bodies]
        choice = matched(trace.sizes, lengths, rng=np.random.default_rng([load.seed, 3]))
    sizes = "" if choice is None else ", bodies by its sizes"
    told = f"trace {path.name}, {speed:.3g} times as fast, mean {trace.mean_per_s:.3g}/s{sizes}"
    return LoadPlan(arrivals_s=trace.arrivals_s, choice=choice, told=told, **common)


def _callers(load: Load) -> tuple[Caller, ...]:
    if load.keys is not None:
        return read_keys(load.keys)
    return parse_callers(load.callers) if load.callers else ()


def _retry(load: Load) -> RetryPolicy | None:
    if not load.retries:
        return None
    if load.naive:
        return RetryPolicy.naive(load.retries, attempt_s=load.attempt_s)
    return RetryPolicy(retries=load.retries, backoff_s=load.backoff_s, attempt_s=load.attempt_s)


def _check(load: Load) -> None:
    together = (
        ("--trace and --shape", load.trace is not None and load.shape != "constant"),
        ("--trace and --closed", load.trace is not None and load.closed),
        ("--closed and --shape", load.closed and load.shape != "constant"),
        ("--closed and --rate", load.closed and load.rate_per_s is not None),
        ("--rate and --speed", load.rate_per_s is not None and load.speed is not None),
        ("--speed without --trace", load.speed is not None and load.trace is None),
        ("--callers and --keys", load.callers is not None and load.keys is not None),
        ("--naive without --retries", load.naive and not load.retries),
        ("--attempt-timeout without --retries", bool(load.attempt_s) and not load.retries),
    )
    for what, received in together:
        if received:
            raise UsageError(f"received {what}, which exclude each other or mean nothing alone.")


def _given(value: float | None, default: float) -> float:
    return default if value is None else value
