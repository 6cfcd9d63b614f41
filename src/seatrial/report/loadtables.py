"""What a load found, as tables for people: merged over time, empty parts left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.evidence.documents import Evidence
from seatrial.report.tables import Column, Table, table_of
from seatrial.report.wording import known, number, percent

COUNTED = ("offered", "attempts", "answered", "rejected", "errors", "timeouts", "deferred")
PART_SECTIONS = (
    ("By what came back", "statuses"),
    ("By who answered", "servers"),
    ("By who asked", "callers"),
    ("Clients that tried again", "retries"),
    ("What rejections asked for", "retry_after"),
    ("Tickets", "tickets"),
    ("When something else happened", "episodes"),
)


class Stretch(Struct, frozen=True, kw_only=True):
    """Several seconds of a load as one row; rates are per second.

    Attributes:
        from_s: Its beginning.
        seconds: Its length.
        per_s: Requests per second by what became of them, and ``attempts``.
        p50_ms: Median of the medians of its seconds.
        p99_ms: The worst 99th percentile of its seconds.
        degraded: Degraded answers per second.
        served_by: Part of its answers that each server gave.
    """

    from_s: float
    seconds: float
    per_s: dict[str, float]
    p50_ms: float | None
    p99_ms: float | None
    degraded: float
    served_by: dict[str, float]


def stretches(timeline: Sequence[Mapping[str, Any]], *, most: int) -> tuple[Stretch, ...]:
    """Merge the rows of a timeline into no more than ``most``, all of one length but the last."""
    size = max(1, math.ceil(len(timeline) / most))
    return tuple(
        _stretch(timeline[start : start + size]) for start in range(0, len(timeline), size)
    )


def over_time(rows: Sequence[Stretch]) -> Table:
    """Lay out the stretches; what never happened has no column."""
    shown = [name for name in COUNTED if any(row.per_s[name] for row in rows)]
    if not tried_again(rows):
        shown.remove("attempts")
    degraded = any(row.degraded for row in rows)
    servers = list(dict.fromkeys(name for row in rows for name in row.served_by))
    heads = [("from, s", True), *((f"{name}/s", True) for name in shown)]
    heads += [("p50, ms", True), ("p99, ms", True)]
    heads += [("degraded/s", True)] if degraded else []
    heads += [(name, True) for name in servers] if len(servers) > 1 else []
    return Table(
        columns=tuple(Column(heading=name, numeric=numeric) for name, numeric in heads),
        rows=tuple(
            (
                f"{row.from_s:g}",
                *(_rate(row.per_s[name]) for name in shown),
                _known(row.p50_ms),
                _known(row.p99_ms),
                *([_rate(row.degraded)] if degraded else []),
                *(
                    percent(row.served_by.get(name, 0.0), digits=0)
                    for name in (servers if len(servers) > 1 else ())
                ),
            )
            for row in rows
        ),
    )


def tried_again(rows: Sequence[Stretch]) -> bool:
    """Say whether more was sent than was due; what is sent a moment late is no retry."""
    surplus = sum((row.per_s["attempts"] - row.per_s["offered"]) * row.seconds for row in rows)
    return surplus > 0.5  # noqa: PLR2004  (counts, but for rounding)


def parts(evidence: Evidence) -> Iterator[tuple[str, Table]]:
    """Yield the further tables with their headings, those that hold something."""
    for title, name in PART_SECTIONS:
        rows = evidence.table(name)
        if rows:
            yield title, table_of([_told(row) for row in rows])


def headline_figures(evidence: Evidence) -> list[tuple[str, str]]:
    """Return the figures that a reader wants first, with their names."""
    figures = [
        ("offered", f"{_number(evidence, 'offered')} ({_number(evidence, 'offered_per_s')}/s)"),
        ("answered well", f"{_number(evidence, 'good')} ({_number(evidence, 'goodput_per_s')}/s)"),
    ]
    for name, said in (
        ("rejected", "turned away"),
        ("timeouts", "no answer in time"),
        ("failed", "failed"),
        ("deferred", "got a ticket"),
    ):
        if evidence.value(name).value:
            figures.append((said, _number(evidence, name)))
    for value in evidence.values:
        if value.name.startswith("p") and value.name.endswith("_ms"):
            name = value.name.removesuffix("_ms")
            figures.append((name, f"{number(value.value)} ms" if known(value.value) else "unknown"))
    late = evidence.value("generator_late_p99_ms").value
    share = evidence.value("generator_cpu_share").value
    own = [f"late {number(late)} ms at p99"] if known(late) else []
    own += [f"{percent(share, digits=0)} of a core"] if known(share) else []
    return [*figures, ("generator itself", ", ".join(own))] if own else figures


def _stretch(moments: Sequence[Mapping[str, Any]]) -> Stretch:
    seconds = float(sum(moment["width_s"] for moment in moments))
    medians = [moment["p50_ms"] for moment in moments if moment["p50_ms"] is not None]
    worst = [moment["p99_ms"] for moment in moments if moment["p99_ms"] is not None]
    servers: dict[str, int] = {}
    for moment in moments:
        for name, count in moment["served_by"].items():
            servers[name] = servers.get(name, 0) + count
    answers = sum(servers.values())
    return Stretch(
        from_s=float(moments[0]["at_s"]),
        seconds=seconds,
        per_s={name: sum(moment[name] for moment in moments) / seconds for name in COUNTED},
        p50_ms=float(np.median(medians)) if medians else None,
        p99_ms=max(worst, default=None),
        degraded=sum(moment["degraded"] for moment in moments) / seconds,
        served_by={name: count / answers for name, count in servers.items()},
    )


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: percent(value) if name.endswith("share") and known(value) else value
        for name, value in row.items()
    }


def _number(evidence: Evidence, name: str) -> str:
    return number(evidence.value(name).value)


def _known(value: float | None) -> str:
    return number(value) if known(value) else ""


def _rate(per_s: float) -> str:
    return number(round(per_s, 1)) if per_s else "0"
