"""The keeper: ``python -m seatrial.serve.keeper FOLDER``. Everything that must not slow answers.

Beside the front it turns closed log segments into Parquet, adds what their inputs look like, and
serves the admin API where that is asked for. The front runs on without it; what it left is finished
by the next one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from seatrial.core import settings as settings_table
from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import SeatrialError, UsageError
from seatrial.core.settings import Settings
from seatrial.models.lifeline import die_with_parent
from seatrial.models.python import named
from seatrial.records.descriptions import Describe, Descriptions
from seatrial.records.redaction import HookRedaction
from seatrial.records.sealing import Sealing, seal
from seatrial.serve.converting import to_parquet_apart
from seatrial.serve.describing import Describing
from seatrial.serve.events import Events
from seatrial.serve.tending import Tending

EVERY_S = 5.0
"""Pause between two looks at the log: rows are queried soon, and looking costs a folder listing."""

LAST_SEAL_S = 10.0
"""How long the last sealing may take after SIGTERM; dying in the middle of it loses nothing."""

NICENESS = 10
"""Answers come first: the keeper takes what processor time they leave."""


def main(arguments: list[str] | None = None) -> int:
    """Seal until told to stop."""
    options = _parser().parse_args(arguments)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's signature)
        stopping.set()
        # The kernel ends us then, even inside a library: it waits for no handler of ours.
        signal.setitimer(signal.ITIMER_REAL, max(options.last_seal, 0.001))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if options.lifeline is not None:
        die_with_parent(options.lifeline)
    settings = settings_table.load(options.folder)
    events, diary = Events(), Diary()
    # Before the nice value: threads started later inherit it, and a kill must not wait for sealing.
    admin = _admin(options, settings, events, diary)
    os.nice(NICENESS)
    try:
        keep(
            options.log_folder or options.folder,
            describe=Describing(settings, options.folder),
            events=events,
            diary=diary,
            pause=lambda: stopping.wait(options.every),
            redact=_hook(settings, options.folder, events),
            tending=Tending(options.folder, options.log_folder),
        )
    finally:
        if admin is not None:
            admin.stop()
    return 0


def keep(
    folder: Path,
    *,
    describe: Describe | None,
    events: Events,
    pause: Callable[[], bool],
    diary: Diary | None = None,
    redact: HookRedaction | None = None,
    tending: Tending | None = None,
) -> None:
    """Seal again and again, with ``pause`` between, until it says to stop; then once more.

    By then the front has closed its last segment.
    """
    diary = diary or Diary()
    descriptions = None if describe is None else Descriptions(describe)
    stopping = False
    while True:
        sealing = seal(folder, descriptions=descriptions, convert=to_parquet_apart, redact=redact)
        tell(sealing, events)
        diary.note(sealing)
        if redact is not None and redact.failures:
            events.say("inputs-lost", {"message": redact.last, "rows": redact.failures})
            redact.failures = 0
        if stopping:
            return
        if tending is not None:
            tending.after(sealing)
        stopping = pause()
        if stopping and tending is not None:
            tending.close()  # it can wait for the next keeper, the last rows should not


def _hook(settings: Settings, folder: Path, events: Events) -> HookRedaction | None:
    """Import the user's redaction; where that cannot be, nothing is sealed with its inputs."""
    location = settings.log.redact_hook
    if not location:
        return None
    try:
        return HookRedaction(named(location, folder=folder, setting="log.redact_hook"))
    except SeatrialError as error:
        message = str(error)
        events.say("no-redaction", {"message": f"inputs are sealed without content: {message}"})

        def refuse(_: Any) -> Any:
            raise UsageError(message)

        return HookRedaction(refuse)


def tell(sealing: Sealing, events: Events) -> None:
    """Say what a run of sealing did, where there is something to say."""
    if sealing.segments:
        events.say("sealed", {"segments": sealing.segments, "rows": sealing.rows})
    if sealing.undescribed:
        events.say(
            "keeper-behind",
            {
                "message": "rows come faster than they can be described: a share of them is",
                "rows_undescribed": sealing.undescribed,
                "waiting_bytes": sealing.waiting_bytes,
            },
        )
    for problem in sealing.problems:
        events.say("sealing-problem", {"message": problem})
    for name in sealing.quarantined:
        events.say("quarantined", {"file": name})


class Diary:
    """What the keeper did so far, for the admin API.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._process = psutil.Process()
        self._started_s = clock.now_s()
        self._segments = 0
        self._rows = 0
        self._quarantined = 0
        self._undescribed = 0
        self._waiting_bytes = 0
        self._looked: Any = None
        self._problems: tuple[str, ...] = ()

    def note(self, sealing: Sealing) -> None:
        """Add one run of sealing."""
        self._segments += sealing.segments
        self._rows += sealing.rows
        self._quarantined += len(sealing.quarantined)
        self._undescribed += sealing.undescribed
        self._waiting_bytes = sealing.waiting_bytes
        self._looked = self._clock.utc()
        self._problems = sealing.problems

    def status(self) -> dict[str, Any]:
        """Return it as the admin API tells it."""
        times = self._process.cpu_times()
        return {
            "keeper": {
                "pid": self._process.pid,
                "up_s": round(self._clock.now_s() - self._started_s, 1),
                "cpu_s": round(times.user + times.system, 2),
                "rss_bytes": self._process.memory_info().rss,
            },
            "sealing": {
                "looked": self._looked,
                "segments": self._segments,
                "rows": self._rows,
                "quarantined": self._quarantined,
                "undescribed": self._undescribed,
                "waiting_bytes": self._waiting_bytes,
                "problems": self._problems,
            },
        }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="seatrial.serve.keeper")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--log-folder", type=Path, help="whose log is sealed; default FOLDER's")
    parser.add_argument("--lifeline", type=int, help="pipe that ends with the front")
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between two looks")
    parser.add_argument(
        "--last-seal", type=float, default=LAST_SEAL_S, help="seconds it may take after SIGTERM"
    )
    parser.add_argument("--admin-port", type=int, help="serve the admin API there; 0: a free port")
    return parser


def _admin(
    options: argparse.Namespace, settings: Settings, events: Events, diary: Diary
) -> Any | None:
    """Start the admin API where it is asked for; sealing goes on where it cannot be had."""
    port = settings.serving.admin_port if options.admin_port is None else options.admin_port
    if port is None:
        return None
    from seatrial.serve.admin import Admin
    from seatrial.serve.admin_server import AdminServer, prepare
    from seatrial.serve.consoles import Consoles, Doorman
    from seatrial.serve.keys import Keyring

    folder, serving = options.folder, settings.serving
    try:
        token, keyring = prepare(folder, serving), Keyring(folder)
        app = Consoles(
            Admin(folder, token=token, keyring=keyring, status=diary.status, events=events),
            folder=folder,
            log_folder=options.log_folder or folder,
            settings=settings,
            doorman=Doorman(token.matches, keyring=keyring),
            events=events,
        )
        server = AdminServer(app, folder=folder, host=serving.admin_host, port=port)
        server.start()
    except (SeatrialError, OSError) as error:
        events.say("no-admin", {"message": str(error)})
        return None
    events.say("admin-ready", {"url": server.url})
    return server


if __name__ == "__main__":
    sys.exit(main())
