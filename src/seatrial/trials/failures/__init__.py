"""Which failure each piece of evidence shows: pure functions, one module per family.

A judge is ``judge(evidence, settings) -> FailureResult``; it is listed in :data:`JUDGES` under the
id of its failure, with the kind of evidence it reads. ``found`` is ``None`` wherever the evidence
cannot tell, with the reason as the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from seatrial.core.errors import SeatrialError
from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.company import judge_dependence, judge_overflow
from seatrial.trials.failures.confidence import (
    judge_confident_wrong,
    judge_overconfidence,
    judge_survivorship,
)
from seatrial.trials.failures.consistency import judge_consistency
from seatrial.trials.failures.latency import judge_latency
from seatrial.trials.failures.memory import judge_memory
from seatrial.trials.failures.overload import judge_overload, judge_storm
from seatrial.trials.failures.shifts import FACTOR_OF, judge_of
from seatrial.trials.failures.skew import judge_skew
from seatrial.trials.failures.speed import judge_cliff, judge_loop
from seatrial.trials.failures.staleness import judge_stale
from seatrial.trials.failures.variants import judge_variant_loss


class Judge(Struct, frozen=True):
    """One failure that is looked for, and the evidence in which."""

    kind: str
    judge: Callable[[Evidence, Settings], FailureResult]


JUDGES: dict[str, Judge] = {
    "row-loop": Judge("batching", judge_loop),
    "batch-cliff": Judge("batching", judge_cliff),
    "batch-dependent-output": Judge("batching", judge_dependence),
    "integer-overflow": Judge("batching", judge_overflow),
    "memory-pressure": Judge("batching", judge_memory),
    "variant-loss": Judge("variants", judge_variant_loss),
    "latency-budget": Judge("latency", judge_latency),
    "serving-skew": Judge("skew", judge_skew),
    "inconsistent-answers": Judge("consistency", judge_consistency),
    **{failure: Judge("risks", judge_of(failure)) for failure in FACTOR_OF},
    "confident-wrong": Judge("confidence", judge_confident_wrong),
    "overconfidence": Judge("confidence", judge_overconfidence),
    "survivorship": Judge("confidence", judge_survivorship),
    "stale-cache": Judge("staleness", judge_stale),
    "overload-collapse": Judge("overload", judge_overload),
    "retry-storm": Judge("overload", judge_storm),
}


def judge_failures(
    evidence: Mapping[str, Evidence],
    settings: Settings,
    *,
    reasons: Mapping[str, str] | None = None,
) -> tuple[FailureResult, ...]:
    """Judge every failure whose evidence was wanted; one that was not looked for is left out.

    Args:
        evidence: Measurements by kind.
        settings: Budgets and target come from here.
        reasons: Why there is no measurement of a kind that was wanted; nobody can tell then.
    """
    found = []
    for failure, judge in JUDGES.items():
        if judge.kind in evidence:
            found.append(_judged(failure, judge, evidence[judge.kind], settings))
        elif reasons and judge.kind in reasons:
            found.append(FailureResult(id=failure, found=None, figure=reasons[judge.kind]))
    return tuple(found)


def _judged(failure: str, judge: Judge, evidence: Evidence, settings: Settings) -> FailureResult:
    try:
        return judge.judge(evidence, settings)
    except SeatrialError as error:  # evidence of somebody else's measurement may lack a figure
        figure = f"the evidence cannot be judged: {error}"
        return FailureResult(id=failure, found=None, figure=figure, evidence=(evidence.id,))
