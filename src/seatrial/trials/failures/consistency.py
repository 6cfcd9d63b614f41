"""inconsistent-answers: the same question, asked again or put a little otherwise, another answer.

What neighbours change is ``batch-dependent-output``; it is shown here and judged there. What exact
repetition changes is charged to repetition, not to the edits on top of it.
"""

from __future__ import annotations

from typing import Any

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

NAME = "inconsistent-answers"

REPEAT_MAX = 0.005
"""Share of answers that may change when the same is asked again; half a percent are ties."""

REPEAT_ROWS = 3
"""Rows that must change, so that no single tie decides."""

EDIT_MAX = 0.07
"""Share of answers that one light edit may change beyond exact repetition. Sound models on real
texts (six of words and of letters, on reviews, tweets and intents) changed up to 9.0 %, at the
least 5.5 % of the worst edit; the whole interval has to lie above this."""

ROWS_MIN = 30
"""Rows asked below which nothing is said."""


def judge_consistency(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether answers change where the question does not."""
    if not evidence.has("changed_repeat"):
        why = "; ".join(evidence.criticisms) or "no row was asked twice"
        return result(NAME, evidence, found=None, figure=why)
    repeat = evidence.value("changed_repeat")
    changed, n = round((repeat.value or 0.0) * (repeat.n or 0)), repeat.n or 0
    if n < ROWS_MIN:
        return result(NAME, evidence, found=None, figure=f"{n} rows are too few to tell")
    if (repeat.low or 0.0) > REPEAT_MAX and changed >= REPEAT_ROWS:
        return result(
            NAME,
            evidence,
            found=True,
            figure=f"{changed} of {n} answers change when exactly the same is asked again",
            contained_by="a fixed seed, or temperature 0; a cache gives each question one answer",
        )
    edits = evidence.table("edits")
    fragile = [row for row in edits if row["excess_low"] > EDIT_MAX]
    if fragile:
        worst = max(fragile, key=lambda row: row["excess"])
        others = ", ".join(row["edit"] for row in fragile if row is not worst)
        also = f"; so do {others}" if others else ""
        return result(
            NAME,
            evidence,
            found=True,
            figure=f"{_edit(worst)}{also}",
            contained_by="put every input into one form before the model reads it, and train on "
            "such edits",
        )
    if not edits:
        return result(NAME, evidence, found=False, figure=f"0 of {n} answers change when repeated")
    return result(NAME, evidence, found=False, figure=_edit(edits[0]))


def _edit(row: dict[str, Any]) -> str:
    figure = (
        f"an edit of {row['edit']} changes {row['changed']:.0f} of {row['rows']} answers "
        f"({100 * row['rate']:.1f} %, {100 * row['low']:.1f} to {100 * row['high']:.1f})"
    )
    if row.get("points_high") is not None and row["points_high"] < 0:
        figure += f" and costs {-row['accuracy_points']:.1f} points of accuracy"
    return figure
