"""The gap as a waterfall: the data behind it, and a picture written without a browser."""

from __future__ import annotations

from html import escape
from typing import Any

from seatrial.evidence.gap import GapDocument
from seatrial.report.characters import cleaned, visible
from seatrial.report.figures.palette import BASE, GAIN, GRID, INK, LOSS, MUTED
from seatrial.report.headline import worst_step
from seatrial.report.wording import interval, known, percent, points

LABEL_LONGEST = 24
"""Characters of a step's name beside its bar."""

AXIS_STEP = 10
"""Per cent between two lines of the axis."""

DIGITS = 6
"""Decimals kept in the data, so that it is the same on every machine."""

FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
OPACITY = {"accuracy": 1.0, "causal": 1.0, "association": 0.55, "remainder": 0.3}
"""How sure the cause is, as how solid the bar is; the word stands beside it too."""


def waterfall_data(gap: GapDocument) -> dict[str, Any]:
    """Return what the waterfall draws, in per cent, rounded: CI compares it with the picture.

    Args:
        gap: The gap, measured or not.

    Returns:
        ``title``, ``metric``, ``axis`` (first and last per cent drawn) and ``bars``: each with
        ``label``, ``kind`` (``accuracy`` or that of the step), ``start``, ``end``, and the
        interval ``low``, ``high`` of its end, all in per cent; ``points`` for steps. Where
        production is not measured there are no steps, where it is unknown no production bar.
    """
    gap = cleaned(gap)
    bars = [_level("eval", gap.eval.accuracy, gap.eval.low, gap.eval.high)]
    bars.extend(_steps(gap))
    production = gap.production
    if known(production.accuracy):
        label = "production" if production.state == "measured" else "production (estimate)"
        bars.append(_level(label, production.accuracy, production.low, production.high))
    return {
        "title": finding(gap),
        "metric": gap.metric,
        "axis": _axis(bars),
        "bars": bars,
    }


def finding(gap: GapDocument) -> str:
    """Say in one sentence what the waterfall shows."""
    accuracy = gap.production.accuracy
    if gap.production.state == "unknown" or not known(accuracy):
        return f"{percent(gap.eval.accuracy)} on eval; production is not known"
    verb = "becomes" if gap.production.state == "measured" else "is estimated to become"
    text = f"{percent(gap.eval.accuracy)} on eval {verb} {percent(accuracy)} in production"
    worst = worst_step(gap)
    if worst is None:
        return text
    name = visible(worst.id, longest=LABEL_LONGEST)
    return f"{text}: {name} costs most ({points(worst.points)} points)"


def waterfall_svg(gap: GapDocument) -> str:
    """Draw the waterfall as a static SVG, the same bytes for the same gap on any machine.

    It needs no script and no font file, and is readable on light and dark pages because it
    brings its own background.

    Args:
        gap: The gap to draw.

    Returns:
        One ``<svg>`` element; everything in it is escaped.
    """
    return _Drawing(waterfall_data(gap)).svg()


def _level(
    label: str, accuracy: float | None, low: float | None, high: float | None
) -> dict[str, Any]:
    return {
        "label": label,
        "kind": "accuracy",
        "start": 0.0,
        "end": _rounded(accuracy, scale=100.0),
        "low": _rounded(low, scale=100.0),
        "high": _rounded(high, scale=100.0),
    }


def _steps(gap: GapDocument) -> list[dict[str, Any]]:
    bars, level = [], 100.0 * gap.eval.accuracy
    for step in gap.steps or ():
        bars.append(
            {
                "label": visible(step.id, longest=LABEL_LONGEST),
                "kind": step.kind,
                "start": _rounded(level),
                "end": _rounded(level + step.points),
                "low": None if step.low is None else _rounded(level + step.low),
                "high": None if step.high is None else _rounded(level + step.high),
                "points": _rounded(step.points),
            }
        )
        level += step.points
    return bars


def _rounded(value: float | None, *, scale: float = 1.0) -> float | None:
    # Adding 0.0 turns a negative zero into a plain one.
    return round(scale * value, DIGITS) + 0.0 if known(value) else None


