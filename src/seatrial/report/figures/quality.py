"""Charts of answer quality: what variants cost and gain, and whether confidence holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from seatrial.evidence.documents import Evidence
from seatrial.report.characters import visible
from seatrial.report.figures.chart import TITLE_LONGEST, Chart, figure, line_at, said
from seatrial.report.figures.palette import MIDDLE, SERIES
from seatrial.report.wording import known, number, points

Row = Mapping[str, Any]

SYMBOLS = {"eval": "circle", "production": "diamond"}
SMALLEST_DOT_PX, LARGEST_DOT_PX = 6, 18


def variants_chart(evidence: Evidence) -> Chart | None:
    """Draw speed against accuracy for each variant; ``None`` where only the original was measured.

    Up and to the right is better: faster at the same or higher accuracy.
    """
    rows = [
        row
        for row in evidence.table("variants")
        if row.get("state") == "measured"
        and row.get("name") != "original"
        and known(row.get("speedup"))
        and known(row.get("change_points"))
    ]
    if not rows:
        return None
    drawn = figure(
        go.Scatter(
            x=[row["speedup"] for row in rows],
            y=[row["change_points"] for row in rows],
            error_y=_interval(rows),
            mode="markers",
            marker={"size": 12, "color": SERIES[0]},
            customdata=[_hint(row) for row in rows],
            hovertemplate="%{customdata}<extra></extra>",
        ),
        annotations=[
            {
                "text": said(str(row["name"])),
                "x": row["speedup"],
                "y": row["change_points"],
                "showarrow": False,
                "xanchor": "left",
                "yanchor": "top",
                "xshift": 6,
            }
            for row in rows
        ],
        shapes=[
            line_at(1.0, axis="x", label="as fast as the original"),
            line_at(0.0, axis="y", label="as accurate"),
        ],
        showlegend=False,
        margin_t=40,
    )
    fastest = max(1.0, *(float(row["speedup"]) for row in rows))
    drawn.update_xaxes(title_text="speed, times the original", range=[0, 1.35 * fastest])
    drawn.update_yaxes(title_text="accuracy change, points")
    note = "Up and to the right is better. Whiskers are paired intervals."
    return Chart(name="variants", title=_variants_title(rows), note=note, figure=drawn)


def calibration_chart(evidence: Evidence) -> Chart | None:
    """Draw accuracy by stated confidence (a reliability diagram); ``None`` without bins."""
    bins = [
        row
        for row in evidence.table("bins")
        if row.get("n") and known(row.get("confidence")) and known(row.get("accuracy"))
    ]
    if not bins:
        return None
    where = list(dict.fromkeys(str(row.get("on", "eval")) for row in bins))
    drawn = figure(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": MIDDLE, "dash": "dash", "width": 1.3},
            name="as stated",
            hoverinfo="skip",
        ),
        *(_reliability(name, bins, SERIES[index * 2 % 6]) for index, name in enumerate(where)),
    )
    drawn.update_xaxes(range=[0, 1.03], tickformat=".0%", title_text="stated confidence")
    drawn.update_yaxes(range=[0, 1.03], tickformat=".0%", title_text="share that was right")
    note = "Below the dashed line the model is surer than it is right. Larger dots hold more rows."
    return Chart(name="calibration", title=_calibration_title(evidence), note=note, figure=drawn)


def _interval(rows: Sequence[Row]) -> dict[str, Any]:
    def reach(row: Row, above: str, below: str) -> float:
        if not (known(row.get(above)) and known(row.get(below))):
            return 0.0
        return max(0.0, float(row[above]) - float(row[below]))

    return {
        "type": "data",
        "array": [reach(row, "high", "change_points") for row in rows],
        "arrayminus": [reach(row, "change_points", "low") for row in rows],
        "color": MIDDLE,
        "thickness": 1.4,
        "width": 4,
    }


def _hint(row: Row) -> str:
    return said(
        f"{row['name']}: {number(row['speedup'])} times as fast, "
        f"{points(row['change_points'])} points, {number(row.get('size_mib'), 'MiB')}",
        longest=160,
    )


def _variants_title(rows: Sequence[Row]) -> str:
    faster = [row for row in rows if float(row["speedup"]) > 1.0]
    if not faster:
        return "No variant is faster than the original"
    best = max(faster, key=lambda row: float(row["speedup"]))
    name = visible(str(best["name"]), longest=TITLE_LONGEST)
    return (
        f"{name} is {number(best['speedup'])} times as fast and changes "
        f"accuracy by {points(best['change_points'])} points"
    )


def _reliability(name: str, bins: Sequence[Row], colour: str) -> go.Scatter:
    rows = sorted(
        (row for row in bins if str(row.get("on", "eval")) == name),
        key=lambda row: float(row["confidence"]),
    )
    most = max(float(row["n"]) for row in rows)
    spread = LARGEST_DOT_PX - SMALLEST_DOT_PX
    return go.Scatter(
        x=[row["confidence"] for row in rows],
        y=[row["accuracy"] for row in rows],
        name=said(name),
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={
            "symbol": SYMBOLS.get(name, "square"),
            "size": [SMALLEST_DOT_PX + spread * (float(row["n"]) / most) ** 0.5 for row in rows],
        },
        customdata=[row["n"] for row in rows],
        hovertemplate="stated %{x:.0%}, right %{y:.0%}, n = %{customdata:,}<extra></extra>",
    )


def _calibration_title(evidence: Evidence) -> str:
    on_eval = evidence.value("ece_eval").value if evidence.has("ece_eval") else None
    users = evidence.value("ece_production").value if evidence.has("ece_production") else None
    if on_eval is None:
        return "Confidence against the share that was right"
    text = f"Confidence is off by {100 * on_eval:.1f} points on eval"
    return text if users is None else f"{text} and by {100 * users:.1f} in production"
