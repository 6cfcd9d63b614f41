"""A load over time as a still picture: what became of the requests, and how long they took."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from seatrial.report.characters import visible
from seatrial.report.figures.palette import GRID, INK, MUTED, SERIES
from seatrial.report.figures.waterfall import FONT
from seatrial.report.wording import number

WIDTH, LEFT, RIGHT = 860, 62, 16
TOP, COUNTS, BETWEEN, LATENCY, FOOT = 44, 190, 40, 150, 34
LEGEND_GAP, LEGEND_SWATCH = 18, 12
CHARACTER_PX = 6.4
"""Width of a legend's letter, roughly; it only spaces the legend."""

KINDS = (
    ("plain", "answered", SERIES[0]),
    ("degraded", "degraded", SERIES[5]),
    ("deferred", "ticket", SERIES[4]),
    ("rejected", "rejected", SERIES[1]),
    ("timeouts", "timeout", SERIES[2]),
    ("errors", "failed", INK),
)
LINES = (("p50_ms", "p50", SERIES[3]), ("p99_ms", "p99", SERIES[2]))


def timeline_svg(moments: Sequence[Mapping[str, Any]]) -> str:
    """Draw a timeline as a static SVG, the same bytes for the same figures on any machine.

    Above, requests per second by what became of them, stacked; the line is what was sent, which
    is more where clients try again. Below, percentiles of what was answered, on a scale of powers
    of ten.

    Args:
        moments: Rows of the table ``timeline``.

    Returns:
        One ``<svg>`` element; everything in it is escaped. Empty without rows.
    """
    return _Drawing(moments).svg() if moments else ""


class _Drawing:
    """Lays out one load; all coordinates are in px, one decimal."""

    def __init__(self, moments: Sequence[Mapping[str, Any]]) -> None:
        self.moments = moments
        self.start = float(moments[0]["at_s"])
        self.end = float(moments[-1]["at_s"] + moments[-1]["width_s"])
        self.most = max(max(m["offered"], m["attempts"]) / m["width_s"] for m in moments) or 1.0
        known = [m[name] for m in moments for name, _, _ in LINES if m[name]]
        self.low = math.floor(math.log10(min(known))) if known else 0
        self.high = max(math.ceil(math.log10(max(known))), self.low + 1) if known else 1
        self.floor = TOP + COUNTS
        self.roof = self.floor + BETWEEN
        self.height = self.roof + LATENCY + FOOT

    def svg(self) -> str:
        size = f'width="{WIDTH}" height="{self.height}"'
        title = "Requests per second by what became of them, and percentiles of latency, over time"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'{size} role="img" aria-label="{title}" font-family="{FONT}" font-size="12">'
        )
        return "\n".join(
            [
                head,
                f"<title>{title}</title>",
                f'<rect {size} fill="#ffffff"/>',
                *self._axes(),
                *self._stacks(),
                self._attempts(),
                *(self._line(name, colour) for name, _, colour in LINES),
                *self._legends(),
                "</svg>",
            ]
        )

    def _x(self, moment_s: float) -> float:
        return LEFT + (moment_s - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT)

    def _count_y(self, per_s: float) -> float:
        return self.floor - per_s / self.most * COUNTS

    def _latency_y(self, ms: float) -> float:
        share = (math.log10(max(ms, 10.0**self.low)) - self.low) / (self.high - self.low)
        return self.roof + LATENCY * (1 - share)

    def _axes(self) -> list[str]:
        drawn = []
        for per_s in _ticks(0.0, self.most):
            drawn += self._rule(self._count_y(per_s), number(per_s))
        for power in range(self.low, self.high + 1):
            drawn += self._rule(self._latency_y(10.0**power), _power(power))
        for moment_s in _ticks(self.start, self.end):
            x = self._x(moment_s)
            drawn.append(_text(x, self.height - 14, f"{moment_s:g} s", anchor="middle"))
            drawn.append(
                f'<path d="M{x:.1f} {self.roof + LATENCY}v4M{x:.1f} {self.floor}v4" '
                f'stroke="{MUTED}"/>'
            )
        return drawn

    def _rule(self, y: float, said: str) -> list[str]:
        return [
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>',
            _text(LEFT - 8, y + 4, said, anchor="end"),
        ]

    def _stacks(self) -> list[str]:
        drawn = []
        for moment in self.moments:
            left, right = self._x(moment["at_s"]), self._x(moment["at_s"] + moment["width_s"])
            width, below = max(right - left - 0.4, 0.4), 0.0
            hint = f"<title>{escape(_hint(moment))}</title>"
            bars = []
            for name, _, colour in KINDS:
                per_s = _count(moment, name) / moment["width_s"]
                if per_s <= 0:
                    continue
                top, bottom = self._count_y(below + per_s), self._count_y(below)
                bars.append(
                    f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                    f'height="{bottom - top:.1f}" fill="{colour}"/>'
                )
                below += per_s
            if bars:
                drawn.append(f"<g>{hint}{''.join(bars)}</g>")
        return drawn

    def _attempts(self) -> str:
        if sum(moment["attempts"] - moment["offered"] for moment in self.moments) <= 0:
            return ""
        return self._path(lambda m: self._count_y(m["attempts"] / m["width_s"]), INK)

    def _line(self, name: str, colour: str) -> str:
        return self._path(lambda m: None if m[name] is None else self._latency_y(m[name]), colour)

    def _path(self, height: Callable[[Mapping[str, Any]], float | None], colour: str) -> str:
        """Draw one line through the middles of the moments, broken where nothing is known."""
        steps, broken = [], True
        for moment in self.moments:
            y = height(moment)
            if y is not None:
                x = self._x(moment["at_s"] + moment["width_s"] / 2)
                # A lone point is drawn as a short stroke.
                steps.append(f"{'M' if broken else 'L'}{x:.1f} {y:.1f}{'h0.1' if broken else ''}")
            broken = y is None
        return (
            f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="1.8" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
            if steps
            else ""
        )

    def _legends(self) -> list[str]:
        seen = [
            (said, colour)
            for name, said, colour in KINDS
            if any(_count(moment, name) for moment in self.moments)
        ]
        if self._attempts():
            seen.append(("sent, retries included", "line"))
        top = _legend(LEFT, 24, "requests/s", seen)
        lines = [(said, colour) for _, said, colour in LINES]
        return top + _legend(LEFT, self.roof - 12, "latency of what was answered", lines)


