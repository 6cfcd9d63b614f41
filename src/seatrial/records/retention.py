"""How long the log keeps what: rows, and what users sent; and small files put together.

Files are judged whole, by the times of the rows in them: rows go when the last of their file is
due, at most a day after they are themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.records.files import Files
from seatrial.records.manifest import Sealed
from seatrial.records.places import Places
from seatrial.records.rewriting import Change, Rewriting

SMALL_BYTES = 64 * 2**20
"""A sealed file below it is put together with others of its day."""

TOGETHER_BYTES = 256 * 2**20
"""Size that files put together do not go far beyond: writing one anew takes seconds."""

DATE_LENGTH = 8
"""Of the date that a segment's name begins with, as 20261120."""


class Keep(Struct, frozen=True, kw_only=True):
    """How long to keep what, in days; ``None``: for good."""

    inputs_days: float | None = None
    rows_days: float | None = None


class Span(Struct, frozen=True, kw_only=True):
    """What one sealed file holds.

    Attributes:
        last: Time of its last event.
        inputs: Requests that have their input.
    """

    name: str
    last: datetime
    inputs: int


class Due(Struct, frozen=True):
    """Names of files whose rows are due, and of those whose inputs are."""

    rows: tuple[str, ...]
    inputs: tuple[str, ...]


class Tended(Struct, frozen=True, kw_only=True):
    """What one run did.

    Attributes:
        rows: Rows let go.
        inputs: Inputs forgotten in rows that stay.
        files_removed: Files let go whole, those in quarantine included.
        files_together: Files that were put together with others.
        retired: Old files that somebody read; the next run removes them.
        problems: What went wrong, in sentences; tried again next time.
        busy: Another run was at work, and nothing was done.
    """

    rows: int = 0
    inputs: int = 0
    files_removed: int = 0
    files_together: int = 0
    retired: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    busy: bool = False


def due(spans: Iterable[Span], keep: Keep, *, now: datetime) -> Due:
    """Say what is to be let go.

    >>> old = Span(name="a", last=datetime(2026, 1, 1, tzinfo=UTC), inputs=3)
    >>> due([old], Keep(inputs_days=7, rows_days=90), now=datetime(2026, 2, 1, tzinfo=UTC)).inputs
    ('a',)
    """
    rows, inputs = [], []
    for span in spans:
        if _older(span.last, keep.rows_days, now):
            rows.append(span.name)
        elif span.inputs and _older(span.last, keep.inputs_days, now):
            inputs.append(span.name)
    return Due(tuple(rows), tuple(inputs))


def enforce(
    folder: Path,
    keep: Keep,
    *,
    clock: Clock = SYSTEM,
    files: Files | None = None,
    patience_s: float = 0.0,
) -> Tended:
    """Let go what is due."""
    return _run(folder, files, patience_s, lambda run: run.enforce(keep, clock.utc()))


def compact(
    folder: Path,
    *,
    clock: Clock = SYSTEM,
    files: Files | None = None,
    patience_s: float = 0.0,
) -> Tended:
    """Put the small files of each day that is over together."""
    return _run(folder, files, patience_s, lambda run: run.compact(clock.utc()))


def together(entries: Sequence[Sealed], *, today: str) -> list[list[Sealed]]:
    """Return the files to put together: neighbours of one past day, small, two or more.

    Args:
        entries: In the order of the manifest.
        today: As the names of segments begin, ``20261120``.
    """
    groups: list[list[Sealed]] = []
    small = [entry for entry in entries if entry.size_bytes < SMALL_BYTES]
    for day, found in groupby(
        sorted(small, key=lambda one: one.segment), key=lambda one: one.segment[:DATE_LENGTH]
    ):
        if not day.isdigit() or day >= today:
            continue
        group: list[Sealed] = []
        for entry in found:
            if group and sum(one.size_bytes for one in group) >= TOGETHER_BYTES:
                groups.append(group)
                group = []
            group.append(entry)
        groups.append(group)
    return [group for group in groups if len(group) > 1]


class _Run(Rewriting):
    def __init__(self, places: Places, files: Files, *, patience_s: float) -> None:
        super().__init__(places, files, patience_s=patience_s)
        self.removed = 0
        self.put_together = 0

    def enforce(self, keep: Keep, now: datetime) -> None:
        self.finish_earlier_runs()
        told = due(self._spans(), keep, now=now)
        entries = {entry.name: entry for entry in self.manifest.files}
        if going := self.settled([entries[name] for name in told.rows]):
            self.drop(going)
            self.removed += len(going)
        for entry in self.sound([entries[name] for name in told.inputs]):
            self.rewrite([entry], Change(forget="event = 'request'"))
        self._clear_quarantine(keep, now)
        self.remove_retired()

    def compact(self, now: datetime) -> None:
        self.finish_earlier_runs()
        for group in together(self.manifest.files, today=f"{now:%Y%m%d}"):
            good = self.sound(group)
            if len(good) > 1:
                self.rewrite(good)
                self.put_together += len(good)
        self.remove_retired()

    def told(self) -> Tended:
        return Tended(
            rows=self.rows_gone,
            inputs=self.inputs_gone,
            files_removed=self.removed,
            files_together=self.put_together,
            retired=self.manifest.retired,
            problems=tuple(self.problems),
            busy=self.busy,
        )

    def _spans(self) -> list[Span]:
        """Read what each file holds, from its metadata alone."""
        spans = []
        for entry in [entry for entry in self.manifest.files if entry.rows]:
            try:
                ((last, inputs),) = self.ask(
                    "SELECT max(CASE WHEN path_in_schema = 'time' THEN stats_max_value "
                    "END::TIMESTAMP), "
                    "sum(num_values - stats_null_count) FILTER (path_in_schema = 'input') "
                    f"FROM parquet_metadata({self.paths([entry])})"
                )
            except OSError as error:
                if self.sound([entry]):
                    self.problems.append(f"{entry.name} was not judged: {error.strerror}")
                continue
            if last is not None:
                found = last.replace(tzinfo=UTC)
                spans.append(Span(name=entry.name, last=found, inputs=int(inputs or 0)))
        return spans

    def _clear_quarantine(self, keep: Keep, now: datetime) -> None:
        """Remove damaged files after the shortest time: nobody can tell what is in them."""
        days = min((d for d in (keep.inputs_days, keep.rows_days) if d is not None), default=None)
        gone = []
        for name in self.files.names(self.places.quarantine):
            path = self.places.quarantine / name
            with suppress(FileNotFoundError):
                changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if _older(changed, days, now):
                    self.files.remove(path)
                    gone.append(name)
        if gone:
            self.commit(self.manifest.without(quarantined=gone))
            self.removed += len(gone)


def _older(time: datetime, days: float | None, now: datetime) -> bool:
    return days is not None and time < now - timedelta(days=days)


def _run(
    folder: Path, files: Files | None, patience_s: float, work: Callable[[_Run], None]
) -> Tended:
    places = Places.of(folder)
    if not places.root.is_dir():
        return Tended()
    run = _Run(places, files or Files(), patience_s=patience_s)
    run.locked(lambda: work(run))
    return run.told()
