"""What every chart has in common: its finding, its look and how text enters it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from seatrial.report.characters import visible
from seatrial.report.figures.palette import MIDDLE

FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
FONT_PX = 13
HEIGHT_PX = 380
ROW_PX = 32
"""Height of one bar or dot with its label."""

LABEL_LONGEST = 22
"""Characters of a label on an axis: more leaves no room for the chart on a telephone."""

TITLE_LONGEST = 60
"""Characters of one name inside a title."""

FAINT = "rgba(130, 139, 152, 0.25)"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure and the sentence that says what it shows.

    Attributes:
        name: Unique in a report: a-z and hyphens.
        title: The finding, as plain text.
        note: How to read it, as plain text.
        figure: Without a title of its own, so that the page can wrap it.
    """

    name: str
    title: str
    note: str
    figure: go.Figure

    def titled(self) -> go.Figure:
        """Return the figure with its finding as title, to stand alone."""
        figure = go.Figure(self.figure)
        figure.update_layout(title={"text": said(self.title, longest=200), "x": 0}, margin_t=64)
        return figure


def said(text: str, *, longest: int = LABEL_LONGEST) -> str:
    """Return text as a chart may hold it: Plotly reads a subset of HTML in every string.

    >>> said("<b>bold</b>")
    '&lt;b&gt;bold&lt;/b&gt;'
    """
    return escape(visible(text, longest=longest), quote=False)


def figure(*traces: Any, height: int = HEIGHT_PX, **layout: Any) -> go.Figure:
    """Build a figure in the house look.

    Args:
        *traces: Plotly traces.
        height: In px; the width is that of the page.
        **layout: Layout of this chart, on top of the look.

    Returns:
        The figure, without Plotly's own template.
    """
    drawn = go.Figure(list(traces), layout={"template": None})
    drawn.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        font={"family": FONT, "size": FONT_PX, "color": MIDDLE},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
        hoverlabel={"font": {"family": FONT, "size": FONT_PX}, "align": "left"},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"},
    )
    drawn.update_xaxes(**_AXIS)
    drawn.update_yaxes(**_AXIS)
    drawn.update_layout(**layout)
    return drawn


def column(text: str, *, y: float | str, bold: bool = False) -> dict[str, Any]:
    """Return an annotation to the right of a row, outside the plot."""
    return {
        "text": f"<b>{text}</b>" if bold else text,
        "xref": "paper",
        "x": 1,
        "xanchor": "left",
        "xshift": 8,
        "yref": "y",
        "y": y,
        "showarrow": False,
    }


def line_at(
    value: float, *, axis: str, label: str, colour: str = MIDDLE, anchor: str = ""
) -> dict[str, Any]:
    """Return a dashed reference line across the plot, with its label, as a layout shape."""
    across = "y" if axis == "x" else "x"
    return {
        "type": "line",
        f"{axis}0": value,
        f"{axis}1": value,
        f"{across}ref": "paper",
        f"{across}0": 0,
        f"{across}1": 1,
        "line": {"dash": "dash", "width": 1.3, "color": colour},
        "label": {
            "text": label,
            "textposition": "end" if axis == "x" else "start",
            "textangle": 0,
            "font": {"size": 11},
            "yanchor": "bottom",
            "xanchor": anchor or ("center" if axis == "x" else "left"),
        },
    }


_AXIS: dict[str, Any] = {
    "automargin": True,
    "fixedrange": True,
    "gridcolor": FAINT,
    "zeroline": False,
    "showline": False,
    "ticks": "",
    "ticklabelstandoff": 6,
    "title": {"standoff": 10, "font": {"size": FONT_PX}},
}
