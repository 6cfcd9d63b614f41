"""Deletes what the log holds of somebody, now and when it comes late.

A request to delete is first written down, as digests that say nothing to whoever does not know the
subject; from then on rows of it are neither sealed nor shown. Then every sealed file that holds
some is written anew. A run that died is finished by the next.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import EnvironmentMismatchError, UsageError
from seatrial.records import columns, lines
from seatrial.records.files import Files
from seatrial.records.manifest import Sealed
from seatrial.records.places import Places
from seatrial.records.rewriting import Change, Rewriting, declared
from seatrial.records.snapshot import gather
from seatrial.records.tombstones import (
    SEPARATOR,
    Done,
    Tombstone,
    Tombstones,
    digest_of,
    is_event,
    plain,
)

PATIENCE_S = 60.0
"""How long a person who deletes waits for a keeper at work, and for readers."""


class Subject(Struct, frozen=True):
    """Whose rows go.

    Attributes:
        key: ``id`` (a request), ``key_id`` (a caller's key), else a field of the inputs: its name,
            or a JSON pointer (``/user/id``).
        value: As text: ``42`` is the number and the text.
    """

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Return the subject that ``KEY=VALUE`` names.

        Raises:
            UsageError: It has another form.

        >>> Subject.parse("customer=42")
        Subject(key='customer', value='42')
        """
        key, mark, value = text.partition("=")
        if not key or not mark or not value:
            raise UsageError(
                f"received {text!r} for a subject; accepted is KEY=VALUE.",
                hint="For example: --subject customer_id=42",
            )
        return cls(key, value)


class Deleted(Struct, frozen=True, kw_only=True):
    """What a run of deletion did.

    Attributes:
        rows: Requests and feedback left out of sealed files.
        files: Files written anew.
        waiting: Rows in segments that are not sealed; they are shown no more, and left out when
            they are.
        retired: Old files that somebody read at that moment; the next run removes them.
        quarantined: Damaged files set aside, which cannot be searched: look at them, or remove
            them.
        problems: What went wrong, in sentences; run it again.
    """

    rows: int = 0
    files: int = 0
    waiting: int = 0
    retired: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def delete(
    folder: Path,
    subjects: Iterable[Subject],
    *,
    clock: Clock = SYSTEM,
    files: Files | None = None,
    patience_s: float = PATIENCE_S,
) -> Deleted:
    """Delete every row of some subjects from the log of a folder.

    Raises:
        UsageError: No subject is named.
        EnvironmentMismatchError: Another run over the log does not end, or the disk refuses.
    """
    named = list(subjects)
    if not named:
        raise UsageError(
            "no subject is named; accepted is at least one.",
            hint="For example: --subject customer_id=42, or --id REQUEST",
        )
    places = Places.of(folder)
    if not places.root.is_dir():
        return Deleted()
    run = _Deletion(places, files or Files(), clock, patience_s=patience_s)
    run.locked(lambda: run.delete(named))
    return _told(run)


def finish(folder: Path, *, clock: Clock = SYSTEM, files: Files | None = None) -> Deleted:
    """Finish deletions that a run before us did not; done by the keeper."""
    places = Places.of(folder)
    if not places.deleted.exists():
        return Deleted()
    run = _Deletion(places, files or Files(), clock)
    run.locked(run.finish)
    return run.told()


class _Deletion(Rewriting):
    def __init__(
        self, places: Places, files: Files, clock: Clock, *, patience_s: float = 0.0
    ) -> None:
        super().__init__(places, files, patience_s=patience_s)
        self.clock = clock
        self.tombstones = Tombstones(places, files=files)
        self.written = 0
        self.waiting = 0

    def delete(self, subjects: list[Subject]) -> None:
        for subject in subjects:
            self.tombstones.add(self._tombstone(subject))
        self.finish()

    def finish(self) -> None:
        """Write every file anew that holds rows of a tombstone that is not done."""
        self.finish_earlier_runs()
        every, done = self.tombstones.read()
        left = [tombstone for tombstone in every if tombstone.salt not in done]
        if left:
            self._apply(" OR ".join(tombstone.sql() for tombstone in left))
            for tombstone in left:
                self.tombstones.add(Done(time=self.clock.utc(), salt=tombstone.salt))
        self.remove_retired()
        self.waiting = sum(
            any(tombstone.covers(row) for tombstone in every) for row in self._unsealed()
        )

    def told(self) -> Deleted:
        return Deleted(
            rows=self.rows_gone,
            files=self.written,
            waiting=self.waiting,
            retired=self.manifest.retired,
            quarantined=tuple(entry.name for entry in self.manifest.quarantined),
            problems=tuple(self.problems),
        )

    def _apply(self, goes: str) -> None:
        change = Change(keep=f"NOT coalesce(({goes}), false)")
        for entry in self.sound([entry for entry in self.manifest.files if entry.rows]):
            ((found,),) = self.ask(f"SELECT count(*) FROM {self._source([entry])} WHERE {goes}")
            if found:
                self.rewrite([entry], change)
                self.written += 1

    def _tombstone(self, subject: Subject) -> Tombstone:
        """Describe a subject, and find its rows: what is said of them later goes too."""
        salt = secrets.token_hex(16)
        bare = Tombstone(
            time=self.clock.utc(),
            key=subject.key,
            salt=salt,
            digest=digest_of(salt, subject.value),
        )
        if subject.key == "id":
            return bare
        entries = self.sound([entry for entry in self.manifest.files if entry.rows])
        rows: set[tuple[str, int]] = set()
        if entries:
            rows |= set(
                self.ask(
                    f'SELECT DISTINCT id, "row" FROM {self._source(entries)} '
                    f"WHERE event = 'request' AND {bare.sql()}"
                )
            )
        for row in self._unsealed():
            if is_event(row, "request") and bare.covers(row):
                rows.add((str(plain(row["id"])), int(bytes(row["row"]))))
        digests = sorted(digest_of(salt, f"{id_}{SEPARATOR}{row}") for id_, row in rows)
        return msgspec.structs.replace(bare, rows=tuple(digests))

    def _source(self, entries: list[Sealed]) -> str:
        listed = self.paths(entries)
        return f"({declared()} UNION ALL BY NAME FROM read_parquet({listed}, union_by_name=true))"

    def _unsealed(self) -> Iterable[dict[str, Any]]:
        held: Iterable[lines.Lines] = gather(self.places, files=self.files).segments.values()
        for one in held:
            yield from columns.rows_of(one.bodies)


def _told(run: _Deletion) -> Deleted:
    if run.busy:
        raise EnvironmentMismatchError(
            f"another run over {run.places.root} has not ended; nothing was deleted.",
            hint="Try again.",
        )
    return run.told()