def _power(power: int) -> str:
    return f"{10 ** (power - 3)} s" if power >= 3 else f"{10.0**power:g} ms"  # noqa: PLR2004  (ms in a s)


def _legend(x: float, y: float, title: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    drawn = [_text(x, y, title, bold=True)]
    x += len(title) * CHARACTER_PX + 2 * LEGEND_GAP
    for said, colour in entries:
        height, fill = (2, INK) if colour == "line" else (10, colour)
        drawn.append(
            f'<rect x="{x:.1f}" y="{y - 4 - height / 2:.1f}" width="{LEGEND_SWATCH}" '
            f'height="{height}" fill="{fill}"/>'
        )
        drawn.append(_text(x + LEGEND_SWATCH + 5, y, said))
        x += LEGEND_SWATCH + 5 + len(said) * CHARACTER_PX + LEGEND_GAP
    return drawn


def _count(moment: Mapping[str, Any], name: str) -> float:
    if name == "plain":
        return float(moment["answered"] - moment["degraded"])
    return float(moment[name])


def _hint(moment: Mapping[str, Any]) -> str:
    figures = [
        f"{said} {_count(moment, name):g}" for name, said, _ in KINDS if _count(moment, name)
    ]
    servers = [
        f"{visible(name, longest=40)}: {count}" for name, count in moment["served_by"].items()
    ]
    worst = "" if moment["p99_ms"] is None else f"; p99 {number(moment['p99_ms'])} ms"
    by = f" ({', '.join(servers)})" if servers else ""
    return f"from {moment['at_s']:g} s: {', '.join(figures) or 'nothing due'}{by}{worst}"


def _ticks(start: float, end: float) -> list[float]:
    """Return about five round figures within a range.

    >>> _ticks(0.0, 91.0)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    rough = (end - start) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(start / step - 1e-9)
    return [round(n * step, 9) for n in range(first, math.floor(end / step + 1e-9) + 1)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight} '
        f'fill="{INK if bold else MUTED}">{escape(text)}</text>'
    )
