"""The same question asked twice: exactly, in other company, and lightly reworded.

Every row is asked alone, and again alone; the second answer shows what the model does by itself.
Then it is asked under each light edit (:mod:`seatrial.measure.rewording`), alone as well, so that
neither neighbours nor dice are taken for a dislike of wording: an edit is charged only with what
it changes beyond exact repetition. Where labels are known, what an edit costs is told too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seatrial.core.clock import TimeBudget
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.asking import Asker, Refused
from seatrial.measure.rewording import reworded
from seatrial.measure.skew import shown
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject
from seatrial.stats.intervals import LEVEL, mean_interval, paired_difference
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]
Same = Callable[[list[Any], list[Any]], Floats]
"""``same(outputs, reference outputs)``: 1 where an answer is the same, in [0, 1]."""

KIND = "consistency"

ROWS_MAX = 300
"""Rows asked: a rate of 5 % is then known to 2.5 points either way."""

ROWS_WANTED = 100
"""Rows below which a rate is too wide to be judged without saying so."""

ROWS_LEAST = 20
"""Rows that an edit has to apply to before its rate is given an interval of its own."""

COMPANY = 16
"""Rows that keep each other company."""

EXAMPLES = 12
OTHERWISE = 0.5
"""Sameness below which an answer counts as another one, among the examples."""

Reply = Answer | Refused


class Asked(Struct, frozen=True):
    """One row: what was asked, twice, and what became of it under each edit."""

    row: int
    value: Any
    first: Answer
    again: Reply
    edited: dict[str, tuple[Any, Reply]]


def equal(outputs: list[Any], references: list[Any]) -> Floats:
    """Return 1 where two answers are equal."""
    return row_scores(outputs, references)


def measure_consistency(
    subject: Subject,
    inputs: Sequence[Any],
    *,
    at: Conditions,
    labels: Sequence[Any] | None = None,
    same: Same = equal,
    budget: TimeBudget | None = None,
) -> Evidence:
    """Ask rows twice, in company and reworded, and count the answers that change.

    Args:
        subject: The model.
        inputs: Rows.
        at: Conditions of the trial.
        labels: One per row, ``None`` where it is not known.
        same: Scores an output against another one as the metric scores an answer against a label,
            so that numbers may differ by what the user calls close.
        budget: Fewer rows are asked where it is short.
    """
    recorder = Recorder(KIND, at=at, settings={"rows": len(inputs), "company": COMPANY})
    rng = np.random.default_rng(at.seed)
    with Asker(subject) as asker:
        rows = _ask(asker, inputs, recorder=recorder, budget=budget, rng=rng)
        company = _in_company(asker, rows, rng)
    _report_repeats(recorder, rows, company, same, batches=subject.takes_batches)
    _report_edits(recorder, rows, labels, same)
    if rows and len(rows) < ROWS_WANTED:
        recorder.criticise(f"{len(rows)} rows were asked twice: {ROWS_WANTED} give fair rates")
    return recorder.finish()


def _ask(
    asker: Asker,
    inputs: Sequence[Any],
    *,
    recorder: Recorder,
    budget: TimeBudget | None,
    rng: np.random.Generator,
) -> list[Asked]:
    """Ask a random part of the rows; a row that is not answered as it is says nothing here."""
    order = rng.permutation(len(inputs))[:ROWS_MAX].tolist()
    rows: list[Asked] = []
    refused = 0
    for done, place in enumerate(order):
        if budget is not None and budget.spent() and rows:
            recorder.cut(f"the time budget allowed {done} of {len(order)} rows")
            break
        value = inputs[place]
        first = asker.alone(value)
        if isinstance(first, Refused):
            refused += 1
            continue
        again = asker.alone(value)
        edited = {name: (one, asker.alone(one)) for name, one in reworded(value).items()}
        rows.append(Asked(place, value, first, again, edited))
    if refused:
        recorder.criticise(f"{refused} rows were not answered as they are, and left out")
    return rows


def _in_company(
    asker: Asker, rows: Sequence[Asked], rng: np.random.Generator
) -> list[tuple[Answer, Reply]]:
    """Ask the rows again, several in a call, in another order."""
    if not asker.subject.takes_batches:
        return []
    found: list[tuple[Answer, Reply]] = []
    order = rng.permutation(len(rows)).tolist()
    for start in range(0, len(order), COMPANY):
        part = [rows[place] for place in order[start : start + COMPANY]]
        answers = asker.together([one.value for one in part])
        if isinstance(answers, Refused):
            found += [(one.first, answers) for one in part]
        else:
            found += [(one.first, answer) for one, answer in zip(part, answers, strict=True)]
    return found


def _report_repeats(
    recorder: Recorder,
    rows: Sequence[Asked],
    company: Sequence[tuple[Answer, Reply]],
    same: Same,
    *,
    batches: bool,
) -> None:
    alone = _changed([(one.first, one.again) for one in rows], same)
    _rate(recorder, "changed_repeat", alone, "asked twice, alone", "no row was answered")
    why = "no row was answered" if batches else "a request of this model carries one row"
    _rate(
        recorder,
        "changed_company",
        _changed(company, same),
        f"asked alone and among {COMPANY}",
        why,
    )


def _report_edits(
    recorder: Recorder, rows: Sequence[Asked], labels: Sequence[Any] | None, same: Same
) -> None:
    kinds = dict.fromkeys(name for one in rows for name in one.edited)
    table, examples = [], []
    rowwise: dict[int, list[float]] = {}
    for kind in kinds:
        mine = [one for one in rows if kind in one.edited]
        changed = _changed([(one.first, one.edited[kind][1]) for one in mine], same)
        repeated = _changed([(one.first, one.again) for one in mine], same)
        for one, value in zip(mine, changed, strict=True):
            rowwise.setdefault(one.row, []).append(float(value))
        table.append(
            {
                **_kind(kind, changed, repeated, kinds=len(kinds)),
                **_cost(mine, kind, labels, same),
            }
        )
        examples += [
            _example(one, kind)
            for one, value in zip(mine, changed, strict=True)
            if value > OTHERWISE
        ]
    each = np.array([np.mean(values) for values in rowwise.values()])
    _rate(
        recorder,
        "changed_reworded",
        each,
        f"mean over {len(kinds)} kinds of light edits, row by row",
        "no light edit applies to these inputs",
    )
    recorder.table("edits", sorted(table, key=lambda row: -float(row["rate"])))
    recorder.table("examples", _worst(examples))


def _kind(kind: str, changed: Floats, repeated: Floats, *, kinds: int) -> dict[str, Any]:
    """Return one row of the table ``edits``.

    ``excess`` is what the edit changes beyond exact repetition. Its ends hold for all kinds
    together (Bonferroni), so that the worst of several is not flattered.
    """
    ends = mean_interval(changed)
    beyond = paired_difference(repeated, changed, level=1.0 - (1.0 - LEVEL) / kinds)
    return {
        "edit": kind,
        "rows": int(changed.size),
        "changed": float(changed.sum()),
        "rate": float(changed.mean()),
        "low": ends.low,
        "high": ends.high,
        "excess": float((changed - repeated).mean()),
        "excess_low": beyond.low,
        "excess_high": beyond.high,
    }


def _cost(
    rows: Sequence[Asked], kind: str, labels: Sequence[Any] | None, same: Same
) -> dict[str, Any]:
    """Return what the edit does to accuracy, in points, where labels are known."""
    known = [one for one in rows if labels is not None and labels[one.row] is not None]
    if len(known) < ROWS_LEAST or labels is None:
        return {"labelled": len(known), "accuracy_points": None, "points_low": None,
                "points_high": None}  # fmt: skip
    right = [labels[one.row] for one in known]
    before = same([one.first.output for one in known], right)
    after = same([_output(one.edited[kind][1]) for one in known], right)
    ends = paired_difference(before, after)
    return {
        "labelled": len(known),
        "accuracy_points": 100.0 * float((after - before).mean()),
        "points_low": 100.0 * ends.low,
        "points_high": 100.0 * ends.high,
    }


def _changed(pairs: Sequence[tuple[Answer, Reply]], same: Same) -> Floats:
    """Return how far each answer is another one: 1 for another or for none, 0 for the same."""
    if not pairs:
        return np.empty(0)
    found = same([_output(reply) for _, reply in pairs], [first.output for first, _ in pairs])
    return 1.0 - np.nan_to_num(found, nan=0.0)


def _output(reply: Reply) -> Any:
    return reply.output if isinstance(reply, Answer) else None


def _rate(recorder: Recorder, name: str, changed: Floats, method: str, why: str) -> None:
    if not changed.size:
        recorder.value(name, None, "share", n=0, note=why)
        return
    ends = mean_interval(changed)
    recorder.value(
        name,
        float(changed.mean()),
        "share",
        n=int(changed.size),
        low=ends.low,
        high=ends.high,
        level=ends.level,
        method=f"{method}; {ends.method}",
    )


def _example(one: Asked, kind: str) -> dict[str, Any]:
    edited, reply = one.edited[kind]
    return {
        "edit": kind,
        "row": one.row,
        "input": shown(one.value),
        "edited": shown(edited) if kind != "white space" else repr(edited)[:160],
        "answer": one.first.output,
        "answer_edited": _output(reply) if isinstance(reply, Answer) else reply.message,
        "confidence": one.first.confidence,
    }


def _worst(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a few: of each kind its most confident one first, then the others."""
    ranked = sorted(examples, key=lambda row: -(row["confidence"] or 0.0))
    seen: set[str] = set()
    firsts = [row for row in ranked if not (row["edit"] in seen or seen.add(row["edit"]))]  # type: ignore[func-returns-value]
    return [*firsts, *(row for row in ranked if row not in firsts)][:EXAMPLES]
