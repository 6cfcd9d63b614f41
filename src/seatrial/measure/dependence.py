"""What a changed answer depends on: its neighbours, their number, its place, or nothing.

A row that changed is asked again under control. *Reproduced*: the same batch gives the same
changed answer. *Content*: in a batch of copies of itself, at the same place in the same number,
it is answered otherwise, so its neighbours decide. *Position*: moved to the front of the same
batch it is answered as alone, so its place decides. *Onset*: the smallest number of rows that
changes an answer, found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.measure.arrangements import COPIES
from seatrial.measure.asking import Asker, Refused
from seatrial.measure.company import Change, Compared
from seatrial.models.answers import Answer

CONTROLLED_MIN, CONTROLLED_MAX = 4, 16
"""Changes that are asked again, however short the time; more would tell nothing new."""

BISECTED_MIN, BISECTED_MAX = 2, 4


class Control(Struct, frozen=True):
    """One change under control: a row of the table ``controls``; ``None`` is not known."""

    company: str
    batch: int
    row: int
    position: int
    tolerances: float
    reproduced: bool
    content: bool | None
    position_decides: bool | None


class Onset(Struct, frozen=True):
    """Where a change begins: a row of the table ``onsets``.

    Attributes:
        company: In which company.
        row: Whose copies, or the row that changed first.
        silent: The largest number of rows seen without a change.
        batch: The smallest number of rows with one.
        first_position: The first place in that batch that changed, from 0; ``None`` if refused.
        mixed: Whether identical rows in the failing batch were answered differently.
        raised: What was raised, where the batch was refused.
        status: The HTTP status of the refusal, where there was one.
    """

    company: str
    row: int
    silent: int
    batch: int
    first_position: int | None
    mixed: bool
    raised: str = ""
    status: int | None = None


class Controls:
    """Asks changed rows again.

    Args:
        asker: Asks the subject.
        compared: What was seen before.
        budget: When to stop.
    """

    def __init__(self, asker: Asker, compared: Compared, *, budget: TimeBudget) -> None:
        self._asker = asker
        self._seen = compared
        self._budget = budget

    def controls(self) -> list[Control]:
        """Ask a spread of the changes again: small batches first, each row once."""
        found: list[Control] = []
        for change in _spread(self._seen.changes):
            if self._budget.spent() and len(found) >= CONTROLLED_MIN:
                break
            found.append(self._control(change))
        return found

    def onsets(self) -> list[Onset]:
        """Find where changes and refusals begin, for copies of several rows and for company."""
        found: list[Onset] = []
        for name, batch in _failing(self._seen):
            if self._budget.spent() and len(found) >= BISECTED_MIN:
                break
            onset = self._bisect(name, batch)
            if onset is not None:
                found.append(onset)
        return found

    def _control(self, change: Change) -> Control:
        batch, position, row = change.batch, change.position, change.row
        again = self._at(batch, position)
        reproduced = again is not None and not self._differs(change.answer, again)
        content: bool | None = None
        decides: bool | None = None
        if change.company != COPIES:
            copies = self._at([row] * len(batch), position)
            if copies is not None and again is not None:
                content = self._differs(copies, again)
        if position > 0:
            moved = [batch[position], *batch[:position], *batch[position + 1 :]]
            front = self._at(moved, 0)
            if front is not None:
                decides = not self._differs(self._seen.alone[row], front)
        return Control(
            change.company,
            len(batch),
            row,
            position,
            min(change.tolerances, 1e12),
            reproduced,
            content,
            decides,
        )

    def _bisect(self, name: str, batch: list[int]) -> Onset | None:
        """Return the shortest beginning of ``batch`` in which anything changes."""
        if not self._bad(batch):
            return None
        silent, bad = 1, len(batch)
        while bad - silent > 1:
            middle = (silent + bad) // 2
            if self._bad(batch[:middle]):
                bad = middle
            else:
                silent = middle
        return self._onset(name, batch[:bad], silent)

    def _onset(self, name: str, batch: list[int], silent: int) -> Onset:
        answers = self._ask(batch)
        if isinstance(answers, Refused):
            return Onset(
                company=name,
                row=batch[-1],
                silent=silent,
                batch=len(batch),
                first_position=None,
                mixed=False,
                raised=answers.raised,
                status=answers.status,
            )
        changed = self._changed(batch, answers)
        first = changed.index(True) if True in changed else None
        mixed = len(set(batch)) == 1 and any(changed) and not all(changed)
        return Onset(name, batch[first or 0], silent, len(batch), first, mixed)

    def _bad(self, batch: Sequence[int]) -> bool:
        answers = self._ask(batch)
        return isinstance(answers, Refused) or any(self._changed(batch, answers))

    def _changed(self, batch: Sequence[int], answers: list[Answer]) -> list[bool]:
        return [
            self._seen.difference(row, answer).changed
            for row, answer in zip(batch, answers, strict=True)
        ]

    def _ask(self, batch: Sequence[int]) -> list[Answer] | Refused:
        return self._asker.together([self._seen.rows.values[row] for row in batch])

    def _at(self, batch: Sequence[int], position: int) -> Answer | None:
        answers = self._ask(batch)
        return None if isinstance(answers, Refused) else answers[position]

    def _differs(self, first: Answer, second: Answer) -> bool:
        return self._seen.ruler.difference(first, second).changed


def _spread(changes: Sequence[Change]) -> list[Change]:
    """Take changes from small and large batches in turn, each row once where that is enough."""
    small = sorted(changes, key=lambda change: (len(change.batch), -change.tolerances))
    picked: dict[tuple[int, int], Change] = {}
    for change in _interleaved(small, small[::-1], lambda change: change.row):
        picked.setdefault((change.row, len(change.batch)), change)
        if len(picked) == CONTROLLED_MAX:
            break
    return list(picked.values())


def _interleaved(
    first: Sequence[Change], second: Sequence[Change], key: Callable[[Change], int]
) -> list[Change]:
    """Alternate between two orders, new keys before keys seen already."""
    fresh: list[Change] = []
    stale: list[Change] = []
    seen: set[int] = set()
    for pair in zip(first, second, strict=True):
        for change in pair:
            (stale if key(change) in seen else fresh).append(change)
            seen.add(key(change))
    return fresh + stale


def _failing(seen: Compared) -> list[tuple[str, list[int]]]:
    """Return batches worth bisecting: copies of several rows, then the smallest of company."""
    failing = [(change.company, change.batch) for change in seen.changes]
    failing += [(name, batch) for name, batch, _ in seen.refusals]
    failing.sort(key=lambda pair: len(pair[1]))
    copies: dict[int, tuple[str, list[int]]] = {}
    company: list[tuple[str, list[int]]] = []
    for name, batch in failing:
        if name == COPIES:
            copies.setdefault(batch[0], (name, batch))
        elif len(company) < BISECTED_MAX and (name, batch) not in company:
            company.append((name, batch))
    return [*list(copies.values())[:BISECTED_MAX], *company]
