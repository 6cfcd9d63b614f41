"""Week 1: precision-variants."""

from __future__ import annotations

from typing import Any

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import ItemResult
from seatrial.trials.case import Case, judged, missing, unmeasured

ITEM = "precision-variants"


def prove_precision_variants(case: Case) -> ItemResult:
    """Judge the variants: at least one measured, and the served one inside its budget."""
    evidence = case.evidence.get("variants")
    if evidence is None:
        return missing(case, ITEM, "variants")
    rows = [row for row in evidence.table("variants") if row["name"] != "original"]
    measured = [row for row in rows if row["state"] == "measured"]
    if not measured:
        return unmeasured(
            ITEM, _reasons(rows) or "the model brings no variant and none could be made"
        )
    served = case.settings.serving.variant
    chosen = next((row for row in measured if row["name"] == served), None)
    figure = "; ".join(_figure(row) for row in measured)
    budget = case.settings.budget.variant_accuracy_points
    if budget is None:
        return unmeasured(
            ITEM, "no budget set", figure=figure, fix="set [budget] variant_accuracy_points"
        )
    if chosen is not None:
        return _served(evidence, chosen, budget, figure)
    if served != "original":
        why = next((row["why"] for row in rows if row["name"] == served), "there is none")
        return judged(
            ITEM,
            "fail",
            figure,
            because=f"{served} is served and was not measured: {why}",
            fix='[serving] variant = "original"',
            evidence=(evidence,),
        )
    faster = worth_serving(evidence, case.settings)
    advice = f'serve the faster one: [serving] variant = "{faster[0]}"' if faster else ""
    return judged(
        ITEM, "pass", figure, because=_losers(measured, budget), fix=advice, evidence=(evidence,)
    )


def _reasons(rows: list[dict[str, Any]]) -> str:
    """Say why there is no variant, each reason once with the variants it stops."""
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row["why"], []).append(row["name"])
    return "; ".join(f"{', '.join(stopped)}: {why}" for why, stopped in names.items())


def worth_serving(evidence: Evidence, settings: Settings) -> list[str]:
    """Return the variants that are faster and inside the accuracy budget, the fastest first.

    Without a budget none may cost anything that the interval can tell from nothing.
    """
    budget = settings.budget.variant_accuracy_points or 0.0
    rows = [
        row
        for row in evidence.table("variants")
        if row["name"] != "original"
        and row["state"] == "measured"
        and (row["low"] >= -budget or (budget == 0.0 and row["low"] <= 0.0 <= row["high"]))
        and (row.get("speedup") or 0.0) > 1.0
    ]
    rows.sort(key=lambda row: row["speedup"], reverse=True)
    return [row["name"] for row in rows]


def _served(evidence: Evidence, row: dict[str, Any], budget: float, figure: str) -> ItemResult:
    if row["high"] < -budget:
        return judged(
            ITEM,
            "fail",
            figure,
            because=f"{row['name']} is served and costs more than {budget:g} points",
            fix='[serving] variant = "original"',
            evidence=(evidence,),
        )
    if row["low"] < -budget:
        return judged(
            ITEM,
            "warn",
            figure,
            because=f"{row['name']} is served; its interval reaches beyond {budget:g} points",
            fix="measure on more eval rows",
            evidence=(evidence,),
        )
    return judged(ITEM, "pass", figure, because=f"{row['name']} is served", evidence=(evidence,))


def _figure(row: dict[str, Any]) -> str:
    return (
        f"{row['name']} {row['change_points']:+.1f} points "
        f"({row['low']:+.1f} to {row['high']:+.1f}), {row.get('speedup') or 0:.2f}x speed"
    )


def _losers(rows: list[dict[str, Any]], budget: float) -> str:
    losers = []
    for row in rows:
        if (row.get("speedup") or 0.0) <= 1.0:
            losers.append(f"{row['name']} (not faster)")
        elif row["low"] < -budget:
            losers.append(f"{row['name']} (may cost {-row['low']:.1f} points)")
    return f"not worth serving: {', '.join(losers)}" if losers else "all are faster and in budget"
