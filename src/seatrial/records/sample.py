"""The rows drawn for review, as they are kept, and the run that draws more."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from seatrial.core.clock import Clock
from seatrial.core.errors import EnvironmentMismatchError, UsageError
from seatrial.records import engine, lines
from seatrial.records.drawing import (
    Cell,
    Draw,
    Drawn,
    Past,
    Plan,
    cells,
    common_chance,
    lot_sql,
    stratum_sql,
)
from seatrial.records.files import Files
from seatrial.records.ledger import Ledger, Writing
from seatrial.records.manifest import Sealed
from seatrial.records.places import Places
from seatrial.records.snapshot import Verified, opened_sealed

_DECODER = msgspec.json.Decoder(Drawn | Draw)


@dataclass(frozen=True)
class Picked:
    """One row of the sample.

    Attributes:
        probability: With which it came in, topping up included.
        turn: Its lot over its probability: uniform in [0, 1) whatever its stratum.
    """

    id: str
    row: int
    segment: str
    stratum: str
    probability: float
    turn: float


@dataclass(frozen=True)
class Sample:
    """All that was drawn: rows, each with the number of its draw, and draws."""

    drawn: Sequence[tuple[Drawn, int]] = ()
    draws: Sequence[Draw] = ()

    @property
    def seed(self) -> int | None:
        """What the lots are made from; ``None`` before the first draw."""
        return self.draws[0].seed if self.draws else None

    @cached_property
    def places(self) -> frozenset[tuple[str, int]]:
        """Request id and row of every drawn row."""
        return frozenset((row.id, row.row) for row, _ in self.drawn)

    @cached_property
    def segments(self) -> frozenset[str]:
        """Segments whose rows had their chance."""
        return frozenset(name for draw in self.draws for name in draw.segments)

    def rows(self) -> list[Picked]:
        """Return the drawn rows by turn."""
        later = [0.0] * (len(self.draws) + 1)
        for number in reversed(range(len(self.draws))):
            later[number] = max(later[number + 1], self.draws[number].common)
        picked = []
        for row, number in self.drawn:
            chance = max(row.chance, later[number])
            picked.append(
                Picked(row.id, row.row, row.segment, row.stratum, chance, row.lot / chance)
            )
        return sorted(picked, key=lambda one: (one.turn, one.id, one.row))

    def decided(self) -> list[Cell]:
        """Return every cell with the chance that its rows have by now."""
        later, found = 0.0, []
        for draw in reversed(self.draws):
            later = max(later, draw.common)
            found += [
                Cell(cell.stratum, cell.first, cell.rows, max(cell.chance, later))
                for cell in draw.cells
            ]
        return found

    def population(self) -> Counter[str]:
        """Return how many rows of each stratum had their chance."""
        found: Counter[str] = Counter()
        for draw in self.draws:
            for cell in draw.cells:
                found[cell.stratum] += cell.rows
        return found

    def past(self) -> Past:
        """Return what the next draw depends on."""
        expected: Counter[str] = Counter()
        for cell in self.decided():
            expected[cell.stratum] += cell.rows * cell.chance  # type: ignore[assignment]
        days: Counter[str] = Counter()
        for draw in self.draws:
            days.update(draw.days)
        return Past(rows=sum(self.population().values()), expected=expected, days=days)

    def with_draw(self, rows: Sequence[Drawn], draw: Draw) -> Sample:
        """Return the sample with one draw more."""
        number = len(self.draws)
        return Sample([*self.drawn, *((row, number) for row in rows)], [*self.draws, draw])


def read(held: lines.Lines) -> Sample:
    """Return the sample that lines hold; rows that no draw follows were never acknowledged."""
    waiting: list[Drawn] = []
    drawn: list[tuple[Drawn, int]] = []
    draws: list[Draw] = []
    for body in held.bodies:
        entry = _DECODER.decode(body)
        if isinstance(entry, Drawn):
            waiting.append(entry)
            continue
        drawn += (
            (row, len(draws)) for row in waiting[len(waiting) - min(entry.rows, len(waiting)) :]
        )
        draws.append(entry)
        waiting = []
    return Sample(drawn, draws)


class Sampler:
    """Draws from the log of a folder.

    Args:
        places: The log.
        clock: Where time comes from.
        files: The file system.
        verified: Which sealed files are known to be good.
    """

    def __init__(self, places: Places, *, clock: Clock, files: Files, verified: Verified) -> None:
        self._places = places
        self._clock = clock
        self._files = files
        self._verified = verified
        self._ledger = Ledger(places.review, files=files)

    def read(self) -> Sample:
        """Return what was drawn so far."""
        return read(self._ledger.read())

    def draw(self, plan: Plan, *, seed: int | None) -> int:
        """Give new rows their chance; see :meth:`seatrial.records.reviewing.ReviewSample.draw`."""
        if not self._places.root.is_dir():
            return 0
        try:
            return self._draw(plan, seed)
        except OSError as error:
            raise EnvironmentMismatchError(
                f"the log in {self._places.root} cannot be read: {error.strerror or error}.",
                hint="Mend that, and draw again: nothing is drawn twice.",
            ) from None

    def _draw(self, plan: Plan, seed: int | None) -> int:
        with self._ledger.locked() as ledger:
            sample = self.read()
            before = len(sample.drawn)
            run = _Run(plan, _seed(sample, seed), sample, ledger, self._clock)
            with self._opened(lambda entry: not sample.segments.issuperset(entry.covers)) as found:
                db, entries = found
                for entry in entries:
                    run.new_rows(db, self._places, entry)
            missing = plan.size is not None and len(run.sample.drawn) < plan.size
            if missing and (common := common_chance(run.sample.decided(), plan.size or 0)):
                covered = run.sample.segments
                with self._opened(lambda entry: not covered.isdisjoint(entry.covers)) as found:
                    run.top_up(found[0], common)
            return len(run.sample.drawn) - before

    def _opened(self, wanted: Any) -> Any:
        return opened_sealed(
            self._places, files=self._files, verified=self._verified, wanted=wanted
        )


class _Run:
    """One run of drawing; every step is on the disk before the next."""

    def __init__(
        self, plan: Plan, seed: int, sample: Sample, ledger: Writing, clock: Clock
    ) -> None:
        self.plan = plan
        self.seed = seed
        self.sample = sample
        self.ledger = ledger
        self.clock = clock

    def new_rows(self, db: Any, places: Places, entry: Sealed) -> None:
        """Give the rows of one file their chance, but those that had it in another file."""
        segments = [name for name in entry.covers if name not in self.sample.segments]
        past = self.sample.past()
        listed = ", ".join(engine.text(name) for name in segments)
        db.execute(
            f'CREATE OR REPLACE TEMP TABLE batch AS SELECT id, "row", segment, '
            f"{lot_sql(self.seed)} AS lot, {stratum_sql()} AS stratum, "
            "strftime(time, '%Y-%m-%d') AS day, "
            f"row_number() OVER (ORDER BY segment, position) <= {self.plan.first_rows - past.rows} "
            f"AS first FROM read_parquet({engine.path(places.sealed / entry.name)}) "
            f"WHERE event = 'request' AND origin = 'user' AND segment IN ({listed})"
        )
        counted = db.execute("SELECT stratum, first, count(*) FROM batch GROUP BY ALL").fetchall()
        days = dict(db.execute("SELECT day, count(*) FROM batch GROUP BY ALL").fetchall())
        decided = cells(
            self.plan,
            {(stratum, first): rows for stratum, first, rows in counted},
            past=past,
            days=days,
        )
        drawn = [row for cell in decided for row in self._of_cell(db, cell)]
        self._commit(drawn, segments=tuple(segments), cells=tuple(decided), days=days)

    def top_up(self, db: Any, common: float) -> None:
        """Draw every row whose lot is below a chance common to all of them."""
        covered = ", ".join(engine.text(name) for name in sorted(self.sample.segments))
        found = db.execute(
            f'SELECT id, "row", segment, {stratum_sql()}, {lot_sql(self.seed)} AS lot FROM events '
            f"WHERE event = 'request' AND origin = 'user' AND segment IN ({covered}) "
            f"AND lot < {common!r} ORDER BY segment, position"
        ).fetchall()
        drawn = [
            Drawn(id=id_, row=row, segment=segment, stratum=stratum, chance=common, lot=lot)
            for id_, row, segment, stratum, lot in found
            if (id_, row) not in self.sample.places
        ]
        self._commit(drawn, common=common)

    def _of_cell(self, db: Any, cell: Cell) -> list[Drawn]:
        found = db.execute(
            'SELECT id, "row", segment, lot FROM batch '
            "WHERE stratum = ? AND first = ? AND lot < ? ORDER BY lot",
            [cell.stratum, cell.first, cell.chance],
        ).fetchall()
        return [
            Drawn(id=id_, row=row, segment=at, stratum=cell.stratum, chance=cell.chance, lot=lot)
            for id_, row, at, lot in found
        ]

    def _commit(self, drawn: list[Drawn], **told: Any) -> None:
        draw = Draw(time=self.clock.utc(), seed=self.seed, rows=len(drawn), **told)
        self.ledger.append([*drawn, draw])
        self.sample = self.sample.with_draw(drawn, draw)


def _seed(sample: Sample, asked: int | None) -> int:
    if sample.seed is None:
        return secrets.randbits(63) if asked is None else asked
    if asked not in (None, sample.seed):
        raise UsageError(
            f"seed {asked} for a sample that was begun with seed {sample.seed}; accepted is that.",
            hint="Leave the seed out.",
        )
    return sample.seed
