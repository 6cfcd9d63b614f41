"""Patterns in failures, what shifted, and consistency, as sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.evidence.documents import Evidence
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.patterns import Pattern, Patterns
from seatrial.evidence.risks import Risk
from seatrial.report.characters import visible
from seatrial.report.closing import Section
from seatrial.report.tables import CELL_LONGEST, Column, Table, table_of
from seatrial.report.wording import interval, percent, plural, points

EXAMPLE_LONGEST = 120
"""Characters of an input among examples: a table of five has to fit a screen."""

KNOWN_BY = {
    "labels": "labels",
    "flips": "answers that change when it is undone",
    "behaviour": "how the model behaves there",
    "nothing": "",
}
"""What a cost is known by, in words."""

CHANCE = 0.05
"""From here on, a shift is one that chance could have made."""


def pattern_sections(gap: GapDocument) -> tuple[Section, ...]:
    """Return what shifted and what it costs, and the patterns in failures, where looked for."""
    found = []
    if gap.risks:
        found.append(_risks(gap.risks))
    if gap.patterns is not None:
        found.append(_patterns(gap.patterns))
    return tuple(found)


def consistency_sections(evidences: Sequence[Evidence]) -> tuple[Section, ...]:
    """Return how far the same question gets the same answer, where that was measured."""
    return tuple(_consistency(one) for one in evidences if one.kind == "consistency")


def _patterns(patterns: Patterns) -> Section:
    title = "Patterns in failures"
    if patterns.why:
        return Section(title=title, lines=(f"Not looked for: {patterns.why}.",), tables=())
    among = (
        f"{plural(patterns.looked_at, 'slice')} of {plural(patterns.rows, 'reviewed row')}, "
        f"{patterns.errors:,.0f} of them answered wrongly"
    )
    if not patterns.found:
        return Section(
            title=title, lines=(f"No pattern found among {among}.", _seen(patterns)), tables=()
        )
    chance = percent(patterns.level, digits=0)
    lines = [
        f"Found among {among}; the chance that any of them is none is {chance} at most.",
        "Each holds beyond those above it; intervals hold for all slices looked at together.",
        _seen(patterns),
    ]
    examples = [
        row for place, one in enumerate(patterns.found, start=1) for row in _examples(place, one)
    ]
    tables = [("Slices that err more than the rest", _found(patterns.found))]
    if examples:
        headings = ("No.", "Row", "Input", "Answer", "Label")
        tables.append(
            ("Wrong answers in them, drawn by chance", _table(examples, headings, (0, 1)))
        )
    return Section(title=title, lines=tuple(line for line in lines if line), tables=tuple(tables))


def _seen(patterns: Patterns) -> str:
    if patterns.detectable_points is None:
        return "So few reviews show a slice of a tenth of the rows only by luck."
    return (
        "A slice of a tenth of the rows is seen, four times in five, if it errs "
        f"{patterns.detectable_points:.0f} points more."
    )


def _found(found: Sequence[Pattern]) -> Table:
    rows = [
        (
            str(place),
            visible(one.name, longest=CELL_LONGEST),
            percent(one.share),
            f"{one.n:,}",
            percent(one.error),
            interval(one.low, one.high, scale=100),
            percent(one.rest_error),
            f"{points(one.excess_points)} ({interval(one.excess_low, one.excess_high)})",
            visible("; ".join(one.also), longest=CELL_LONGEST),
        )
        for place, one in enumerate(found, start=1)
    ]
    headings = (
        "No.",
        "Where",
        "Share",
        "n",
        "Wrong",
        "Interval",
        "Elsewhere",
        "Points more",
        "Also said as",
    )
    return _table(rows, headings, (0, 2, 3, 4, 5, 6, 7))


def _examples(place: int, pattern: Pattern) -> list[tuple[str, ...]]:
    return [
        (
            str(place),
            f"{one.row:,}",
            visible(one.input, longest=EXAMPLE_LONGEST),
            visible(str(one.answer), longest=CELL_LONGEST),
            visible(str(one.label), longest=CELL_LONGEST),
        )
        for one in pattern.examples
    ]


def _risks(risks: Sequence[Risk]) -> Section:
    rows = [
        (
            one.factor,
            percent(one.eval_share),
            percent(one.production_share),
            "more than chance" if one.p < CHANCE else "chance",
            points(one.points) if one.points is not None else "not known",
            interval(one.low, one.high),
            KNOWN_BY[one.known_by],
            visible(one.why, longest=CELL_LONGEST),
        )
        for one in risks
    ]
    headings = ("Factor", "On eval", "In production", "Rise", "Points", "Interval", "By", "Why")
    line = "A shift that costs nothing is an explanation, not a failure."
    table = _table(rows, headings, (1, 2, 4, 5))
    return Section(
        title="What shifted, and what it costs",
        lines=(line,),
        tables=(("Factors of the ledger, each beside the rows that lack it", table),),
    )


def _consistency(evidence: Evidence) -> Section:
    lines = [
        _share(evidence, "changed_repeat", "asked again, alone"),
        _share(evidence, "changed_company", "asked in other company"),
        _share(evidence, "changed_reworded", "put a little otherwise"),
    ]
    tables = [
        (caption, table_of(evidence.table(name)))
        for name, caption in (
            ("edits", "Light edits that keep the label, and the answers that they change"),
            ("examples", "The answers that changed, the most confident ones first"),
        )
        if evidence.table(name)
    ]
    return Section(
        title="The same question asked twice",
        lines=tuple(line for line in lines if line),
        tables=tuple(tables),
    )


def _share(evidence: Evidence, name: str, how: str) -> str:
    if not evidence.has(name):
        return ""
    one = evidence.value(name)
    same = None if one.value is None else 1.0 - one.value
    ends = ""
    if one.low is not None and one.high is not None:
        ends = f" ({interval(1.0 - one.high, 1.0 - one.low, scale=100)})"
    return f"{percent(same)}{ends} of {plural(one.n or 0, 'answer')} stay the same {how}."


def _table(
    rows: Sequence[tuple[str, ...]], headings: Sequence[str], numeric: Sequence[int]
) -> Table:
    kept = [place for place in range(len(headings)) if any(row[place] for row in rows)]
    return Table(
        columns=tuple(Column(heading=headings[one], numeric=one in numeric) for one in kept),
        rows=tuple(tuple(row[one] for one in kept) for row in rows),
    )
