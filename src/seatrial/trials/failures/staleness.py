"""stale-cache: a service gives the answers of another model, or of an earlier release."""

from __future__ import annotations

from typing import Any

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

CHANCE_MAX = 1e-4
"""Of a false alarm in one of at most six comparisons."""

STALE_MIN = 3
"""Rows that must take an answer of the other one back."""

DISTINCT_MIN = 0.05
"""Share of rows with different answers from which it is shown that the two were told apart."""

ROWS_MIN = 10
CONTAINED = "put the model, its version and its content into the key of the cache"


def judge_stale(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether answers of the other one were given, and taken back in another shape."""
    rows = evidence.table("directions")
    if not rows:
        why = "; ".join(evidence.criticisms) or "no row could be compared"
        return result("stale-cache", evidence, found=None, figure=why)
    worst = min(rows, key=lambda row: (row["chance"], -row["stale"]))
    if worst["chance"] < CHANCE_MAX and worst["stale"] >= STALE_MIN:
        return result(
            "stale-cache", evidence, found=True, figure=_figure(worst), contained_by=CONTAINED
        )
    if all(row["rows"] < ROWS_MIN for row in rows):
        why = f"{worst['rows']} rows are too few to tell"
        return result("stale-cache", evidence, found=None, figure=why)
    alike = [row for row in rows if row["distinct"] < DISTINCT_MIN * row["rows"]]
    if alike:
        figure = (
            f"the same answers to {alike[0]['same']} of {alike[0]['rows']} rows, in every shape: "
            "the two agree, or a cache sees through the shapes; from outside nobody can tell"
        )
        return result("stale-cache", evidence, found=None, figure=figure)
    if any(row["stale"] > row["flips"] and row["stale"] >= STALE_MIN for row in rows):
        figure = f"{_figure(worst)}, which may be chance"
        return result("stale-cache", evidence, found=None, figure=figure)
    compared = max(row["rows"] for row in rows)
    figure = f"0 of {compared} answers were those of the other one"
    if worst["stale"]:
        figure = f"{worst['stale']} of {worst['rows']} answers changed, no more than fresh ones"
    return result("stale-cache", evidence, found=False, figure=figure)


def _figure(row: dict[str, Any]) -> str:
    return (
        f"{row['stale']} of {row['rows']} answers ({row['asked']}) were the other one's and "
        f"changed when asked {row['shape']}; of {row['fresh']} fresh ones {row['flips']} did"
    )
