"""What is known without labels, and what stress does to the model, the same in every renderer."""

from __future__ import annotations

from seatrial.evidence.gap import GapDocument
from seatrial.evidence.labelfree import LabelFree, Robustness
from seatrial.report.characters import visible
from seatrial.report.closing import Section
from seatrial.report.tables import CELL_LONGEST, Column, Table
from seatrial.report.wording import interval, percent, points

UNSHIFTED = 0.6
"""Area under the curve up to which inputs are said to look like eval's."""


def estimate_sections(gap: GapDocument) -> tuple[Section, ...]:
    """Return the estimate with its limits, and the robustness table; nothing where neither is."""
    found = []
    if gap.estimate is not None:
        lines = (_estimated(gap.estimate), *_shift(gap.estimate), *_limits(gap.estimate))
        found.append(Section(title="Without labels", lines=lines, tables=()))
    if gap.robustness:
        table = _table(gap.robustness)
        line = "The eval rows, spoilt in ways that leave their labels as they are."
        caption = "Accuracy under stress, by family"
        found.append(Section(title="Under stress", lines=(line,), tables=((caption, table),)))
    return tuple(found)


def _estimated(one: LabelFree) -> str:
    if one.shown:
        span = interval(one.low, one.high, scale=100)
        level = percent(one.level, digits=0)
        return (
            f"Estimated: {percent(one.accuracy)} of answers are right ({span} %, {level}), learnt "
            f"from {one.stresses} spoilt versions of the eval rows."
        )
    low, high = percent(one.bound_low, digits=0), percent(one.bound_high, digits=0)
    return (
        f"Unknown: {visible(one.why)}. Of {percent(one.unknown_share, digits=0)} of the answers "
        f"nothing can be known; accuracy lies between {low} and {high}."
    )


def _shift(one: LabelFree) -> tuple[str, ...]:
    if one.shift is None:
        return ()
    same = "look like" if one.shift.high <= UNSHIFTED else "can be told from"
    span = interval(one.shift.low, one.shift.high, digits=2)
    return (
        f"Production inputs {same} eval's: a classifier's area is {one.shift.area:.2f} ({span}).",
    )


def _limits(one: LabelFree) -> tuple[str, ...]:
    offers = ", ".join(f"{offer.n:,} reviews ±{offer.points:.1f}" for offer in one.narrowing)
    narrowed = (f"What would narrow it, in points: {offers}.",) if offers else ()
    return (*narrowed, *(f"No estimate sees this: {visible(limit)}." for limit in one.limits))


def _table(families: tuple[Robustness, ...]) -> Table:
    rows = tuple(
        (
            visible(one.family, longest=CELL_LONGEST),
            percent(one.accuracy),
            interval(one.low, one.high, scale=100),
            points(one.points),
            visible(one.worst, longest=CELL_LONGEST),
            percent(one.worst_accuracy),
            f"{one.n:,}",
        )
        for one in families
    )
    headings = ("Family", "Accuracy", "Interval", "Points", "Worst", "Its accuracy", "Answers")
    texts = {"Family", "Worst"}
    columns = tuple(Column(heading=name, numeric=name not in texts) for name in headings)
    return Table(columns=columns, rows=rows)
