"""language-, domain-, length-, format-shift, adversarial-inputs: what users send costs accuracy.

A shift is an explanation; a failure is what it costs. A factor that became common and costs
nothing is not found; one whose cost nobody can know without labels is left open, with the shift as
the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

FACTOR_OF: Mapping[str, str] = {
    "language-shift": "language",
    "domain-shift": "domain",
    "length-shift": "length",
    "format-shift": "format",
    "adversarial-inputs": "tampering",
}
"""Failure to the ledger factor whose cost it is."""

WORDS: Mapping[str, str] = {
    "language": "are in a language that eval does not have",
    "domain": "are of a kind that eval does not have",
    "length": "are longer or shorter than eval's",
    "format": "come in a form that eval does not have",
    "tampering": "are tampered with or mistyped",
}

COST_POINTS = 2.0
"""Least cost, in points, that is a failure where labels tell it. Less is an explanation: it is what
a factor costs that is seen in one row of twenty because of something else."""

FLIPS_POINTS = 2.0
"""The same where it is known by answers that change: some of these were wrong before."""

FLIPS_SHARE = 0.15
"""And the share of answers that must change: a light edit of no meaning changes up to 9 % of the
answers of sound models, as often for the better as for the worse."""

LEVEL = 0.05
"""Chance of calling any factor shifted where none is."""

CONTAINED: Mapping[str, str] = {
    "language": "add eval rows of these languages, and abstain on others until then",
    "domain": "review and label such rows, and add them to training and to eval",
    "length": "add such rows to eval; split or refuse what the model cannot read whole",
    "format": "take the form off before the model reads it",
    "tampering": "undo it before the model reads it",
}


def judge_of(failure: str) -> Callable[[Evidence, Settings], FailureResult]:
    """Return the judge of one of these failures."""
    factor = FACTOR_OF[failure]

    def judge(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
        rows = [row for row in evidence.table("factors") if row["factor"] == factor]
        if not rows:
            figure = "no production row was described in this respect"
            return result(failure, evidence, found=None, figure=figure)
        found, figure = verdict(rows[0])
        contained = CONTAINED[factor] if found else ""
        return result(failure, evidence, found=found, figure=figure, contained_by=contained)

    return judge


def verdict(row: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Say whether a factor costs accuracy, and by which figure."""
    shares = (
        f"{100 * row['production_share']:.1f} % of production rows {WORDS[row['factor']]} "
        f"({100 * row['eval_share']:.1f} % on eval)"
    )
    shifted = row["p"] < LEVEL
    if row["known_by"] in {"labels", "flips"}:
        return _by_cost(row, shares, shifted=shifted)
    if not shifted:
        return False, f"{shares}: no more than chance"
    if 100 * row["production_share"] < COST_POINTS:
        return False, f"{shares}: too few to cost {COST_POINTS:g} points"
    if row["otherwise"]:
        return True, f"{shares}, and {row['why']}"
    return None, f"{shares}; {row['why']}"


def _by_cost(row: Mapping[str, Any], shares: str, *, shifted: bool) -> tuple[bool | None, str]:
    labelled = row["known_by"] == "labels"
    least = COST_POINTS if labelled else FLIPS_POINTS
    cost = f"{row['points']:+.1f} points ({row['low']:+.1f} to {row['high']:+.1f})"
    figure = f"{shares}; {cost}: {row['why']}"
    sure = row["high"] < 0 if labelled else row["flips"] >= FLIPS_SHARE and row["high"] <= -least
    if shifted and sure and row["points"] <= -least:
        return True, figure
    if not labelled and shifted and row["low"] < -least:
        return None, f"{figure}; only labels could tell what that costs"
    return False, figure
