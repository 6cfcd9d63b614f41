"""latency-budget: a percentile is over what the user set, and not by one pause alone."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.findings import FailureResult

LIMITS = ("p50_ms", "p95_ms", "p99_ms")


class Verdict(Struct, frozen=True):
    """One percentile against its limit; ``over`` is ``None`` where nobody can tell."""

    over: bool | None
    figure: str


def judge_latency(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether a latency budget is broken at the reference rate.

    Over is certain where the whole interval of the percentile is, and where the percentile stays
    over without the one stretch of time that raised it most.
    """
    limits = {name: getattr(settings.budget, name) for name in LIMITS}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if not given:
        return FailureResult(
            id="latency-budget", found=None, figure="no budget set", evidence=(evidence.id,)
        )
    verdicts = [verdict_of(evidence, name, limit) for name, limit in given.items()]
    over = [verdict for verdict in verdicts if verdict.over]
    unsure = [verdict for verdict in verdicts if verdict.over is None]
    found = True if over else None if unsure else False
    return FailureResult(
        id="latency-budget",
        found=found,
        figure="; ".join(verdict.figure for verdict in over or unsure or verdicts),
        contained_by=_containment(evidence) if found else "",
        evidence=(evidence.id,),
    )


def verdict_of(evidence: Evidence, name: str, limit: float) -> Verdict:
    """Hold one percentile against its limit, interval and all.

    Args:
        evidence: Of kind ``latency``.
        name: ``p50_ms``, ``p95_ms`` or ``p99_ms``.
        limit: In milliseconds.
    """
    figure = evidence.value(name)
    title = name.removesuffix("_ms")
    if figure.value is None:
        return Verdict(over=None, figure=f"{title} unknown: {figure.note}")
    text = f"{title} {figure.value:.1f} ms, budget {limit:g} ms"
    if figure.value <= limit:
        if figure.high is None or figure.high > limit:
            return Verdict(over=None, figure=f"{text}, but {reach(figure)}")
        return Verdict(over=False, figure=text)
    steady = f"{title}_steady_ms"
    if evidence.has(steady) and (evidence.value(steady).value or 0.0) <= limit:
        return Verdict(over=None, figure=f"{text}, but because of one pause alone")
    if figure.low is None or figure.low <= limit:
        low = "unbounded" if figure.low is None else f"{figure.low:.1f} ms"
        return Verdict(
            over=None, figure=f"{text}, but its interval begins at {low} (n = {figure.n})"
        )
    return Verdict(over=True, figure=text)


def reach(figure: Value) -> str:
    """Say how far up a percentile may lie.

    >>> reach(Value(name="p99_ms", value=9.0, n=21))
    'with n = 21 nobody knows how high it may lie'
    """
    if figure.high is None:
        return f"with n = {figure.n} nobody knows how high it may lie"
    return f"its interval reaches {figure.high:.1f} ms (n = {figure.n})"


def _containment(evidence: Evidence) -> str:
    if evidence.has("rate_max_per_s"):
        return f"admit at most {evidence.value('rate_max_per_s').value:.0f} requests/s"
    stages: list[dict[str, Any]] = sorted(
        evidence.table("stages"), key=lambda row: float(row["share_of_tail"]), reverse=True
    )
    if stages and stages[0]["stage"] != "rest":
        return f"{stages[0]['share_of_tail']:.0%} of the tail is spent in {stages[0]['stage']}"
    return ""
