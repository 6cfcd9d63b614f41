"""The control log: what an operator has ordered, in a file that serving reads without any help.

``FOLDER/.seatrial/control/control.jsonl``, one order a line, each with a checksum, who gave it,
when and why. The number of a line is the generation after it. An order is on the disk before it
counts; half a line was never given. A line that cannot be read might have been a kill, so it counts
as one until somebody who looks says ``kill off``.
"""

from __future__ import annotations

import getpass
import os
import zlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import ConflictError, EnvironmentMismatchError
from seatrial.releases.line_file import LineFile, plain
from seatrial.releases.places import ControlPlaces

Action = Literal["kill-on", "kill-off", "reload", "drain"]

TEXT_MAX = 1_000
"""Longest text of an operator's that is kept, in characters."""


UNREAD = (-1,)
"""Stands for what was seen of a log that could not be read: no file looks like it."""


class Order(Struct, frozen=True, kw_only=True):
    """One line of the control log.

    Attributes:
        generation: Number of the line, from 1.
        time: When it was given.
        action: What was ordered.
        by: Who gave it.
        reason: Why.
    """

    generation: int
    time: datetime
    action: Action
    by: str
    reason: str = ""


class ControlState(Struct, frozen=True, kw_only=True):
    """What all orders together mean.

    Attributes:
        killed: No model call may start.
        reason: Why it is killed, or was switched on again.
        since: When the last ``kill`` order was given.
        by: Who gave it.
        generation: Orders so far; grows with each.
        reloaded: Generation of the last ``reload``: it was ordered after a reader that has seen
            fewer started, 0 for never.
        drained: Generation of the last ``drain``, in the same way.
        problem: What is wrong with the log, in a sentence.
    """

    killed: bool = False
    reason: str = ""
    since: datetime | None = None
    by: str = ""
    generation: int = 0
    reloaded: int = 0
    drained: int = 0
    problem: str = ""


class Control:
    """Reads the orders about one folder, and adds to them.

    Args:
        folder: The project folder.
        clock: Where time comes from.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM) -> None:
        self._places = ControlPlaces.of(folder)
        self._file = LineFile(self._places.log)
        self._path = os.fspath(self._places.log)
        self._clock = clock
        self._state = ControlState()
        self._seen: tuple[int, ...] | None = None

    def changed(self) -> bool:
        """Say whether there may be orders that :meth:`read` has not seen; one ``stat``."""
        return self._seen is None or self._mark() != self._seen

    def read(self) -> ControlState:
        """Return what holds now.

        A log that has gone or cannot be read any more changes nothing: what held, holds.

        Raises:
            EnvironmentMismatchError: It is there and has never been readable.
        """
        mark = self._mark()
        try:
            state = fold(self._file.lines())
        except OSError as error:
            if self._seen is None:
                raise EnvironmentMismatchError(
                    f"{self._path} cannot be read: {error.strerror}.",
                    hint="Make it readable for the account that serves.",
                ) from None
            # Looked at again: where it was we who had no descriptor left, nothing would tell.
            self._seen = UNREAD
            return self._still(f"{self._path} cannot be read: {error.strerror}")
        self._seen = mark
        if state.generation < self._state.generation:
            return self._still(f"{self._path} has lost orders that were in force")
        self._state = state
        return state

    def order(
        self, action: Action, *, by: str, reason: str = "", expected: int | None = None
    ) -> ControlState:
        """Give an order; it is on the disk when this returns.

        Args:
            action: What is ordered.
            by: Who orders it.
            reason: Why.
            expected: The generation that it is based on; default whatever there is.

        Raises:
            ConflictError: Somebody gave an order since ``expected``.
            EnvironmentMismatchError: The log cannot be written.
        """

        def line(_: bytes) -> bytes:
            generation = len(self._file.lines())
            if expected is not None and expected != generation:
                raise ConflictError(
                    f"the generation is {generation}, not {expected}: somebody gave an order "
                    "meanwhile.",
                    hint="Look at the state, and decide again.",
                    details={"received": expected, "expected": generation},
                )
            return encode(
                Order(
                    generation=generation + 1,
                    time=self._clock.utc(),
                    action=action,
                    by=plain(by, TEXT_MAX),
                    reason=plain(reason, TEXT_MAX),
                )
            )

        try:
            self._places.make()
        except OSError as error:
            raise EnvironmentMismatchError(
                f"{self._places.root} cannot be made: {error.strerror}.",
                hint="Make it writable, and repeat the order: it was not taken.",
            ) from None
        self._file.append(line)
        return self.read()

    def _mark(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._path)  # noqa: PTH116  (twenty times a second, for ever)
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _still(self, problem: str) -> ControlState:
        self._state = msgspec.structs.replace(self._state, problem=problem)
        return self._state


def fold(lines: Iterable[bytes]) -> ControlState:
    """Return what orders together mean.

    >>> fold([]).killed, fold([b"illegible"]).killed
    (False, True)
    """
    state = ControlState()
    for number, line in enumerate(lines, 1):
        order = decode(line)
        if order is None or order.generation != number:
            state = msgspec.structs.replace(
                state,
                killed=True,
                reason=f"order {number} in the control log cannot be read",
                generation=number,
                problem=f"order {number} in the control log cannot be read",
            )
        else:
            state = after(state, order)
    return state


def after(state: ControlState, order: Order) -> ControlState:
    """Return the state after one more order."""
    generation = order.generation
    if order.action == "reload":
        return msgspec.structs.replace(state, generation=generation, reloaded=generation)
    if order.action == "drain":
        return msgspec.structs.replace(state, generation=generation, drained=generation)
    return ControlState(
        killed=order.action == "kill-on",
        reason=order.reason,
        since=order.time,
        by=order.by,
        generation=generation,
        reloaded=state.reloaded,
        drained=state.drained,
    )


def encode(order: Order) -> bytes:
    """Return the line of an order: its JSON, led by the CRC-32 of the rest."""
    rest = msgspec.json.encode(order)[1:]
    return b'{"crc":"%08x",%b' % (zlib.crc32(rest), rest)


def decode(line: bytes) -> Order | None:
    """Return the order of a line, ``None`` where it is damaged."""
    head, separator, rest = line.partition(b",")
    if not separator or head != b'{"crc":"%08x"' % zlib.crc32(rest):
        return None
    try:
        return msgspec.json.decode(b"{" + rest, type=Order)
    except msgspec.DecodeError:
        return None


def operator() -> str:
    """Return who uses the command line."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = str(os.getuid())
    return f"{name}, command line"
