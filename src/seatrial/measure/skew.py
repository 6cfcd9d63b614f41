"""The same rows, answered in the notebook and by the service: where do they differ?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import SeatrialError, UnreachableError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.causes import Case, explain
from seatrial.measure.mismatch import Mismatch, mismatch, refusal
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject
from seatrial.stats.intervals import wilson

KIND = "skew"

TOLERANCE = 1e-4
"""Relative; the noise of float32 arithmetic in another batch or on another machine stays below."""

CHUNK = 25
"""Rows that are asked through both doors before the clock is looked at."""

EXAMPLES = 12
SHOWN = 160
"""Characters of an input that an example shows."""

EXPLAIN_SHARE = 0.3
"""Of the time budget, kept for finding out what the service does to its inputs."""

Reply = Answer | SeatrialError


class Row(Struct, frozen=True):
    """One input and what each side said to it, twice, alone."""

    index: int
    value: Any
    inside: tuple[Reply, Reply]
    outside: tuple[Reply, Reply]


def measure_skew(
    inside: Subject,
    outside: Subject,
    inputs: Sequence[Any],
    *,
    at: Conditions,
    budget: TimeBudget | None = None,
    tolerance: float = TOLERANCE,
) -> Evidence:
    """Ask both sides the same rows and compare.

    Every row is asked alone, so that a model whose answers depend on their company is not taken
    for skew, and twice on each side, so that a model that contradicts itself is not either; both
    are counted apart. What differs is then explained, where one thing that services do to inputs
    (cut, lower-case, re-order, re-encode, round, drop) makes the notebook answer as the service.

    Args:
        inside: The model as the notebook has it.
        outside: The same model behind its URL.
        inputs: Rows.
        at: Conditions of the trial.
        budget: Fewer rows are asked where it is short.
        tolerance: Relative difference of numbers that counts as the same.

    Raises:
        UnreachableError: The service does not answer at all.
    """
    recorder = Recorder(KIND, at=at, settings={"rows": len(inputs), "tolerance": tolerance})
    rows = _ask_all(
        inside,
        outside,
        inputs,
        recorder=recorder,
        budget=budget,
        rng=np.random.default_rng(at.seed),
    )
    stable = [row for row in rows if _comparable(row, tolerance)]
    found = {row.index: _compare(row, tolerance) for row in stable}
    changed = [row for row in stable if found[row.index] is not None]
    _report(recorder, rows, stable, tolerance)
    differing = {index: one for index, one in found.items() if one is not None}
    _report_changed(recorder, changed, differing, compared=len(stable))
    together, why = _in_company(outside, stable, tolerance)
    recorder.value(
        "company_changed",
        together,
        "rows",
        n=len(stable),
        method="the service's answers alone against its own in one request",
        note=why,
    )
    if changed:
        cases = [Case(row.value, row.outside[0]) for row in changed]
        same = [row.value for row in stable if found[row.index] is None]
        causes = explain(inside, cases, same, tolerance=tolerance, budget=budget)
        recorder.table("causes", [msgspec.structs.asdict(cause) for cause in causes])
    return recorder.finish()


def _ask_all(
    inside: Subject,
    outside: Subject,
    inputs: Sequence[Any],
    *,
    recorder: Recorder,
    budget: TimeBudget | None,
    rng: np.random.Generator,
) -> list[Row]:
    mine = budget.share(1.0 - EXPLAIN_SHARE) if budget else None
    rows: list[Row] = []
    # What a short budget leaves has to be a sample of all rows, not the first of a sorted file.
    order = rng.permutation(len(inputs)).tolist()
    for start in range(0, len(order), CHUNK):
        if mine and mine.spent() and rows:
            recorder.cut(f"the time budget allowed {len(rows)} of {len(inputs)} rows")
            break
        for index in order[start : start + CHUNK]:
            value = inputs[index]
            here = (_alone(inside, value), _alone(inside, value))
            rows.append(Row(index, value, here, (_alone(outside, value), _alone(outside, value))))
        _check_reachable(rows)
    return sorted(rows, key=lambda row: row.index)


def _alone(subject: Subject, value: Any) -> Reply:
    try:
        return subject.answer([value]).answers[0]
    except SeatrialError as error:
        return error


def _check_reachable(rows: Sequence[Row]) -> None:
    replies = [reply for row in rows for reply in row.outside]
    if replies and all(isinstance(reply, UnreachableError) for reply in replies):
        raise replies[0]  # type: ignore[misc]  # all are errors, as was just seen


def _comparable(row: Row, tolerance: float) -> bool:
    """Whether the notebook answers the row, and neither side contradicts itself."""
    return isinstance(row.inside[0], Answer) and all(
        _agrees(pair, tolerance) for pair in (row.inside, row.outside)
    )


def _agrees(pair: tuple[Reply, Reply], tolerance: float) -> bool:
    first, second = pair
    if isinstance(first, Answer) and isinstance(second, Answer):
        return mismatch(first, second, tolerance=tolerance) is None
    return type(first) is type(second)


def _compare(row: Row, tolerance: float) -> Mismatch | None:
    here, there = row.inside[0], row.outside[0]
    assert isinstance(here, Answer)  # noqa: S101  (what comparable means)
    if isinstance(there, SeatrialError):
        return refusal(here, there.message)
    return mismatch(here, there, tolerance=tolerance)


def _in_company(outside: Subject, rows: Sequence[Row], tolerance: float) -> tuple[int | None, str]:
    """Return how many rows the service answers otherwise when they come together, or why not."""
    answered = [row for row in rows if isinstance(row.outside[0], Answer)]
    if not outside.takes_batches:
        return None, "a request of this service carries one row"
    if not answered:
        return None, "the service answers no row that could be compared"
    changed = 0
    for start in range(0, len(answered), CHUNK):
        part = answered[start : start + CHUNK]
        try:
            together = outside.answer([row.value for row in part]).answers
        except SeatrialError as error:
            return None, f"it answers each of {len(part)} rows alone, but not together: {error}"
        pairs = zip(part, together, strict=True)
        changed += sum(not _agrees((row.outside[0], one), tolerance) for row, one in pairs)
    return changed, ""


def _report(
    recorder: Recorder, rows: Sequence[Row], stable: Sequence[Row], tolerance: float
) -> None:
    unanswered = sum(isinstance(row.inside[0], SeatrialError) for row in rows)
    for name, side in (("inside", 0), ("outside", 1)):
        pairs = [(row.inside, row.outside)[side] for row in rows]
        unstable = sum(not _agrees(pair, tolerance) for pair in pairs)
        recorder.value(f"unstable_{name}", unstable, "rows", n=len(rows), method="asked twice")
        if unstable:
            who = "the model in process" if name == "inside" else "the service"
            recorder.criticise(
                f"{who} contradicts itself on {unstable} of {len(rows)} rows, which were left out"
            )
    if unanswered:
        recorder.criticise(
            f"the model in process cannot answer {unanswered} of {len(rows)} rows, which were "
            "left out"
        )
    recorder.value("compared", len(stable), "rows", n=len(rows))


def _report_changed(
    recorder: Recorder, changed: Sequence[Row], found: dict[int, Mismatch], *, compared: int
) -> None:
    recorder.value("changed", len(changed) if compared else None, "rows", n=compared)
    ends = wilson(len(changed), compared) if compared else None
    recorder.value(
        "changed_share",
        len(changed) / compared if compared else None,
        "share",
        n=compared,
        low=ends.low if ends else None,
        high=ends.high if ends else None,
        level=ends.level if ends else None,
        method=ends.method if ends else "",
        note="" if compared else "no row could be compared",
    )
    kinds = Counter(one.kind for one in found.values())
    recorder.table("kinds", [{"kind": kind, "rows": rows} for kind, rows in kinds.most_common()])
    recorder.table("examples", _examples(changed, found))


def _examples(changed: Sequence[Row], found: dict[int, Mismatch]) -> list[dict[str, Any]]:
    """Return a few rows, one of each kind first."""
    seen: set[str] = set()
    firsts: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for row in changed:
        one = found[row.index]
        example = {"row": row.index, "input": shown(row.value), **msgspec.structs.asdict(one)}
        (others if one.kind in seen else firsts).append(example)
        seen.add(one.kind)
    return (firsts + others)[:EXAMPLES]


def shown(value: Any) -> str:
    """Return an input for people: one line, shortened."""
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
