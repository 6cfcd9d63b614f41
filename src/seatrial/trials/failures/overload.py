"""overload-collapse and retry-storm: what too much load does to the answers that are in time."""

from __future__ import annotations

from typing import Any

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

COLLAPSED = 0.5
"""Goodput below this part of what the service can do, twice, is a collapse."""

HELD = 0.6
"""Above this it is none; where HTTP itself is the limit, turning away costs that much."""

CALM = 0.8
"""What has to be answered in time at a load that is not too much, for anything to be told."""

SHED = "reject early: bound the queue by time, answer 503 with Retry-After, drop what expired"
LIMITED = "the load generator was the limit"


def judge_overload(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether goodput collapses when more is offered than the service can do."""
    name = "overload-collapse"
    steps = evidence.table("steps")
    calm = [step for step in steps if step["multiple"] < 1]
    over = [step for step in steps if step["multiple"] > 1]
    if not over:
        why = "; ".join(evidence.criticisms) or "more than the capacity was never offered"
        return result(name, evidence, found=None, figure=why)
    worst = min(over, key=lambda step: step["share"])
    figure = _figure(evidence, worst)
    if any(step["generator_limit"] for step in over) and worst["share"] < HELD:
        return result(name, evidence, found=None, figure=f"{figure}; {LIMITED}")
    if any(step["share"] < CALM for step in calm):
        figure = "even at 0.6 of the capacity not all answers are in time: a busy machine, perhaps"
        return result(name, evidence, found=None, figure=figure)
    if worst["share"] >= HELD:
        return result(name, evidence, found=False, figure=figure)
    again = [step for step in over if step["multiple"] == worst["multiple"]]
    lasting = len(again) > 1 or worst["drained_s"] is None
    if lasting and all(step["share"] < COLLAPSED for step in again):
        return result(name, evidence, found=True, figure=figure, contained_by=SHED)
    return result(name, evidence, found=None, figure=f"{figure}, but not surely so")


def judge_storm(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether a short spike outlives itself because clients try again."""
    name = "retry-storm"
    before, after = (
        evidence.value(which) if evidence.has(which) else None
        for which in ("before_share", "after_share")
    )
    if before is None or after is None or before.value is None or after.value is None:
        why = after.note if after else "; ".join(evidence.criticisms) or "no spike was sent"
        return result(name, evidence, found=None, figure=why)
    attempts = evidence.value("attempts_per_request").value or 0.0
    figure = (
        f"{100 * after.value:.0f} % answered in time long after a spike, {100 * before.value:.0f} "
        f"% before it; {attempts:.1f} attempts a request"
    )
    if before.value < CALM or evidence.settings.get("storm_generator_limit"):
        why = LIMITED if before.value >= CALM else "not even calm before the spike"
        return result(name, evidence, found=None, figure=f"{figure}; {why}")
    found = True if after.value < COLLAPSED else False if after.value >= CALM else None
    return result(name, evidence, found=found, figure=figure, contained_by=SHED if found else "")


def _figure(evidence: Evidence, step: dict[str, Any]) -> str:
    capacity = evidence.value("capacity_per_s").value or 0.0
    return (
        f"{step['goodput_per_s']:.0f} answers/s in time at {step['multiple']:g} times the capacity "
        f"of {capacity:.0f}/s"
    )
