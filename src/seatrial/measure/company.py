"""Equality of each answer alone and in company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import UnreachableError
from seatrial.measure.arrangements import (
    COMPANIES,
    COPIES,
    SHUFFLED,
    Batches,
    Rows,
    diverse,
    magnitude,
    shuffled,
)
from seatrial.measure.asking import Asker, Refused, sizes_of
from seatrial.measure.equality import SAME, Difference, Ruler
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject

ROWS_MIN, ROWS_MAX = 8, 384
"""Rows asked alone: a model that gives labels only shows a change on few of them."""

COPIED_ROWS = 8
ORDER = ("others", SHUFFLED, COPIES, *(name for name in COMPANIES if name != "others"))
"""The arrangements of one size, what shows most first; the same company is shuffled at once."""

ALONE_SHARE, CELLS_SHARE = 0.15, 0.7
"""Parts of the budget for asking alone, and, of what is left then, for company."""

CELL_SHARE = 0.06
"""Part of what is left of the time that one arrangement may take: the first ones show most."""

BEYOND = (600, 300, 1200)
"""Sizes past the sweep, no powers of two, so that a counter of 8 to 16 bits has to wrap."""

WITHIN_FIRST = 4
"""Sizes of the sweep that are compared before those past it."""

ANSWER_MAX = 60
"""Characters of an answer that are shown in an example."""


class Cell(Struct, frozen=True):
    """One arrangement at one size: a row of the table ``company``."""

    company: str
    batch: int
    compared: int
    changed: int
    max_difference: float
    example: str
    refused: int = 0
    raised: str = ""


class Change(Struct, frozen=True):
    """One row that was answered otherwise in one batch."""

    company: str
    batch: list[int]
    position: int
    answer: Answer
    tolerances: float

    @property
    def row(self) -> int:
        """Which row it was."""
        return self.batch[self.position]


class Compared(Struct, frozen=True):
    """What came of comparing.

    Attributes:
        rows: The rows that were asked alone.
        alone: Their answers.
        ruler: What counts as the same.
        cells: Every arrangement at every size that there was time for.
        changes: The rows that changed, as they were seen.
        refusals: Batches that were not answered, though each row of them was alone.
        left_out: How many cells there was no time for.
    """

    rows: Rows
    alone: list[Answer]
    ruler: Ruler
    cells: list[Cell]
    changes: list[Change]
    refusals: list[tuple[str, list[int], Refused]]
    left_out: int

    def difference(self, row: int, answer: Answer) -> Difference:
        """Compare an answer with the one given alone."""
        return self.ruler.difference(self.alone[row], answer)


class Alone(Struct, frozen=True):
    """Rows answered one at a time."""

    rows: Rows
    answers: list[Answer]
    refused: int
    why: str


def answer_alone(
    asker: Asker, inputs: Sequence[Any], *, rng: np.random.Generator, budget: TimeBudget
) -> Alone:
    """Ask rows alone, the extreme ones first, for as long as the budget allows.

    Rows that the model refuses even alone are counted and left out.
    """
    known = _known(asker.subject, list(inputs), [""] * len(inputs))
    kept: list[int] = []
    answers: list[Answer] = []
    refused, why = 0, ""
    for at in diverse(known, ROWS_MAX, rng):
        if budget.spent() and len(kept) >= ROWS_MIN:
            break
        answer = asker.alone(known.values[at])
        if isinstance(answer, Refused):
            reraise_unreachable(answer)
            refused, why = refused + 1, answer.message
            continue
        kept.append(at)
        answers.append(answer)
    values = [known.values[at] for at in kept]
    rows = _known(asker.subject, values, [repr(answer.output) for answer in answers])
    return Alone(rows, answers, refused, why)


class Company:
    """Compares answers alone with answers in company.

    Args:
        asker: Asks the subject.
        alone: Rows and their answers alone.
        rng: Choice of company.
    """

    def __init__(self, asker: Asker, alone: Alone, *, rng: np.random.Generator) -> None:
        self._asker = asker
        self._rows = alone.rows
        self._alone = alone.answers
        self._rng = rng
        self._ruler = Ruler(alone.answers)
        self._changes: list[Change] = []
        self._refusals: list[tuple[str, list[int], Refused]] = []

    def compare(self, sizes: Sequence[int], *, budget: TimeBudget) -> Compared:
        """Run every arrangement at every size.

        Args:
            sizes: Rows in company, the most telling first; the first is never left out.
            budget: A short one shortens each arrangement, then leaves out sizes.
        """
        copied = diverse(self._rows, COPIED_ROWS, self._rng)
        plan = [(name, size) for size in sizes for name in ORDER]
        cells: list[Cell] = []
        batches: Batches = []
        left_out = 0
        for number, (name, size) in enumerate(plan):
            if budget.spent() and size != sizes[0]:
                left_out = len(plan) - number
                break
            share = budget.share(max(CELL_SHARE, 2.0 / (len(plan) - number + 1)))
            if name == COPIES:
                batches = [[row] * size for row in copied]
            elif name == SHUFFLED:
                batches = shuffled(batches, self._rng)
            else:
                batches = COMPANIES[name](self._rows, size, self._rng)
            cells.append(self._cell(name, batches, share))
        return Compared(
            self._rows,
            self._alone,
            self._ruler,
            cells,
            self._changes,
            self._refusals,
            left_out,
        )

    def _cell(self, name: str, batches: Batches, budget: TimeBudget) -> Cell:
        compared = changed = refused = 0
        largest, example, raised = 0.0, "", ""
        for number, batch in enumerate(batches):
            if number and budget.spent():
                break
            answers = self._asker.together([self._rows.values[row] for row in batch])
            if isinstance(answers, Refused):
                refused += 1
                raised = raised or f"{answers.raised}: {answers.message}"
                self._refusals.append((name, batch, answers))
                continue
            compared += len(batch)
            for position, answer in enumerate(answers):
                difference = self._difference(batch[position], answer)
                largest = max(largest, difference.absolute)
                if difference.changed:
                    changed += 1
                    change = Change(name, batch, position, answer, difference.tolerances)
                    self._changes.append(change)
                    example = example or self._example(change)
        size = len(batches[0])
        return Cell(name, size, compared, changed, largest, example, refused, raised)

    def _difference(self, row: int, answer: Answer) -> Difference:
        alone = self._alone[row]
        return SAME if answer == alone else self._ruler.difference(alone, answer)

    def _example(self, change: Change) -> str:
        alone = self._alone[change.row]
        return (
            f"{_short(self._rows.values[change.row])}: {_short(_told(alone))} alone, "
            f"{_short(_told(change.answer))} at position {change.position + 1} of "
            f"{len(change.batch)}"
        )


def repeated(
    asker: Asker, compared: Compared, *, rng: np.random.Generator, budget: TimeBudget
) -> tuple[int, int]:
    """Ask the same again, alone and as the same batch: how many answers changed, of how many.

    Whatever changes here has nothing to do with company.
    """
    changed = count = 0
    for row, alone in enumerate(compared.alone):
        if budget.spent() and count >= ROWS_MIN:
            break
        answer = asker.alone(compared.rows.values[row])
        if not isinstance(answer, Refused):
            count += 1
            changed += compared.ruler.difference(alone, answer).changed
    batch = [int(row) for row in rng.permutation(len(compared.rows))][:32]
    values = [compared.rows.values[row] for row in batch]
    first, again = asker.together(values), asker.together(values)
    if not isinstance(first, Refused) and not isinstance(again, Refused):
        pairs = list(zip(first, again, strict=True))
        count += len(pairs)
        changed += sum(compared.ruler.difference(one, two).changed for one, two in pairs)
    return changed, count


def in_order_of_use(sizes: Sequence[int], beyond: Sequence[int] = ()) -> list[int]:
    """Return the sizes that show most first: the smallest, the largest, then halves between.

    >>> in_order_of_use([2, 4, 8, 16, 32, 64], [100])
    [2, 64, 8, 4, 100, 16, 32]
    """
    ordered = sorted(set(sizes))
    chosen = ordered[:1] + ordered[-1:]
    gaps = [(0, len(ordered) - 1)]
    while gaps:
        low, high = gaps.pop(0)
        middle = (low + high) // 2
        if high - low > 1:
            chosen.append(ordered[middle])
            gaps += [(low, middle), (middle, high)]
    found = list(dict.fromkeys(chosen))
    return [*found[:WITHIN_FIRST], *beyond, *found[WITHIN_FIRST:]]


def _known(subject: Subject, values: list[Any], groups: list[str]) -> Rows:
    sizes = sizes_of(subject, values)
    magnitudes = [magnitude(value) for value in values]
    numbers = [
        float(size) if number is None else number
        for size, number in zip(sizes, magnitudes, strict=True)
    ]
    return Rows(values, sizes, numbers, groups)


def _told(answer: Answer) -> Any:
    if answer.confidence is None:
        return answer.output
    return f"{answer.output} ({answer.confidence:.4f})"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= ANSWER_MAX else text[: ANSWER_MAX - 1] + "…"


def reraise_unreachable(refusal: Refused) -> None:
    """Raise where nothing at all answers: there is nothing to compare then.

    Raises:
        UnreachableError: The service could not be reached.
    """
    if refusal.raised == UnreachableError.code:
        raise UnreachableError(refusal.message)
