"""The same documents on a terminal: readable at 80 columns, with or without colour.

Nothing is said by colour alone, and the console decides whether there is any: rich leaves it out
where ``NO_COLOR`` is set or the output is not a terminal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as Grid

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import FailureResult, ItemResult, Status, TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.report.characters import cleaned
from seatrial.report.closing import Section, closing_sections
from seatrial.report.estimate import estimate_sections
from seatrial.report.headline import headline, users_get
from seatrial.report.ledger import ledger
from seatrial.report.page import INDENT, Page
from seatrial.report.patterns import consistency_sections, pattern_sections
from seatrial.report.reviews import review_sections
from seatrial.report.tables import (
    cell,
    slices_table,
    table_of,
    values_table,
    variants_table,
)
from seatrial.report.wording import (
    SYMBOLS,
    TODO,
    WORDS,
    abbreviated,
    instant,
    number,
    percent,
)

STYLES: dict[Status, str] = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "unmeasured": "bold",
    "not_applicable": "dim",
}
VERDICT_STYLES = {"yes": "bold green", "no": "bold red", "not known": "bold"}

SLICES_SHOWN = 20
ROWS_SHOWN = 20
"""Rows of a table on a terminal; ``--json`` and the report have the others."""


def render_trial(
    trial: TrialDocument, evidences: Sequence[Evidence] = (), *, console: Console
) -> None:
    """Print the checklist by week, the failures found, the gap, and the three answers.

    The answers come last, where the eye is when a command ends.

    Args:
        trial: The judged checklist, with the gap in it.
        evidences: The measurements behind it.
        console: Where to print; it decides width and colour.
    """
    trial = cleaned(trial)
    page = Page(console)
    page.title(f"Sea trial of {abbreviated(trial.release)}")
    ordered = sorted(trial.items, key=lambda item: item.week)
    for week, items in itertools.groupby(ordered, key=lambda item: item.week):
        page.heading(f"Week {week}")
        page.show(_items(page, items))
    if trial.failures:
        page.heading("Failures looked for")
        page.show(_failures(page, trial.failures))
    if trial.gap is not None:
        _gap(page, trial.gap)
    for section in consistency_sections([cleaned(one) for one in evidences]):
        _section(page, section)
    page.blank()
    page.say(f"{instant(trial.started)}, {number(trial.duration_s)} s, {trial.machine.summary()}")
    _headline(page, trial, [cleaned(evidence) for evidence in evidences])


def render_gap(gap: GapDocument, *, console: Console) -> None:
    """Print the ledger from eval to production, and the slices beside it.

    Args:
        gap: The gap, measured or not.
        console: Where to print; it decides width and colour.
    """
    page = Page(console)
    gap = cleaned(gap)
    _gap(page, gap)
    page.blank()
    page.say(f"{instant(gap.started)}, {number(gap.duration_s)} s, {gap.machine.summary()}")


def render_evidence(evidence: Evidence, *, console: Console) -> None:
    """Print one measurement: its figures, its tables, and what is weak about them.

    Args:
        evidence: The measurement, as it was frozen.
        console: Where to print; it decides width and colour.
    """
    page = Page(console)
    name = evidence.id
    evidence = cleaned(evidence)
    page.title(f"{evidence.kind} of {abbreviated(evidence.release)}")
    if evidence.values:
        page.tables(values_table(evidence.values))
    for title, rows in evidence.tables.items():
        if rows:
            page.heading(title)
            variants = evidence.kind == title == "variants"
            page.tables(variants_table(rows) if variants else table_of(rows, shown=ROWS_SHOWN))
    settings = "; ".join(f"{key} = {cell(value)}" for key, value in evidence.settings.items())
    page.blank()
    if settings:
        page.say(f"Settings: {settings}")
    _criticisms(page, evidence.criticisms)
    cut = ", cut short by the time budget" if evidence.cut_short else ""
    page.say(f"{name}: {instant(evidence.started)}, {number(evidence.duration_s)} s{cut}")
    page.say(evidence.machine.summary())


def _headline(page: Page, trial: TrialDocument, evidences: Sequence[Evidence]) -> None:
    head = headline(trial, trial.gap, evidences)
    answers = Grid.grid(padding=(0, 2, 0, 0))
    answers.add_column(no_wrap=True)
    answers.add_column(overflow="fold")
    ship = page.text(f"{head.verdict.capitalize()}. ", VERDICT_STYLES[head.verdict])
    ship.append_text(page.text(head.ship, "not bold"))
    answers.add_row(page.text("Can I ship?", "bold"), ship)
    answers.add_row("", page.text(f"{head.counts}. {head.users}".lstrip(". ")))
    for question, says, because in (
        ("What would break first?", head.breaks, head.breaks_because),
        ("What do I do next?", head.next, head.next_because),
    ):
        answers.add_row(page.text(question, "bold"), page.text(says))
        if because:
            answers.add_row("", page.text(because, "dim"))
    if head.command:
        answers.add_row("", page.text(head.command, "bold"))
    page.blank()
    page.console.print(answers)


def _items(page: Page, items: Iterable[ItemResult]) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=16)
    grid.add_column(min_width=22, no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    for item in items:
        style = STYLES[item.status]
        said = page.text(item.figure)
        todo = f"{TODO[item.status]}: {item.fix}" if item.fix else ""
        for line, look in ((item.because, "dim"), (todo, "")):
            if line:
                said.append_text(page.text(f"\n{line}" if said.plain else line, look))
        state = page.text(f"{SYMBOLS[item.status]} {WORDS[item.status]}", style)
        grid.add_row(state, page.text(item.id), said)
    return grid


def _failures(page: Page, failures: Sequence[FailureResult]) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=16)
    grid.add_column(min_width=22, no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    states = {
        True: page.text("✗ found", STYLES["fail"]),
        None: page.text("? cannot tell", STYLES["unmeasured"]),
        False: page.text("- not found", "dim"),
    }
    for failure in sorted(failures, key=lambda failure: failure.found is not True):
        said = page.text(failure.figure, "" if failure.found else "dim")
        if failure.contained_by:
            said.append_text(page.text(f"\ncontained by: {failure.contained_by}", "dim"))
        grid.add_row(states[failure.found], page.text(failure.id), said)
    return grid


def _gap(page: Page, gap: GapDocument) -> None:
    page.heading(f"From eval to production: {gap.metric}")
    page.say(users_get(gap), "")
    page.show(_ledger(page, gap))
    if gap.steps is None:
        page.say(f"No steps: {gap.production.why or 'production is not measured'}.")
    answered = gap.answered
    if answered is not None:
        page.say(
            f"Answers {percent(answered.share)} of requests, right on "
            f"{percent(answered.accuracy)} of those: {percent(answered.correct_of_all)} of all.",
            "",
        )
    for section in (
        *estimate_sections(gap),
        *review_sections(gap),
        *closing_sections(gap),
        *pattern_sections(gap),
    ):
        _section(page, section)
    if gap.slices:
        page.heading("Slices")
        page.tables(slices_table(gap.slices, shown=SLICES_SHOWN))
    _criticisms(page, gap.criticisms)


def _section(page: Page, section: Section) -> None:
    page.heading(section.title)
    for line in section.lines:
        page.say(line)
    for _, table in section.tables:
        page.tables(table)


def _ledger(page: Page, gap: GapDocument) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("step", overflow="fold", ratio=1)
    for name in ("points", "interval", "share"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("kind", no_wrap=True)
    for line in ledger(gap):
        style = "bold" if line.total else ""
        step = Group(page.text(line.name, style))
        if line.why:
            step.renderables.append(Padding(page.text(line.why, "dim"), (0, 0, 0, INDENT)))
        rest = (line.interval, line.share, line.kind)
        grid.add_row(step, page.text(line.figure, style), *(page.text(text) for text in rest))
    return grid


def _criticisms(page: Page, criticisms: Sequence[str]) -> None:
    for line in criticisms:
        page.say(f"Weak point: {line}", "yellow")
