"""What would close the gap and what confidence is worth, as sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from seatrial.evidence.closing import Closing, Pair, Remedy
from seatrial.evidence.confidence import Confidence, Mending, Promise
from seatrial.evidence.gap import GapDocument
from seatrial.report.characters import visible
from seatrial.report.tables import CELL_LONGEST, Column, Table
from seatrial.report.wording import interval, known, percent, points

STATES = {
    "made": "made",
    "none": "cannot be made",
    "kept": "kept",
    "broken": "broken",
    "open": "cannot be told",
    "withdrawn": "withdrawn",
}
"""What became of a promise, in words."""


class Section(Struct, frozen=True, kw_only=True):
    """One part of the gap: a title, sentences, then tables with captions."""

    title: str
    lines: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]


def closing_sections(gap: GapDocument) -> tuple[Section, ...]:
    """Return the two sections, those of which something is known."""
    found = []
    if gap.closing is not None and (gap.closing.remedies or gap.closing.why):
        found.append(_closing(gap.closing))
    if gap.confidence is not None:
        found.append(_confidence(gap.confidence))
    return tuple(found)


def _closing(closing: Closing) -> Section:
    lines = [f"Now: {_pair(closing.now)}."]
    if closing.remedies:
        lines.append(
            "Each was tried on the reviewed rows. Points are of correct of all requests; what "
            "withholds answers loses some, and is right more often on the rest. Intervals allow "
            f"for {closing.tries:,} tries, so that the best may be believed, and for the noise of "
            "the rows it is next tried on."
        )
    if closing.why:
        lines.append(f"{closing.why[0].upper()}{closing.why[1:]}.")
    tables = (("What would close it", _remedies(closing.remedies)),) if closing.remedies else ()
    return Section(title="What would close it", lines=tuple(lines), tables=tables)


def _remedies(remedies: Sequence[Remedy]) -> Table:
    rows = tuple(
        (
            visible(one.id, longest=CELL_LONGEST),
            points(one.points),
            interval(one.low, one.high),
            percent(one.then.share),
            percent(one.then.accuracy),
            interval(one.then.low, one.then.high, scale=100),
            percent(one.gives_up) if known(one.gives_up) else "",
            f"{one.n:,}",
            visible(f"{one.how}; {one.cost}", longest=2 * CELL_LONGEST),
        )
        for one in remedies
    )
    headings = (
        "Remedy",
        "Points",
        "Interval",
        "Answers",
        "Right then",
        "Its interval",
        "Withheld, right",
        "n",
        "How, and at what cost",
    )
    return _table(rows, headings, numeric=range(1, 8))


def _confidence(confidence: Confidence) -> Section:
    target = (
        f"The promise: {percent(confidence.target, digits=0)} right when it answers, at "
        f"{percent(confidence.certainty, digits=0)} certainty."
    )
    lines = [target, *(_promise(one) for one in _promises(confidence))]
    lines += [_mending(one) for one in confidence.mendings]
    if confidence.why:
        lines.append(f"{confidence.why[0].upper()}{confidence.why[1:]}.")
    rows = _promise_rows(confidence)
    tables = (("Thresholds and what they give", rows),) if rows.rows else ()
    return Section(title="Confidence", lines=tuple(lines), tables=tables)


def _promises(confidence: Confidence) -> list[Promise]:
    given = (confidence.promised, confidence.delivered, confidence.earned)
    return [one for one in given if one is not None]


def _promise(promise: Promise) -> str:
    where = "On eval" if promise.on == "eval" else "In production"
    if promise.state in {"made", "withdrawn"} and promise.on == "production":
        where = "From reviews"
    return f"{where} it is {STATES[promise.state]}: {promise.why}." if promise.why else where


def _promise_rows(confidence: Confidence) -> Table:
    rows = tuple(
        (
            "eval"
            if one.on == "eval"
            else "reviews"
            if one.state == "made"
            else "eval's, reviewed",
            "confidence" if one.by == "confidence" else "correctness model",
            f"{one.threshold:.3f}",
            percent(one.share),
            percent(one.accuracy),
            interval(one.low, one.high, scale=100),
            percent(one.correct_of_all),
            f"{one.n:,}",
        )
        for one in _promises(confidence)
        if one.threshold is not None
    )
    headings = (
        "Threshold of",
        "By",
        "From",
        "Answers",
        "Right then",
        "Interval",
        "Correct of all",
        "n",
    )
    return _table(rows, headings, numeric=range(2, 8))


def _mending(mending: Mending) -> str:
    where = "eval" if mending.on == "eval" else "reviewed answers"
    before, after = mending.before, mending.after
    said = (
        f"Calibration error on {where}: {before.value:.3f} ({before.low:.3f} to {before.high:.3f}, "
        f"n = {mending.n:,}; noise alone would show {before.floor:.3f}), mean confidence "
        f"{points(100 * mending.excess)} points off accuracy"
    )
    if mending.method == "none":
        return f"{said}. No map surely brings it nearer."
    how = (
        f"a temperature of {mending.temperature:.2f}"
        if mending.temperature is not None
        else "an isotonic map"
    )
    return f"{said}. With {how}: {after.value:.3f} ({after.low:.3f} to {after.high:.3f})."


def _pair(pair: Pair) -> str:
    return (
        f"answers {percent(pair.share)} of requests, right on {percent(pair.accuracy)} of those, "
        f"{percent(pair.correct_of_all)} of all"
    )


def _table(
    rows: tuple[tuple[str, ...], ...], headings: Sequence[str], *, numeric: Sequence[int]
) -> Table:
    kept = [index for index in range(len(headings)) if any(row[index] for row in rows)]
    return Table(
        columns=tuple(Column(heading=headings[at], numeric=at in numeric) for at in kept),
        rows=tuple(tuple(row[at] for at in kept) for row in rows),
    )
