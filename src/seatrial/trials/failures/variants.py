"""variant-loss: a cheaper variant that costs more accuracy than it may."""

from __future__ import annotations

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result


def judge_variant_loss(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether a measured variant surely loses more than the budget."""
    found, figure = _loss(evidence, settings.budget.variant_accuracy_points)
    contained = '[serving] variant = "original"' if found else ""
    return result("variant-loss", evidence, found=found, figure=figure, contained_by=contained)


def _loss(evidence: Evidence, budget: float | None) -> tuple[bool | None, str]:
    rows = [
        row
        for row in evidence.table("variants")
        if row["state"] == "measured" and row["name"] != "original"
    ]
    if not rows:
        return None, "no variant was measured"
    worst = min(rows, key=lambda row: row["high"])
    figure = (
        f"{worst['name']} changes accuracy by {worst['change_points']:+.1f} points "
        f"({worst['low']:+.1f} to {worst['high']:+.1f}, n = {worst['n']})"
    )
    if budget is None:
        return None, f"{figure}; no budget set"
    if worst["high"] < -budget:
        return True, figure
    unsure = [row["name"] for row in rows if row["change_points"] < -budget]
    if unsure:
        return None, f"{figure}; too few rows to be sure about {unsure[0]}"
    return False, f"{figure}; the budget is {budget:g}"
