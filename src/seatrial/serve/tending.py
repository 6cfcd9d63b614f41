"""What the log needs beside sealing: ``python -m seatrial.serve.tending FOLDER``.

Rows that were sealed get their chance to be reviewed; deletions that were cut short are finished;
what is due is let go, and small files are put together. DuckDB does it in a process that ends, so
that the keeper stays small.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from seatrial.core import settings as settings_table
from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.closing import Closing
from seatrial.core.errors import SeatrialError
from seatrial.core.settings import Settings
from seatrial.models.lifeline import die_with_parent
from seatrial.records.places import Places
from seatrial.records.sealing import Sealing
from seatrial.serve.attendant import Attendant
from seatrial.serve.events import Events

EVERY_S = 3600.0
"""Between two looks at what is due: ages are in days, and a look reads of each file."""

BEHIND_MAX = 12
"""Looks that sealed something, one after the other, before it is tended all the same."""

MARK = "tended"
"""Empty file of the log whose age says when it was last tended; servers that start often do not."""


def main(arguments: list[str] | None = None) -> int:
    """Tend one log once."""
    parser = argparse.ArgumentParser(prog="seatrial.serve.tending")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--log-folder", type=Path, help="whose log is tended; default FOLDER's")
    parser.add_argument("--due", action="store_true", help="let go what is due too")
    parser.add_argument("--lifeline", type=int, help="pipe that ends with the keeper")
    options = parser.parse_args(arguments)
    if options.lifeline is not None:
        die_with_parent(options.lifeline)
    settings = settings_table.load(options.folder)
    tend(options.log_folder or options.folder, settings, events=Events(), due=options.due)
    return 0


def tend(
    folder: Path, settings: Settings, *, events: Events, due: bool, clock: Clock = SYSTEM
) -> None:
    """Draw for review and, where ``due``, finish deletions, let go, and put together.

    Args:
        folder: Whose log it is.
        settings: ``[review]`` and ``[log]``.
        events: Told what was done.
        due: Whether it is time for more than drawing.
        clock: Where time comes from.
    """
    steps: list[Callable[[], dict[str, object]]] = [lambda: _draw(folder, settings, clock)]
    if due:
        steps = [lambda: _let_go(folder, settings, clock), *steps]
    for step in steps:
        try:
            told = step()
        except SeatrialError as error:
            told = {"problems": (str(error),)}
        if any(told.values()):
            events.say("tended", {name: value for name, value in told.items() if value})


def _draw(folder: Path, settings: Settings, clock: Clock) -> dict[str, object]:
    from seatrial.records.reviewing import Plan, ReviewSample

    wanted = settings.review
    plan = Plan(
        first_rows=wanted.first_rows, first_share=wanted.first_share, per_day=wanted.per_day
    )
    with ReviewSample(folder, clock=clock) as sample:
        return {"drawn_for_review": sample.draw(plan)}


def _let_go(folder: Path, settings: Settings, clock: Clock) -> dict[str, object]:
    from seatrial.records.deletion import finish
    from seatrial.records.retention import Keep, compact, enforce

    keep = Keep(inputs_days=settings.log.keep_inputs_days, rows_days=settings.log.keep_rows_days)
    deleted = finish(folder, clock=clock)
    gone = enforce(folder, keep, clock=clock)
    together = compact(folder, clock=clock)
    (Places.of(folder).root / MARK).touch()
    return {
        "rows_deleted": deleted.rows,
        "rows_let_go": gone.rows,
        "inputs_forgotten": gone.inputs,
        "files_put_together": together.files_together,
        "problems": (*deleted.problems, *gone.problems, *together.problems),
    }


class Tending(Closing):
    """Decides when a log is tended, and has it done by a process of its own, one at a time.

    Nobody waits for it: one that is ended early is finished by the next.

    Args:
        folder: The project folder.
        log_folder: Whose log it is; default the same.
        clock: Where time comes from.
    """

    def __init__(
        self, folder: Path, log_folder: Path | None = None, *, clock: Clock = SYSTEM
    ) -> None:
        self._folder = folder
        self._log_folder = log_folder or folder
        self._clock = clock
        self._looked_s: float | None = None
        self._running: Attendant | None = None
        self._behind = 0

    def after(self, sealing: Sealing) -> None:
        """Tend once sealing has a pause after it sealed something, or where an hour is over."""
        self._behind += sealing.segments > 0
        busy = sealing.segments > 0 and self._behind < BEHIND_MAX
        if busy or (self._running is not None and self._running.alive()):
            return
        self.close()
        due = self._due(tended=self._behind > 0)
        if due or self._behind:
            arguments = [str(self._folder), "--log-folder", str(self._log_folder)]
            arguments += ["--due"] if due else []
            self._running = Attendant("seatrial.serve.tending", arguments)
        self._behind = 0

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            self._running.kill()
            self._running = None

    def _due(self, *, tended: bool) -> bool:
        """Say whether an hour is over since anybody tended this log.

        Args:
            tended: There is something to tend, even if nobody ever did.
        """
        now_s = self._clock.now_s()
        if self._looked_s is None:
            try:
                mark = Places.of(self._log_folder).root / MARK
                age_s = self._clock.utc().timestamp() - mark.stat().st_mtime
            except OSError:
                if not tended:
                    return False  # there is nothing to tend yet
                age_s = EVERY_S
            self._looked_s = now_s - age_s
        if now_s - self._looked_s < EVERY_S:
            return False
        self._looked_s = now_s
        return True


if __name__ == "__main__":
    sys.exit(main())
