"""Does a service give the answers of another model, or of an earlier release, to the same input?

A cache whose key leaves something out (the model, its version, its release) cannot be seen from a
single answer, and two models may well agree. What gives it away is an answer that is *the other
one's* and that the same model takes back as soon as the same input comes in a shape that no cache
has seen: in company, or nudged by less than any model should feel. Rows that nobody asked before
show how often the shape alone changes an answer; only more than that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from scipy import stats

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError, SeatrialError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.recorder import Conditions, Recorder
from seatrial.measure.equality import Ruler
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject

KIND = "staleness"

ROWS_MAX = 60
"""Rows a group: a cache that always answers wrongly shows in far fewer."""

NUDGE = 1e-9
"""Relative change of a number that no model should feel, and that no key survives."""

FRESH_MARKS, FRESH_NUDGES = 8, 1000
"""How many marks end a fresh text, and how many nudges a fresh number may lie away."""

Shape = Callable[[Any, Any], list[Any]]
"""``shape(value, company)``: the inputs of a request whose first answer is that of ``value``."""


class Asked(Struct, frozen=True):
    """What was compared in one shape, in one direction.

    Attributes:
        asked: Whose answers they are.
        shape: In which shape the input was asked again.
        rows: Rows that the other one had been asked before, with all their answers there.
        same: Those to which both gave the same answer.
        stale: Those of them where the same input in that shape got another answer.
        distinct: Rows to which the two gave different answers.
        fresh: Rows that nobody had been asked before.
        flips: Those of them where that shape got another answer.
    """

    asked: str
    shape: str
    rows: int
    same: int
    stale: int
    distinct: int
    fresh: int
    flips: int

    @property
    def chance(self) -> float:
        """Probability of so many stale rows if the shape alone made them (Fisher's exact test)."""
        table = [[self.stale, self.rows - self.stale], [self.flips, self.fresh - self.flips]]
        return float(stats.fisher_exact(table, alternative="greater").pvalue)


@dataclass(frozen=True)
class Earlier:
    """Answers that the same URL gave before its model was swapped.

    Attributes:
        inputs: Rows.
        answers: What was answered to each alone, then.
    """

    inputs: Sequence[Any]
    answers: Sequence[Answer]


def measure_staleness(
    subject: Subject,
    other: Subject | Earlier,
    inputs: Sequence[Any],
    *,
    at: Conditions,
    budget: TimeBudget | None = None,
) -> Evidence:
    """Ask two models of one service, or one before and after a swap, the same inputs.

    Every row is asked alone, and by its turn only once in each shape. Half of the rows of a
    direction are asked from the other one first; the rest nobody was asked before.

    Args:
        subject: What is asked.
        other: Another model or version of the same service, or what this URL answered before.
        inputs: Rows; those that the service was asked lately tell nothing, so give fresh ones.
            With :class:`Earlier`, rows that were *not* asked before the swap.
        at: Conditions of the trial.
        budget: Fewer rows are asked where it is short.

    Returns:
        Evidence of kind ``staleness``. Table ``directions``, of :class:`Asked`. Values: ``stale``,
        ``compared``, ``distinct``.

    Raises:
        DataError: There are fewer than four different rows.
    """
    rows = _different(inputs)
    if len(rows) < 4:  # noqa: PLR2004  (two directions, each with rows that nobody was asked)
        raise DataError(
            f"{len(rows)} different rows; accepted are at least four.", hint="Give more rows."
        )
    order = np.random.default_rng(at.seed).permutation(len(rows))
    shuffled = [rows[place] for place in order]
    recorder = Recorder(KIND, at=at, settings={"rows": len(rows)})
    found: list[Asked] = []
    if isinstance(other, Earlier):
        pairs = list(zip(other.inputs, other.answers, strict=True))[:ROWS_MAX]
        found += _direction("after the swap", subject, pairs, shuffled[:ROWS_MAX], budget)
    else:
        quarter = min(ROWS_MAX, len(shuffled) // 4)
        groups = [shuffled[quarter * k : quarter * (k + 1)] for k in range(4)]
        for name, first, second, before, fresh in (
            ("this one, after the other", other, subject, groups[0], groups[1]),
            ("the other one, after this", subject, other, groups[2], groups[3]),
        ):
            found += _crossed(name, first, second, before=before, fresh=fresh, budget=budget)
        found += _both(found)
    recorder.table(
        "directions", [msgspec.structs.asdict(one) | {"chance": one.chance} for one in found]
    )
    for name in ("stale", "rows", "distinct"):
        best = max((getattr(one, name) for one in found), default=0)
        recorder.value("compared" if name == "rows" else name, best, "rows")
    if budget is not None and budget.spent():
        recorder.cut("the time budget ended asking early")
    return recorder.finish()


def _crossed(
    name: str,
    first: Subject,
    second: Subject,
    *,
    before: Sequence[Any],
    fresh: Sequence[Any],
    budget: TimeBudget | None,
) -> list[Asked]:
    """Ask each row from both, one right after the other: small caches forget soon."""
    again = []
    for value in before:
        answer = None if budget is not None and budget.spent() else _one(first, [value])
        if answer is not None:
            again.append((value, answer, _one(second, [value])))
    return _compared(name, second, again, fresh, budget)


def _direction(
    name: str,
    subject: Subject,
    earlier: Sequence[tuple[Any, Answer]],
    fresh: Sequence[Any],
    budget: TimeBudget | None,
) -> list[Asked]:
    again = [(value, answer, _one(subject, [value])) for value, answer in earlier]
    return _compared(name, subject, again, fresh, budget)


def _compared(
    name: str,
    subject: Subject,
    again: Sequence[tuple[Any, Answer, Answer | None]],
    fresh: Sequence[Any],
    budget: TimeBudget | None,
) -> list[Asked]:
    alone = [(value, _one(subject, [value])) for value in fresh if not _spent(budget)]
    known = [(value, answer) for value, answer in alone if answer is not None]
    both = [(value, other, answer) for value, other, answer in again if answer is not None]
    if not both or not known:
        return []
    ruler = Ruler([answer for _, answer in known])
    found = []
    for shape_name, shape in _shapes(subject, [value for value, *_ in both]).items():
        flips = [
            _changed(ruler, subject, answer, shape(value, company))
            for (value, answer), (company, _) in zip(known, known[1:] + known[:1], strict=True)
            if not _spent(budget)
        ]
        same = [not ruler.difference(other, answer).changed for _, other, answer in both]
        stale = [
            alike and _changed(ruler, subject, answer, shape(value, company))
            for alike, (value, _, answer), (company, *_) in zip(
                same, both, both[1:] + both[:1], strict=True
            )
        ]
        flipped = [one for one in flips if one is not None]
        found.append(
            Asked(
                asked=name,
                shape=shape_name,
                rows=len(both),
                same=sum(same),
                stale=sum(one is True for one in stale),
                distinct=len(both) - sum(same),
                fresh=len(flipped),
                flips=sum(flipped),
            )
        )
    return found


def _both(found: Sequence[Asked]) -> list[Asked]:
    """Return both directions together, per shape."""
    pooled = []
    for shape in dict.fromkeys(one.shape for one in found):
        every = [one for one in found if one.shape == shape]
        counts = {
            name: sum(getattr(one, name) for one in every)
            for name in ("rows", "same", "stale", "distinct", "fresh", "flips")
        }
        if len(every) > 1:
            pooled.append(Asked(asked="each, after the other", shape=shape, **counts))
    return pooled


def _shapes(subject: Subject, values: Sequence[Any]) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    if subject.takes_batches:
        shapes["in company"] = lambda value, company: [value, company]
    if all(nudged(value) != value for value in values):
        shapes["nudged"] = lambda value, _: [nudged(value)]
    return shapes


def nudged(value: Any) -> Any:
    """Return the same input, changed by less than a model should feel.

    >>> nudged("late again"), nudged({"age": 2.0, "plan": "pro"})
    ('late again ', {'age': 2.000000002, 'plan': 'pro'})
    """
    if isinstance(value, str):
        return f"{value} "
    if isinstance(value, float):
        return value * (1.0 + NUDGE) if value else NUDGE
    if isinstance(value, list):
        return [nudged(one) if isinstance(one, (float, list)) else one for one in value]
    if isinstance(value, Mapping):
        changed = {k: nudged(v) if isinstance(v, float) else v for k, v in value.items()}
        return changed if changed != value else _texts_nudged(value)
    return value


def freshened(value: Any, rng: np.random.Generator) -> Any:
    """Return nearly the same input, one that nobody has asked before.

    Args:
        value: A text gets white space at its end, a number another end.
        rng: Decides which.
    """
    if isinstance(value, str):
        return value + "".join(rng.choice((" ", "\t"), FRESH_MARKS))
    if isinstance(value, float):
        return value * (1.0 + NUDGE * float(rng.integers(2, FRESH_NUDGES))) if value else value
    if isinstance(value, list):
        return [freshened(one, rng) if isinstance(one, (float, list)) else one for one in value]
    if isinstance(value, Mapping):
        return {name: freshened(one, rng) for name, one in value.items()}
    return value


def _texts_nudged(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{one} " if isinstance(one, str) else one for name, one in record.items()}


def _changed(ruler: Ruler, subject: Subject, answer: Answer, inputs: list[Any]) -> bool | None:
    """Say whether the first input gets another answer; ``None`` where it gets none."""
    other = _one(subject, inputs)
    return None if other is None else ruler.difference(answer, other).changed


def _one(subject: Subject, inputs: list[Any]) -> Answer | None:
    try:
        return subject.answer(inputs).answers[0]
    except SeatrialError:
        return None


def _spent(budget: TimeBudget | None) -> bool:
    return budget is not None and budget.spent()


def _different(inputs: Sequence[Any]) -> list[Any]:
    kept = {msgspec.json.encode(value, order="sorted"): value for value in inputs}
    return list(kept.values())
