"""Charts of speed: items per second by batch, and latency percentiles by rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from seatrial.evidence.documents import Evidence
from seatrial.report.figures.chart import FONT_PX, Chart, figure, line_at
from seatrial.report.figures.palette import MIDDLE, SERIES
from seatrial.report.limits import limits_of
from seatrial.report.wording import known, number

Row = Mapping[str, Any]

PERCENTILES = ("p50_ms", "p95_ms", "p99_ms", "p999_ms")
NAMES = {"p50_ms": "p50", "p95_ms": "p95", "p99_ms": "p99", "p999_ms": "p99.9"}
DASHES = {"p50_ms": "solid", "p95_ms": "dash", "p99_ms": "dot", "p999_ms": "dashdot"}


def batch_chart(evidence: Evidence) -> Chart | None:
    """Draw items/s by batch size, p99 on the second axis; ``None`` without a sweep."""
    rows = _sorted(evidence.table("sweep"), "batch")
    if not rows:
        return None
    sizes = [row["batch"] for row in rows]
    drawn = figure(
        go.Scatter(
            x=sizes,
            y=_column(rows, "items_per_s"),
            name="items/s",
            mode="lines+markers",
            line={"color": SERIES[0], "width": 2.5},
            marker={"size": 8},
            hovertemplate="batch %{x}: %{y:,.0f} items/s<extra></extra>",
        ),
        go.Scatter(
            x=sizes,
            y=_column(rows, "p99_ms"),
            name="p99 of one call (right axis)",
            yaxis="y2",
            mode="lines+markers",
            line={"color": SERIES[2], "width": 2, "dash": "dot"},
            marker={"size": 7, "symbol": "diamond"},
            hovertemplate="batch %{x}: p99 %{y:.3~g} ms<extra></extra>",
        ),
        shapes=_cliffs(evidence),
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "tickmode": "auto",
            "title": {"text": "p99, ms", "standoff": 8, "font": {"size": FONT_PX}},
            "automargin": True,
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
    drawn.update_xaxes(type="log", tickvals=sizes, title_text="rows in one call (log scale)")
    drawn.update_layout(
        yaxis={"rangemode": "tozero", "title_text": "items/s", "tickformat": ",.3~s"}
    )
    note = "Higher is better for items/s, lower for p99."
    if _cliffs(evidence):
        note += " Dashed lines mark cliffs: batches at which items/s surely falls."
    return Chart(name="batch", title=_batch_title(evidence), note=note, figure=drawn)


def latency_chart(evidence: Evidence) -> Chart | None:
    """Draw percentiles by offered rate with the budget lines; ``None`` without rates."""
    rows = _sorted(evidence.table("rates"), "rate_per_s")
    if not rows:
        return None
    names = [name for name in PERCENTILES if any(known(row.get(name)) for row in rows)]
    drawn = figure(
        *(_percentile(name, rows, SERIES[index]) for index, name in enumerate(names)),
        shapes=[
            line_at(
                limit,
                axis="y",
                label=f"budget {NAMES[name]} {limit:g} ms",
                colour=SERIES[names.index(name)] if name in names else MIDDLE,
            )
            for name, limit in limits_of(evidence).items()
            if name in NAMES
        ],
    )
    drawn.update_xaxes(title_text="offered, requests/s", rangemode="tozero")
    drawn.update_yaxes(
        type="log", title_text="latency, ms (log scale)", dtick="D2", tickformat="~g"
    )
    note = "Timed from the scheduled arrival. Open markers: rates that did not hold."
    return Chart(name="latency", title=_latency_title(evidence, rows), note=note, figure=drawn)


def _sorted(rows: Sequence[Row], key: str) -> list[Row]:
    return sorted((row for row in rows if known(row.get(key))), key=lambda row: float(row[key]))


def _column(rows: Sequence[Row], name: str) -> list[float | None]:
    return [row[name] if known(row.get(name)) else None for row in rows]


def _percentile(name: str, rows: Sequence[Row], colour: str) -> go.Scatter:
    broken = [row.get("within_budget") is False for row in rows]
    return go.Scatter(
        x=[row["rate_per_s"] for row in rows],
        y=_column(rows, name),
        name=NAMES[name],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": DASHES[name]},
        marker={"size": 8, "symbol": ["circle-open" if out else "circle" for out in broken]},
        hovertemplate=f"{NAMES[name]} at %{{x:.3~g}} requests/s: %{{y:.3~g}} ms<extra></extra>",
    )


def _cliffs(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        line_at(row["batch"], axis="x", label="cliff ", anchor="right")
        for row in evidence.table("cliffs")
        if known(row.get("batch")) and known(row.get("high")) and row["high"] < 1
    ]


def _batch_title(evidence: Evidence) -> str:
    if not (evidence.has("batch_best") and evidence.has("items_per_s_max")):
        return "Items per second by batch size"
    best = evidence.value("batch_best").value
    fastest = evidence.value("items_per_s_max").value
    title = f"Fastest with {number(best)} rows in a call: {number(fastest, 'items/s')}"
    if evidence.has("speedup"):
        title += f", {number(evidence.value('speedup').value)} times one row at a time"
    return title


def _latency_title(evidence: Evidence, rows: Sequence[Row]) -> str:
    broken = next((row for row in rows if row.get("within_budget") is False), None)
    held = evidence.value("rate_max_per_s").value if evidence.has("rate_max_per_s") else None
    told = bool(limits_of(evidence))
    if broken is None:
        last = rows[-1]
        text = f"p99 is {number(last.get('p99_ms'), 'ms')} at {number(last['rate_per_s'])}"
        return f"{text} requests/s, {'within budget' if told else 'no budget set'}"
    rate, p99 = number(broken["rate_per_s"]), number(broken.get("p99_ms"), "ms")
    at = f"at {rate} requests/s p99 is {p99}"
    if held is None:
        return f"{'Over budget' if told else 'Does not keep up'}: {at}"
    start = "Within budget" if told else "Keeps up"
    return f"{start} to {number(held)} requests/s; {at}"
