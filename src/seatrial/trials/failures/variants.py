"""variant-loss: a cheaper variant that costs more accuracy than it may."""

from __future__ import annotations

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult


def judge_variant_loss(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether a measured variant surely loses more than the budget."""
    rows = [
        row
        for row in evidence.table("variants")
        if row["state"] == "measured" and row["name"] != "original"
    ]
    if not rows:
        return _result(evidence, None, "no variant was measured")
    judged = [row for row in rows if row["change_points"] is not None]
    if not judged:
        return _result(evidence, None, "the rows have no labels")
    worst = min(judged, key=lambda row: row["high"])
    figure = (
        f"{worst['name']} changes accuracy by {worst['change_points']:+.1f} points "
        f"({worst['low']:+.1f} to {worst['high']:+.1f}, n = {worst['n']})"
    )
    budget = settings.budget.variant_accuracy_points
    if budget is None:
        return _result(evidence, None, f"{figure}; no budget set")
    if worst["high"] < -budget:
        return _result(evidence, True, figure)
    unsure = [row["name"] for row in judged if row["change_points"] < -budget]
    if unsure:
        return _result(evidence, None, f"{figure}; too few rows to be sure about {unsure[0]}")
    return _result(evidence, False, f"{figure}; the budget is {budget:g}")


def _result(
    evidence: Evidence,
    found: bool | None,  # noqa: FBT001  (the outcome itself)
    figure: str,
) -> FailureResult:
    return FailureResult(
        id="variant-loss",
        found=found,
        figure=figure,
        contained_by='[serving] variant = "original"' if found else "",
        evidence=(evidence.id,),
    )
