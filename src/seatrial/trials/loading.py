"""One load on one URL, as ``seatrial load`` gives it."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.core.errors import UsageError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.groups import Group
from seatrial.measure.load.summary import LoadSummary, summarise
from seatrial.models.url import UrlSubject
from seatrial.records.tables import read_rows
from seatrial.trials.datafile import look_at
from seatrial.trials.loadplan import Load, plan_of

__all__ = ["Load", "run"]


def run(load: Load) -> tuple[LoadSummary, Evidence]:
    """Send the load; return its figures, and the same as evidence for people.

    Raises:
        UsageError: Neither data nor a body to send, or wishes that exclude each other.
        DataError: A file or a column is missing.
        UnreachableError: Nobody answers at that address.
    """
    url, bodies = _bodies(load)
    plan = plan_of(load, bodies)
    recorder = Recorder("load", at=conditions(url, seed=load.seed), settings={"plan": plan.told})
    summary = summarise(run_load(url, plan))
    _record(recorder, summary)
    return summary, recorder.finish()


def _bodies(load: Load) -> tuple[str, tuple[bytes, ...]]:
    if load.data is None:
        if not load.body:
            raise UsageError(
                "there is nothing to send; accepted is --data FILE or --body JSON.",
                hint="""For example: --body '{"input": "hello"}'""",
            )
        return UrlSubject.asking(load.url, body=None).url, (load.body.encode(),)
    chosen: Any = load.input or look_at(load.data).columns
    inputs = read_rows(load.data, input=chosen).inputs
    subject = UrlSubject.asking(load.url, body=load.body)
    return subject.url, tuple(subject.body([value]) for value in inputs)


COUNTS = ("offered", "sent", "answered", "good", "rejected", "timeouts", "failed", "deferred")


def _record(recorder: Recorder, summary: LoadSummary) -> None:
    recorder.setting("verdict", summary.verdict)
    recorder.setting("deadline_s", summary.deadline_s)
    if summary.warmup:
        recorder.setting("warmup_requests", summary.warmup)
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
    for name in COUNTS:
        recorder.value(name, getattr(summary, name), "requests")
    recorder.value("error_rate", summary.error_rate, "", n=summary.offered)
    for name in ("offered_per_s", "achieved_per_s", "goodput_per_s"):
        recorder.value(name, getattr(summary, name), "requests/s")
    for name in ("late_p50_ms", "late_p99_ms"):
        recorder.value(f"generator_{name}", getattr(summary.generator, name), "ms")
    recorder.value("generator_cpu_share", summary.generator.cpu_share, "")
    _tables(recorder, summary)
    for sentence in summary.criticisms:
        recorder.criticise(sentence)


def _tables(recorder: Recorder, summary: LoadSummary) -> None:
    asdict = msgspec.structs.asdict
    recorder.table("statuses", [_row("status", group) for group in summary.by_status])
    recorder.table("servers", [_row("served_by", group) for group in summary.by_server])
    recorder.table("callers", [asdict(row) for row in summary.callers])
    recorder.table("errors", [{"kind": k, "requests": n} for k, n in summary.errors.items()])
    recorder.table("degraded", [{"how": k, "answers": n} for k, n in summary.degraded.items()])
    for name, figures in (
        ("retries", summary.retries),
        ("retry_after", summary.retry_after),
        ("tickets", summary.tickets),
    ):
        recorder.table(name, [asdict(figures)] if figures is not None else [])
    recorder.table("episodes", [asdict(row) for row in summary.episodes])
    recorder.table("timeline", [asdict(row) for row in summary.timeline])


def _row(heading: str, group: Group) -> dict[str, Any]:
    figures = {f"{row.name.replace('.', '')}_ms": row.value_ms for row in group.latency}
    return {heading: group.name, "n": group.n, "share": group.share, **figures}