def _axis(bars: list[dict[str, Any]]) -> list[int]:
    """Return the first and last per cent drawn: whole tens around everything, at least three."""
    ends = [bar["end"] for bar in bars]
    edges = [bar[key] for bar in bars for key in ("low", "high") if bar[key] is not None]
    levels = [level for level in (*ends, *edges) if level is not None] or [0.0, 100.0]
    first = AXIS_STEP * int((min(levels) - AXIS_STEP / 2) // AXIS_STEP)
    last = AXIS_STEP * -int(-(max(levels) + 1) // AXIS_STEP)
    return [max(0, min(first, last - 3 * AXIS_STEP)), min(100, last)]


class _Drawing:
    """Lays out one waterfall; all coordinates are in px, one decimal.

    Args:
        data: What :func:`waterfall_data` returned.
    """

    width, left, right, top, row = 780, 190, 170, 64, 30
    thickness, tick = 18, 4

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.first, self.last = data["axis"]
        self.bottom = self.top + self.row * len(data["bars"])
        self.height = self.bottom + 52

    def svg(self) -> str:
        """Return the whole picture."""
        title = escape(self.data["title"])
        size = f'width="{self.width}" height="{self.height}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"',
            f' {size} role="img" aria-label="{title}" font-family="{FONT}" font-size="13">',
            f"<title>{title}</title>",
            f'<rect {size} fill="#ffffff"/>',
            _text(16, 30, title, size=15, bold=True),
            *self._grid(),
        ]
        for index, bar in enumerate(self.data["bars"]):
            if bar["end"] is not None:
                lines += self._bar(index, bar)
        return "\n".join([*lines, *self._legend(), "</svg>"]) + "\n"

    def _x(self, level: float) -> float:
        share = min(1.0, max(0.0, (level - self.first) / (self.last - self.first)))
        return float(self.left + share * (self.width - self.left - self.right))

    def _middle(self, index: int) -> float:
        return self.top + self.row * index + self.row / 2

    def _grid(self) -> list[str]:
        lines = []
        for level in range(self.first, self.last + 1, AXIS_STEP):
            x = self._x(level)
            lines.append(f'<path d="M{x:.1f} {self.top - 8}V{self.bottom}" stroke="{GRID}"/>')
            lines.append(
                _text(x, self.top - 13, f"{level} %", anchor="middle", size=11, colour=MUTED)
            )
        return lines

    def _bar(self, index: int, bar: dict[str, Any]) -> list[str]:
        middle = self._middle(index)
        level = bar["kind"] == "accuracy"
        value = f"{bar['end']:.1f} %" if level else points(bar["points"])
        baseline, column = middle + 4.5, self.width - self.right
        lines = [
            _text(self.left - 12, baseline, escape(bar["label"]), anchor="end", bold=level),
            self._rectangle(bar, middle),
            self._lines(index, bar, middle),
            _text(column + 66, baseline, value, anchor="end", bold=level),
        ]
        if not level:
            lines.append(_text(column + 84, baseline, bar["kind"], size=11, colour=MUTED))
        span = interval(bar["low"], bar["high"])
        hint = f"{bar['label']}: {value}{f', interval of its end {span} %' if span else ''}"
        return [f"<g><title>{escape(hint)}</title>", *lines, "</g>"]

    def _rectangle(self, bar: dict[str, Any], middle: float) -> str:
        start, end = self._x(bar["start"]), self._x(bar["end"])
        step = bar.get("points")
        colour = (LOSS if step < 0 else GAIN) if step else BASE
        return (
            f'<rect x="{min(start, end):.1f}" y="{middle - self.thickness / 2:.1f}" '
            f'width="{max(1.0, abs(end - start)):.1f}" height="{self.thickness}" '
            f'fill="{colour}" fill-opacity="{OPACITY[bar["kind"]]:g}" stroke="{colour}"/>'
        )

    def _lines(self, index: int, bar: dict[str, Any], middle: float) -> str:
        """Draw the whisker, and lead the eye from the end of this bar to the start of the next."""
        drawn = ""
        if bar["low"] is not None and bar["high"] is not None:
            low, high, tick = self._x(bar["low"]), self._x(bar["high"]), self.tick
            drawn = (
                f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - tick:.1f}'
                f'v{2 * tick}M{high:.1f} {middle - tick:.1f}v{2 * tick}" stroke="{INK}" '
                'stroke-width="1.3" fill="none"/>'
            )
        if index < len(self.data["bars"]) - 1:
            half = self.thickness / 2
            drawn += (
                f'<path d="M{self._x(bar["end"]):.1f} {middle + half:.1f}'
                f'V{middle + self.row - half:.1f}" stroke="{BASE}"/>'
            )
        return drawn

    def _legend(self) -> list[str]:
        start = f"; the axis starts at {self.first} %" if self.first else ""
        metric = escape(visible(self.data["metric"], longest=LABEL_LONGEST))
        first = f"{metric} in per cent, steps in points{start}; whiskers are intervals of each end."
        second = (
            "Solid: causal (rows re-scored with the factor undone). Lighter: association. "
            "Lightest: what no factor explains."
        )
        steps = any(bar["kind"] != "accuracy" for bar in self.data["bars"])
        return [
            _text(16, self.bottom + 24 + 16 * row, line, size=11, colour=MUTED)
            for row, line in enumerate((first, second) if steps else (first,))
        ]


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    bold: bool = False,
    colour: str = INK,
) -> str:
    """Return a text element; ``text`` is escaped already."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight} '
        f'fill="{colour}">{text}</text>'
    )
