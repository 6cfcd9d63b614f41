"""A load for people: on a terminal, and as one HTML file with a picture and no script."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jinja2
from markupsafe import Markup
from rich.console import Console
from rich.table import Table as Grid

from seatrial.evidence.documents import Evidence
from seatrial.report.characters import cleaned
from seatrial.report.figures.timeline import timeline_svg
from seatrial.report.loadtables import (
    Stretch,
    headline_figures,
    over_time,
    parts,
    stretches,
)
from seatrial.report.page import INDENT, Page
from seatrial.report.tables import blocks
from seatrial.report.wording import instant, number

ROWS_MOST = 24
"""Of the table over time on a terminal; the report shows more, ``--json`` every second."""

HTML_ROWS_MOST = 120
BAR_CELLS = (16, 8)
"""Widths of a bar over time, the first that fits; where none does there are no bars."""

HEADS = 8
"""What their headings may be wider than bars."""

EIGHTHS = " ▏▎▍▌▋▊▉█"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render_load(evidence: Evidence, *, console: Console) -> None:
    """Print a load: its figures, its course, what was special, and last what it comes to.

    Args:
        evidence: Of the kind ``load``.
        console: Where to print; it decides width and colour.
    """
    evidence = cleaned(evidence)
    page = Page(console)
    page.title(f"Load on {evidence.release}")
    page.say(str(evidence.settings.get("plan", "")))
    page.blank()
    page.show(_figures(page, evidence))
    rows = stretches(evidence.table("timeline"), most=ROWS_MOST)
    if len(rows) > 1:
        merged = rows[0].seconds > 1
        note = f" ({rows[0].seconds:g} s a row: p50 the median, p99 the worst)" if merged else ""
        page.heading(f"Over time{note}")
        _course(page, rows)
    for title, table in parts(evidence):
        page.heading(title)
        page.tables(table)
    page.blank()
    for line in evidence.criticisms:
        page.say(f"Weak point: {line}", "yellow")
    page.say(f"{instant(evidence.started)}, {number(evidence.duration_s)} s")
    page.blank()
    page.say(str(evidence.settings.get("verdict", "")), "bold")


def load_html(evidence: Evidence) -> str:
    """Return a load as one HTML document that asks nothing of any network and runs no script.

    Args:
        evidence: Of the kind ``load``.
    """
    name = evidence.id
    evidence = cleaned(evidence)
    rows = stretches(evidence.table("timeline"), most=HTML_ROWS_MOST)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("seatrial.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    machine = evidence.machine
    return environment.get_template("load.html.j2").render(
        url=evidence.release,
        name=name,
        plan=evidence.settings.get("plan", ""),
        verdict=evidence.settings.get("verdict", ""),
        figures=headline_figures(evidence),
        picture=Markup(timeline_svg(evidence.table("timeline"))),  # noqa: S704  (escaped where it is drawn)
        course=over_time(rows),
        seconds=f"{rows[0].seconds:g}" if rows else "",
        parts=list(parts(evidence)),
        criticisms=evidence.criticisms,
        machine=machine.summary(),
        started=instant(evidence.started),
        version=machine.versions.get("seatrial", ""),
        policy=POLICY,
    )


def bar(share: float, *, cells: int, plain: bool = False) -> str:
    """Draw a share of 1 as a bar in eighths of a cell; whatever is above nothing can be seen.

    >>> bar(0.5, cells=4), bar(0.001, cells=4), bar(1.0, cells=4, plain=True)
    ('██  ', '▏   ', '####')
    """
    eighths = math.ceil(min(max(share, 0.0), 1.0) * cells * 8)
    full, rest = divmod(eighths, 8)
    if plain:
        return ("#" * (full + (rest > 0))).ljust(cells)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(cells)


def _figures(page: Page, evidence: Evidence) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, said in headline_figures(evidence):
        grid.add_row(page.text(name), page.text(said))
    return grid


def _course(page: Page, rows: Sequence[Stretch]) -> None:
    """Print the table over time; where there is room, with bars of the load and of the tail."""
    table = over_time(rows)
    width = page.console.width - INDENT
    fits = [n for n in BAR_CELLS if len(list(blocks(table, width - 2 * (n + 2) - HEADS))) == 1]
    if not fits:
        page.tables(table)
        return
    cells = fits[0]
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in table.columns:
        grid.add_column(page.text(column.heading), justify="right", no_wrap=True)
    grid.add_column(page.text("answered, others"), no_wrap=True)
    grid.add_column(page.text("p99"), no_wrap=True)
    most = max(row.per_s["offered"] for row in rows) or 1.0
    slowest = max((row.p99_ms or 0.0 for row in rows), default=0.0) or 1.0
    for row, texts in zip(rows, table.rows, strict=True):
        load = bar(row.per_s["offered"] / most, cells=cells, plain=page.plain)
        done = math.ceil(row.per_s["answered"] / most * cells - 1e-9)
        shown = page.text(load[:done], "green")
        shown.append_text(page.text(load[done:], "red"))
        tail = page.text(bar((row.p99_ms or 0.0) / slowest, cells=cells, plain=page.plain), "cyan")
        grid.add_row(*(page.text(text) for text in texts), shown, tail)
    page.show(grid)
