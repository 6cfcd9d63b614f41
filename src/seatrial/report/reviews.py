"""What the reviews say, as sentences and tables, the same in every renderer."""

from __future__ import annotations

from seatrial.evidence.gap import GapDocument
from seatrial.evidence.reviews import ReviewInterval, Reviews
from seatrial.report.characters import visible
from seatrial.report.closing import Section
from seatrial.report.tables import CELL_LONGEST, Column, Table
from seatrial.report.wording import interval, known, percent

SMALLEST_GAIN = 0.005
"""Below half a per cent, what strata and confidence gain is not worth a sentence."""

WORDS = {
    "one declared look": "valid at one declared look",
    "whenever you look": "valid whenever you look",
}


def review_sections(gap: GapDocument) -> tuple[Section, ...]:
    """Return what reviews say and what more would; nothing where there is nothing to review."""
    reviews = gap.reviews
    if reviews is None:
        return ()
    lines = [f"{reviews.labelled:,} of {reviews.answered:,} answered requests are reviewed."]
    lines += [_interval(one) for one in reviews.intervals]
    if known(reviews.gain) and reviews.gain - 1.0 >= SMALLEST_GAIN:
        lines.append(
            f"Strata and confidence make one label worth {reviews.gain:.2f} of a plain random one."
        )
    tables = (
        ("Reviewed, by stratum", _strata(reviews)),
        ("What so many reviews would give", _plans(reviews)),
        ("Reviews that a width needs", _needs(reviews)),
    )
    kept = tuple(one for one in tables if one[1].rows)
    return (Section(title="Reviews", lines=tuple(lines), tables=kept),)


def _interval(one: ReviewInterval) -> str:
    span = interval(one.low, one.high, scale=100)
    return f"{span} %, {WORDS[one.valid]} ({percent(one.level, digits=0)}, {one.method})."


def _strata(reviews: Reviews) -> Table:
    rows = tuple(
        (
            visible(one.name, longest=CELL_LONGEST),
            percent(one.share),
            f"{one.n:,}",
            percent(one.accuracy),
        )
        for one in reviews.strata
    )
    return _table(("Stratum", "Share of answered", "Reviewed", "Accuracy"), rows)


def _plans(reviews: Reviews) -> Table:
    rows = tuple(
        (f"{one.reviews:,}", f"±{one.declared_points:.1f}", f"±{one.anytime_points:.1f}")
        for one in reviews.plans
    )
    return _table(("Reviews", "One declared look, points", "Whenever you look, points"), rows)


def _needs(reviews: Reviews) -> Table:
    rows = tuple(
        (
            f"±{one.points:g}",
            f"{one.declared:,}",
            "all" if one.anytime is None else f"{one.anytime:,}",
        )
        for one in reviews.needs
    )
    return _table(("To reach, points", "One declared look", "Whenever you look"), rows)


def _table(headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Table:
    columns = tuple(
        Column(heading=heading, numeric=place > 0) for place, heading in enumerate(headings)
    )
    return Table(columns=columns, rows=rows)
