"""Charts of the gap: the waterfall, and accuracy by slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from seatrial.evidence.gap import GapDocument, Slice
from seatrial.report.characters import visible
from seatrial.report.figures.chart import (
    ROW_PX,
    TITLE_LONGEST,
    Chart,
    column,
    figure,
    line_at,
    said,
)
from seatrial.report.figures.palette import BASE, GAIN, LOSS, MIDDLE
from seatrial.report.figures.waterfall import OPACITY, waterfall_data
from seatrial.report.wording import interval, known, percent, points

SLICES_SHOWN = 24
"""Dots that one chart can hold; the table beside it has more."""

SMALLEST_SHARE = 0.02
"""A slice with less traffic than this does not make the title."""

BAR_WIDTH = 0.62
"""Share of its row that a bar fills."""

NAMES = {LOSS: "loss", GAIN: "gain", BASE: "none"}
PATTERNS = {"accuracy": "", "causal": "", "association": "/", "remainder": "."}


def waterfall_chart(gap: GapDocument) -> Chart | None:
    """Draw eval, each step and production as the ledger is read; ``None`` for eval alone."""
    data = waterfall_data(gap)
    bars, (first, last) = data["bars"], data["axis"]
    if len(bars) == 1:
        return None
    groups = list(dict.fromkeys((bar["kind"], _colour(bar)) for bar in bars))
    traces = [_bars(kind, colour, bars, first) for kind, colour in groups]
    labels = [_label(bar) for bar in bars]
    drawn = figure(
        *traces,
        height=ROW_PX * len(bars) + 110,
        barmode="overlay",
        annotations=[
            column(_value(bar), y=index, bold=bar["kind"] == "accuracy")
            for index, bar in enumerate(bars)
        ],
        margin_r=72,
    )
    drawn.update_xaxes(range=[first, last], ticksuffix=" %", title_text=_axis_title(data))
    drawn.update_yaxes(
        tickvals=list(range(len(bars))),
        ticktext=labels,
        range=[len(bars) - 0.5, -0.5],
        showgrid=False,
    )
    note = "Whiskers are intervals of each bar's end."
    if gap.steps:
        note += (
            " Solid: causal, rows were re-scored with the factor undone. Hatched: association. "
            "Dotted: what no factor explains."
        )
    return Chart(name="waterfall", title=data["title"], note=note, figure=drawn)


def slices_chart(gap: GapDocument) -> Chart | None:
    """Draw accuracy by slice with intervals; ``None`` where there are fewer than two slices."""
    if len(gap.slices) < 2:  # noqa: PLR2004  (one slice compares with nothing)
        return None
    shown = sorted(_largest(gap.slices), key=lambda row: (row.by, -row.share))
    names = [said(f"{row.by} = {row.value}") for row in shown]
    drawn = figure(
        go.Scatter(
            x=[100 * row.accuracy for row in shown],
            y=list(range(len(shown))),
            error_x={
                "type": "data",
                "array": [100 * (row.high - row.accuracy) for row in shown],
                "arrayminus": [100 * (row.accuracy - row.low) for row in shown],
                "color": MIDDLE,
                "thickness": 1.4,
                "width": 4,
            },
            mode="markers",
            marker={"size": 10, "color": GAIN},
            customdata=[said(_slice_hint(row), longest=120) for row in shown],
            hovertemplate="%{customdata}<extra></extra>",
        ),
        height=ROW_PX * len(shown) + 110,
        annotations=[
            column(percent(row.share, digits=0), y=index) for index, row in enumerate(shown)
        ],
        shapes=_references(gap),
        showlegend=False,
        margin_r=56,
        margin_t=40,
    )
    drawn.update_xaxes(
        range=_span(shown, gap),
        ticksuffix=" %",
        title_text=said(f"{gap.metric} in production", longest=60),
    )
    drawn.update_yaxes(
        tickvals=list(range(len(shown))),
        ticktext=names,
        range=[len(shown) - 0.5, -0.5],
    )
    left = len(gap.slices) - len(shown)
    more = f" The {left} smallest slices are left out." if left else ""
    note = f"Dots with intervals; on the right the share of traffic.{more}"
    return Chart(name="slices", title=_slices_title(gap), note=note, figure=drawn)


def _bars(kind: str, colour: str, bars: Sequence[dict[str, Any]], first: float) -> go.Bar:
    rows = [
        (index, bar)
        for index, bar in enumerate(bars)
        if (bar["kind"], _colour(bar)) == (kind, colour)
    ]
    starts = [max(bar["start"], first) for _, bar in rows]
    ends = [bar["end"] for _, bar in rows]
    return go.Bar(
        name=kind if kind in {"accuracy", "remainder"} else f"{kind} {NAMES[colour]}",
        orientation="h",
        width=BAR_WIDTH,
        y=[index for index, _ in rows],
        base=starts,
        x=[end - start for start, end in zip(starts, ends, strict=True)],
        marker={
            "color": colour,
            "opacity": max(OPACITY[kind], 0.55),
            "pattern": {"shape": PATTERNS[kind], "solidity": 0.35, "size": 6},
            "line": {"width": 0},
        },
        error_x={
            "type": "data",
            "array": [_reach(bar["high"], bar["end"]) for _, bar in rows],
            "arrayminus": [_reach(bar["end"], bar["low"]) for _, bar in rows],
            "color": MIDDLE,
            "thickness": 1.4,
            "width": 4,
        },
        showlegend=kind == "accuracy" or colour != BASE,
        customdata=[_hint(bar) for _, bar in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _reach(above: float | None, below: float | None) -> float:
    return max(0.0, above - below) if above is not None and below is not None else 0.0


def _colour(bar: dict[str, Any]) -> str:
    if bar["kind"] == "accuracy":
        return BASE
    return (LOSS if bar["points"] < 0 else GAIN) if bar["points"] else BASE


def _label(bar: dict[str, Any]) -> str:
    label = said(bar["label"])
    return f"<b>{label}</b>" if bar["kind"] == "accuracy" else label


def _value(bar: dict[str, Any]) -> str:
    return f"{bar['end']:.1f} %" if bar["kind"] == "accuracy" else points(bar["points"])


def _hint(bar: dict[str, Any]) -> str:
    span = interval(bar["low"], bar["high"])
    unit = "" if bar["kind"] == "accuracy" else f" points ({bar['kind']})"
    text = said(f"{bar['label']}: {_value(bar)}{unit}", longest=120)
    return f"{text}<br>level {bar['end']:.1f} %{f', interval {span} %' if span else ''}"


def _axis_title(data: dict[str, Any]) -> str:
    first = data["axis"][0]
    start = f" (axis starts at {first} %)" if first else ""
    return said(f"{data['metric']}{start}", longest=60)


def _largest(slices: Sequence[Slice]) -> list[Slice]:
    return sorted(slices, key=lambda row: -row.share)[:SLICES_SHOWN]


def _references(gap: GapDocument) -> list[dict[str, Any]]:
    lines = [line_at(100 * gap.eval.accuracy, axis="x", label="eval")]
    if known(gap.production.accuracy):
        level = 100 * gap.production.accuracy
        lines.append(line_at(level, axis="x", label="production", colour=BASE))
    return lines


def _span(shown: Sequence[Slice], gap: GapDocument) -> list[float]:
    """Return the part of the axis that holds every interval and both reference lines."""
    levels = [gap.eval.accuracy, *(edge for row in shown for edge in (row.low, row.high))]
    if known(gap.production.accuracy):
        levels.append(gap.production.accuracy)
    kept = [level for level in levels if known(level)]
    return [max(0.0, 100 * min(kept) - 4), 100 * max(kept) + 4]


def _slice_hint(row: Slice) -> str:
    span = interval(row.low, row.high, scale=100)
    return f"{row.by} = {row.value}: {percent(row.accuracy)} ({span}), n = {row.n:,}"


def _slices_title(gap: GapDocument) -> str:
    """Name the slice that costs most: its share times how far it lies below all of production."""
    large = [row for row in gap.slices if row.share >= SMALLEST_SHARE] or list(gap.slices)
    overall = gap.production.accuracy if known(gap.production.accuracy) else gap.eval.accuracy
    worst = max(large, key=lambda row: row.share * (overall - row.accuracy))
    if worst.accuracy >= overall:
        return "All slices are alike"
    name = visible(f"{worst.by} = {worst.value}", longest=TITLE_LONGEST)
    return (
        f"The slice that costs most is {name}: {percent(worst.accuracy)} "
        f"on {percent(worst.share, digits=0)} of traffic"
    )
