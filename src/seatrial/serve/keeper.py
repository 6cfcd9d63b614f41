"""The keeper: ``python -m seatrial.serve.keeper FOLDER``. Everything that must not slow answers.

Beside the front it turns closed log segments into Parquet and adds what their inputs look like.
The front runs on without it; what it left is finished by the next one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seatrial.core import settings as settings_table
from seatrial.core.settings import Settings
from seatrial.models.host import die_with_parent
from seatrial.records.columns import Describe
from seatrial.records.sealing import Sealing, seal
from seatrial.serve.events import Events

EVERY_S = 5.0
"""Pause between two looks at the log: rows are queried soon, and looking costs a folder listing."""

NICENESS = 10
"""Answers come first: the keeper takes what processor time they leave."""


def main(arguments: list[str] | None = None) -> int:
    """Seal until told to stop."""
    parser = argparse.ArgumentParser(prog="seatrial.serve.keeper")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--log-folder", type=Path, help="whose log is sealed; default FOLDER's")
    parser.add_argument("--lifeline", type=int, help="pipe that ends with the front")
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between two looks")
    options = parser.parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if options.lifeline is not None:
        die_with_parent(options.lifeline)
    os.nice(NICENESS)
    settings = settings_table.load(options.folder)
    keep(
        options.log_folder or options.folder,
        describe=Describing(settings, options.folder),
        events=Events(),
        pause=lambda: stopping.wait(options.every),
    )
    return 0


def keep(
    folder: Path, *, describe: Describe | None, events: Events, pause: Callable[[], bool]
) -> None:
    """Seal again and again, with ``pause`` between, until it says to stop."""
    while True:
        tell(seal(folder, describe=describe), events)
        if pause():
            return


def tell(sealing: Sealing, events: Events) -> None:
    """Say what a run of sealing did, where there is something to say."""
    if sealing.segments:
        events.say("sealed", {"segments": sealing.segments, "rows": sealing.rows})
    for problem in sealing.problems:
        events.say("sealing-problem", {"message": problem})
    for name in sealing.quarantined:
        events.say("quarantined", {"file": name})


class Describing:
    """What inputs look like beside the eval set; the reference is read when it is first needed.

    Args:
        settings: Names the eval set and the kind of input.
        folder: The project folder.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._describer: Any = None

    def __call__(self, inputs: list[Any]) -> Sequence[dict[str, Any] | None]:
        """Return one mapping of descriptors per input, ``None`` for one of another kind."""
        if not self._settings.eval.data:
            return [None] * len(inputs)
        if self._describer is None:
            self._describer = self._fit()
        fitting = [place for place, value in enumerate(inputs) if self._fits(value)]
        described: list[dict[str, Any] | None] = [None] * len(inputs)
        if fitting:
            columns = self._describer.describe([inputs[place] for place in fitting])
            for number, place in enumerate(fitting):
                described[place] = {name: column[number] for name, column in columns.items()}
        return described

    def _fit(self) -> Any:
        from seatrial.describe.describer import describer_for
        from seatrial.records.tables import read_rows

        told = self._settings.eval
        rows = read_rows(self._folder / told.data, input=told.input, label=told.label)
        return describer_for(self._settings.model.input, rows.inputs)

    def _fits(self, value: Any) -> bool:
        kinds: dict[str, Any] = {"text": str, "record": dict, "array": (list, int, float)}
        return isinstance(value, kinds.get(self._settings.model.input, object))


if __name__ == "__main__":
    sys.exit(main())
