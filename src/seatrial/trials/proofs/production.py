"""Week 3: production-sample and production-evaluation; week 9: confidence."""

from __future__ import annotations

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import ItemResult
from seatrial.trials.case import Case, judged, missing, unmeasured

WANTED = 1_000
"""Production rows the checklist asks for."""


def prove_production_sample(case: Case) -> ItemResult:
    """Count what real users sent."""
    item = "production-sample"
    rows = case.rows.get("production", 0)
    if rows == 0:
        return unmeasured(
            item, "no production rows were supplied", fix="name a file in [production] data"
        )
    figure = f"{rows:,} rows, {case.rows.get('labelled', 0):,} with a label"
    if rows < WANTED:
        return judged(
            item,
            "fail",
            figure,
            because=f"{WANTED:,} are asked for",
            fix=f"collect {WANTED - rows:,} more of what users send",
        )
    return judged(item, "pass", figure, because="as supplied; seatrial cannot see who sent them")


def prove_production_evaluation(case: Case) -> ItemResult:
    """Judge the gap against its budget."""
    item = "production-evaluation"
    gap = case.gap
    if gap is None:
        return unmeasured(
            item, case.reasons.get("gap") or "no gap was measured", fix="seatrial gap"
        )
    production = gap.production
    if production.state != "measured" or production.accuracy is None or production.low is None:
        return unmeasured(item, production.why, fix="label some of the production rows")
    drop = 100.0 * (gap.eval.accuracy - production.accuracy)
    figure = (
        f"eval {gap.eval.accuracy:.1%}, production {production.accuracy:.1%} "
        f"({production.low:.1%} to {production.high:.1%}, n = {production.n:,})"
    )
    budget = case.settings.budget.gap_points
    if budget is None:
        return unmeasured(item, "no budget set", figure=figure, fix="set [budget] gap_points")
    if drop > budget:
        return judged(
            item,
            "fail",
            figure,
            because=f"{drop:.1f} points below eval; the budget is {budget:g}",
            fix=_worst_step(case),
        )
    if 100.0 * (gap.eval.accuracy - production.low) > budget:
        return judged(
            item,
            "warn",
            figure,
            because=f"the interval reaches beyond the budget of {budget:g} points",
            fix="label more production rows",
        )
    return judged(item, "pass", figure, because=f"within {budget:g} points of eval")


def prove_confidence(case: Case) -> ItemResult:
    """Judge the calibration error, and the promise of a threshold on reviewed rows."""
    item = "confidence"
    evidence = case.evidence.get("calibration")
    if evidence is None:
        return missing(case, item, "calibration")
    on_eval, on_production = evidence.value("ece_eval"), evidence.value("ece_production")
    if on_eval.value is None:
        return unmeasured(
            item,
            on_eval.note or "the model gives no confidence",
            fix="return confidence with each answer",
        )
    known = f"{on_production.value:.3f}" if on_production.value is not None else "unknown"
    figure = f"calibration error {on_eval.value:.3f} on eval, {known} in production"
    limit = case.settings.budget.calibration_error
    if limit is None:
        return unmeasured(
            item, "no budget set", figure=figure, fix="set [budget] calibration_error"
        )
    values = [value for value in (on_eval, on_production) if value.value is not None]
    sure = [value for value in values if (value.low if value.low is not None else 0.0) > limit]
    over = [value for value in values if (value.value or 0.0) > limit]
    if over:
        return judged(
            item,
            "fail" if sure else "warn",
            figure,
            because=f"the budget is {limit:g}",
            fix="calibrate on labelled production rows (temperature or isotonic)",
            evidence=(evidence,),
        )
    return _promised(case, item, figure, evidence)


def _promised(case: Case, item: str, figure: str, evidence: Evidence) -> ItemResult:
    """Judge what a threshold promises, confidence itself being calibrated."""
    said = case.gap.confidence if case.gap else None
    earned = said.earned if said else None
    if said is None or earned is None:
        why = "calibrated; no reviewed production answer says what a threshold delivers"
        return unmeasured(item, why, figure=figure, fix="label some of the production rows")
    if earned.state == "made":
        figure = (
            f"{figure}; {earned.share or 0:.1%} answered, {earned.accuracy or 0:.1%} of those "
            f"right (n = {earned.n:,}), {earned.correct_of_all or 0:.1%} of all requests"
        )
        return judged(item, "pass", figure, because=earned.why, evidence=(evidence,))
    kept = said.delivered
    if kept is not None and kept.state == "broken":
        return judged(
            item,
            "fail",
            figure,
            because=f"the threshold of eval breaks its promise: {kept.why}; {earned.why}",
            fix="see what would close it (seatrial gap), or promise less in [promise]",
            evidence=(evidence,),
        )
    return unmeasured(item, f"calibrated; {earned.why}", figure=figure, fix="label more rows")


ADVICE = {
    "precision": 'serve the original ([serving] variant = "original") or a variant that costs less',
    "serving": "let the service do what the notebook does before it asks the model: see "
    "serving-skew",
    "language": "refuse or route languages that the eval set lacks, or train and evaluate on them",
    "domain": "add rows like these to training and to the eval set",
    "length": "train on inputs as long as users send, or cut them as training did",
    "format": "strip markup, quotes and signatures before the model sees the text",
    "tampering": "normalise look-alike characters and spelling before the model sees the text",
    "abstained": "lower [serving] confidence_min, or have people answer what is withheld",
    "failed": "read the error of the requests that failed; refuse bad input with a clear message",
    "remainder": "no known factor explains it: read the misses, and name the columns that may "
    "matter in [production] slices",
}
"""What to do about a step, by its id."""

COLUMN = "column:"


def advice(step: str) -> str:
    """Return what to do about points lost at a step.

    >>> advice("column:age")
    'find out why age is missing, new or out of range in production; fill it as training did'
    """
    if step.startswith(COLUMN):
        name = step.removeprefix(COLUMN)
        return (
            f"find out why {name} is missing, new or out of range in production; fill it as "
            "training did"
        )
    return ADVICE.get(step, "look at the rows that have it")


def _worst_step(case: Case) -> str:
    steps = case.gap.steps if case.gap else None
    losses = {step.id: step.points for step in steps or () if step.points < 0}
    unexplained = losses.pop("remainder", 0.0)
    if not losses:
        return ADVICE["remainder"]
    worst = min(losses, key=lambda step: losses[step])
    first = f"start with {worst}, {losses[worst]:+.1f} points: {advice(worst)}"
    if unexplained >= losses[worst]:
        return first
    return f"{first}; {unexplained:+.1f} points have no known factor: read the misses"
