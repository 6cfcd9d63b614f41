"""One load on one URL, as ``seatrial load`` gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.errors import UsageError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.measure.load.arrivals import FloatArray, poisson, replayed
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.summary import LoadSummary, summarise
from seatrial.models.url import UrlSubject
from seatrial.records.tables import read_rows
from seatrial.trials.datafile import look_at

TIMESTAMP = "timestamp"


class Load(Struct, frozen=True, kw_only=True):
    """What to send, and when.

    Attributes:
        url: Endpoint, or the root of a seatrial server.
        rate_per_s: Poisson arrivals at this rate, unless there is a trace.
        duration_s: For how long.
        trace: File with a ``timestamp`` column to replay.
        speed: 2.0 replays twice as fast.
        data: File of inputs to rotate through.
        input: Its input column(s).
        body: Request template, or without ``data`` the body itself.
        deadline_s: Longest wait for one answer.
        connections: Most connections at once.
        warmup_s: Sent before what counts.
        seed: Seed of the arrivals.
    """

    url: str
    rate_per_s: float = 50.0
    duration_s: float = 10.0
    trace: Path | None = None
    speed: float = 1.0
    data: Path | None = None
    input: str | None = None
    body: str | None = None
    deadline_s: float = 10.0
    connections: int = 256
    warmup_s: float = 0.0
    seed: int = 0


def run(load: Load) -> tuple[LoadSummary, Evidence]:
    """Send the load; return its figures, and the same as evidence for people.

    Raises:
        UsageError: Neither data nor a body to send.
        DataError: A file or a column is missing.
        UnreachableError: Nobody answers at that address.
    """
    url, bodies = _bodies(load)
    recorder = Recorder("load", at=conditions(url, seed=load.seed), settings=_told(load))
    plan = LoadPlan(
        bodies=tuple(bodies),
        arrivals_s=_arrivals(load),
        warmup_s=load.warmup_s,
        duration_s=None if load.trace else load.duration_s,
        deadline_s=load.deadline_s,
        connections=load.connections,
    )
    result = run_load(url, plan)
    summary = summarise(result)
    _record(recorder, summary)
    return summary, recorder.finish()


def _arrivals(load: Load) -> FloatArray:
    if load.trace is None:
        rng = np.random.default_rng(load.seed)
        return poisson(load.rate_per_s, duration_s=load.duration_s, rng=rng)
    return replayed(read_rows(load.trace, input=TIMESTAMP).inputs, speed=load.speed)


def _bodies(load: Load) -> tuple[str, list[bytes]]:
    if load.data is None:
        if not load.body:
            raise UsageError(
                "there is nothing to send; accepted is --data FILE or --body JSON.",
                hint="""For example: --body '{"input": "hello"}'""",
            )
        return UrlSubject.asking(load.url, body=None).url, [load.body.encode()]
    chosen: Any = load.input or look_at(load.data).columns
    inputs = read_rows(load.data, input=chosen).inputs
    subject = UrlSubject.asking(load.url, body=load.body)
    return subject.url, [subject.body([value]) for value in inputs]


def _told(load: Load) -> dict[str, Any]:
    if load.trace is not None:
        return {"trace": load.trace.name, "speed": load.speed}
    return {"rate_per_s": load.rate_per_s, "duration_s": load.duration_s}


def _record(recorder: Recorder, summary: LoadSummary) -> None:
    for row in summary.latency:
        recorder.value(
            f"{row.name}_ms",
            row.value_ms,
            "ms",
            n=summary.offered,
            low=row.low_ms,
            high=row.high_ms,
            note=row.why,
        )
    recorder.value("error_rate", summary.error_rate, "", n=summary.offered)
    recorder.value("offered_per_s", summary.offered_per_s, "requests/s")
    recorder.value("achieved_per_s", summary.achieved_per_s, "requests/s")
    recorder.table("errors", [{"kind": k, "requests": n} for k, n in summary.errors.items()])
    for sentence in summary.criticisms:
        recorder.criticise(sentence)
