"""Variants beside the original: accuracy with a paired interval, latency, size, changed answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError, SeatrialError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.equality import Ruler
from seatrial.measure.pairing import Ratio, paired_ratio
from seatrial.measure.quiet import steady
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject
from seatrial.stats.intervals import paired_difference
from seatrial.stats.scores import RowScore, missing, row_scores

ORIGINAL = "original"
CHUNK = 64
"""Rows a call while accuracy is measured."""

BATCH = 32
"""Rows a call in the throughput column, unless the caller knows a better size."""

ANSWER_SHARE = 0.6
"""Part of the budget for answering rows; the rest is for timing."""

SINGLE_PAIRS_MAX, BATCH_PAIRS_MAX = 60, 15
MIB = 1024**2
_FIGURES = (
    "accuracy change_points low high n p50_ms items_per_s batch speedup speedup_low speedup_high "
    "changed_answers compared size_mib"
)
FEW_ROWS = 200


class NotMade(Struct, frozen=True):
    """A variant that there is not, and why."""

    why: str
    failed: bool = False


class Labelled(Struct, frozen=True):
    """Rows with labels, and how an answer is scored against one."""

    inputs: Sequence[Any]
    labels: Sequence[Any]
    metric: str = "accuracy"
    custom: RowScore | None = None


class _Seen(Struct):
    """What was measured of one version of the model."""

    answers: list[Answer]
    production: list[Answer]
    why: str = ""
    singles_s: list[float] | None = None
    batch_s: float | None = None
    gain: Ratio | None = None


def measure_variants(
    original: Subject,
    variants: Mapping[str, Subject | NotMade],
    rows: Labelled,
    *,
    at: Conditions,
    budget: TimeBudget,
    production: Sequence[Any] = (),
    batch: int = BATCH,
    sizes_bytes: Mapping[str, int] | None = None,
    must_equal: Sequence[str] = (),
) -> Evidence:
    """Measure variants beside the original on the same rows.

    Args:
        original: The model as it is.
        variants: By name; what could not be made says why.
        rows: Eval rows.
        at: Conditions.
        budget: When to stop.
        production: Production rows, whose answers are compared too.
        batch: Rows a call for throughput.
        sizes_bytes: Size on disk by name.
        must_equal: Variants whose preprocessing was converted: they count only where they answer
            every eval and production row as the original does.

    Returns:
        Evidence of kind ``variants`` with the table ``variants``; the first row is the original.

    Raises:
        DataError: There are no rows with a label, or labels of another type than the answers.
        ModelError: The original cannot answer.
    """
    recorder = Recorder(
        "variants",
        at=at,
        settings={"batch": batch, "metric": rows.metric, "budget_s": budget.seconds},
    )
    kept = [row for row, label in enumerate(rows.labels) if not missing(label)]
    if not kept:
        raise DataError("there are no rows with a label.", hint="Label some of the eval rows.")
    order = np.random.default_rng(at.seed).permutation(kept)
    subjects = {ORIGINAL: original} | {
        name: subject for name, subject in variants.items() if not isinstance(subject, NotMade)
    }
    with steady():
        seen = _answer_all(
            subjects,
            [rows.inputs[int(row)] for row in order],
            list(production),
            recorder,
            budget=budget.share(ANSWER_SHARE),
        )
        inputs = [rows.inputs[int(row)] for row in order]
        _time_all(subjects, seen, inputs, batch=batch, budget=budget)
    labels = [rows.labels[int(row)] for row in order[: len(seen[ORIGINAL].answers)]]
    table = []
    for name in (ORIGINAL, *variants):
        version = variants.get(name)
        if isinstance(version, NotMade):
            table.append(_absent(name, version))
        else:
            row = _row(name, seen, labels, rows, batch=batch, must_equal=name in must_equal)
            size = (sizes_bytes or {}).get(name)
            table.append(row | {"size_mib": None if size is None else size / MIB})
    recorder.table("variants", table)
    recorder.value("compared", len(labels), "rows")
    if len(labels) < FEW_ROWS:
        recorder.criticise(f"{len(labels)} labelled rows leave the accuracy intervals wide")
    if must_equal and not production:
        recorder.criticise("without production rows, converted preprocessing cannot be trusted")
    return recorder.finish()


def _answer_all(
    subjects: Mapping[str, Subject],
    inputs: list[Any],
    production: list[Any],
    recorder: Recorder,
    *,
    budget: TimeBudget,
) -> dict[str, _Seen]:
    """Let every version answer the same rows in step, so that all have as many when time ends."""
    seen = {name: _Seen([], []) for name in subjects}
    for start in range(0, len(inputs), CHUNK):
        if start and budget.spent():
            recorder.cut(f"the time budget allowed {start} of {len(inputs)} eval rows")
            break
        for name, subject in subjects.items():
            seen[name].answers += _ask(subject, inputs[start : start + CHUNK], seen[name], name)
    for start in range(0, len(production), CHUNK):
        if start and budget.spent():
            recorder.cut(f"the time budget allowed {start} of {len(production)} production rows")
            break
        for name, subject in subjects.items():
            part = production[start : start + CHUNK]
            seen[name].production += _ask(subject, part, seen[name], name)
    return seen


def _ask(subject: Subject, part: list[Any], seen: _Seen, name: str) -> list[Answer]:
    if seen.why:
        return []
    try:
        return subject.answer(part).answers
    except SeatrialError as error:
        if name == ORIGINAL:
            raise
        seen.why = error.message
        return []


def _time_all(
    subjects: Mapping[str, Subject],
    seen: dict[str, _Seen],
    inputs: list[Any],
    *,
    batch: int,
    budget: TimeBudget,
) -> None:
    whole = [inputs[int(at)] for at in np.resize(np.arange(len(inputs)), batch)]
    alive = [name for name in subjects if not seen[name].why]
    for number, name in enumerate(alive):
        share = budget.share(1.0 / (len(alive) - number))
        try:
            _time(subjects[ORIGINAL], subjects[name], seen[name], inputs, whole, budget=share)
        except SeatrialError as error:
            if name == ORIGINAL:
                raise
            seen[name].why = error.message


def _time(
    original: Subject,
    variant: Subject,
    seen: _Seen,
    inputs: list[Any],
    whole: list[Any],
    *,
    budget: TimeBudget,
) -> None:
    """Time single rows and whole batches, each beside the original on the same rows."""
    singles: list[float] = []
    batches: list[float] = []
    turn = 0

    def single(subject: Subject) -> float:
        return subject.answer([inputs[turn % len(inputs)]]).elapsed_s

    def one() -> float:
        nonlocal turn
        turn += 1
        singles.append(single(variant))
        return singles[-1]

    def many() -> float:
        batches.append(min(variant.answer(whole).elapsed_s for _ in range(3)))
        return batches[-1]

    variant.answer(inputs[:1])
    paired_ratio(
        lambda: single(original), one, budget=budget.share(0.4), pairs_max=SINGLE_PAIRS_MAX
    )
    seen.gain = paired_ratio(
        lambda: min(original.answer(whole).elapsed_s for _ in range(3)),
        many,
        budget=budget,
        pairs_max=BATCH_PAIRS_MAX,
    )
    seen.singles_s = singles
    seen.batch_s = float(np.median(batches)) if batches else None


def _row(
    name: str,
    seen: dict[str, _Seen],
    labels: list[Any],
    rows: Labelled,
    *,
    batch: int,
    must_equal: bool,
) -> dict[str, Any]:
    version, original = seen[name], seen[ORIGINAL]
    if version.why:
        return _absent(name, NotMade(version.why, failed=True))
    changed = _changed(original, version)
    compared = len(original.answers) + len(original.production)
    why = ""
    if must_equal and (changed or not original.production):
        why = (
            f"{changed} of {compared} answers differ once the preprocessing is converted"
            if changed
            else "equality on production rows was not measured: there are none"
        )
    before = row_scores(
        [answer.output for answer in original.answers],
        labels,
        metric=rows.metric,
        custom=rows.custom,
    )
    after = row_scores(
        [answer.output for answer in version.answers],
        labels,
        metric=rows.metric,
        custom=rows.custom,
    )
    interval = paired_difference(before, after)
    gain = version.gain
    return {
        "name": name,
        "state": "not_applicable" if why else "measured",
        "why": why,
        "accuracy": float(after.mean()),
        "change_points": 100.0 * float(after.mean() - before.mean()),
        "low": 100.0 * interval.low if name != ORIGINAL else 0.0,
        "high": 100.0 * interval.high if name != ORIGINAL else 0.0,
        "n": len(labels),
        "p50_ms": 1e3 * float(np.median(version.singles_s)) if version.singles_s else None,
        "items_per_s": batch / version.batch_s if version.batch_s else None,
        "batch": batch,
        "speedup": 1.0 if name == ORIGINAL else (gain.value if gain else None),
        "speedup_low": gain.low if gain else None,
        "speedup_high": gain.high if gain else None,
        "changed_answers": changed,
        "compared": compared,
    }


def _changed(original: _Seen, version: _Seen) -> int:
    """Count answers whose output differs; numbers by the noise of arithmetic."""
    bare = [Answer(answer.output) for answer in (*original.answers, *original.production)]
    other = [Answer(answer.output) for answer in (*version.answers, *version.production)]
    ruler = Ruler(bare)
    return sum(
        ruler.difference(first, second).changed for first, second in zip(bare, other, strict=True)
    )


def _absent(name: str, absent: NotMade) -> dict[str, Any]:
    state = "failed" if absent.failed else "not_applicable"
    return {"name": name, "state": state, "why": absent.why} | dict.fromkeys(_FIGURES.split())
