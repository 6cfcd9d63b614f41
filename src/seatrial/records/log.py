"""The append-only log: what became of every request, written before its answer leaves."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.closing import Closing
from seatrial.core.errors import EnvironmentMismatchError, ServingError
from seatrial.records import lines
from seatrial.records.buffer import Buffer
from seatrial.records.files import Files
from seatrial.records.places import Places
from seatrial.records.record import Dropped, Event
from seatrial.records.segment import Segment, TornWriteError

SEGMENT_MAX_BYTES = 64 * 2**20
"""About 200,000 rows: sealed in a second or two, read whole in memory."""

SEGMENT_MAX_AGE_S = 300.0
"""How long a row may wait for its Parquet file on a quiet server."""

BUFFER_MAX_BYTES = 16 * 2**20
"""Memory that rows may take while the disk refuses them."""

RETRY_S = 0.5
"""Pause between two tries to write while the disk refuses: a try may be slow, answers must not."""

_PASSING = {errno.ENOSPC, errno.EDQUOT}
"""A full disk leaves the descriptor good."""

Sync = Literal["never", "group", "always"]
"""When rows are forced to the disk: by the kernel's own leisure, at each ``tick``, at each append.

Every choice survives the death of the process; only the last two survive a loss of power.
"""

WhenFull = Literal["buffer", "refuse"]
"""Serve on with a memory buffer, or refuse the request that cannot be recorded."""


class LogState(Struct, frozen=True):
    """How the log fares.

    Attributes:
        written: Events that reached the operating system.
        buffered: Events that wait in memory for the disk.
        dropped: Events let go because the buffer was full.
        failure: Why the last write failed; empty when all is well.
    """

    written: int
    buffered: int
    dropped: int
    failure: str


class LogWriter(Closing):
    """Appends events to segments of ``FOLDER/.seatrial/log``; safe to share between threads.

    Several writers, in one process or many, never share a segment. A writer that dies leaves its
    segment for the keeper.

    Args:
        folder: The project folder.
        clock: Where time comes from.
        segment_max_bytes: Size at which a segment is closed and the next begun.
        segment_max_age_s: Age at which it is.
        buffer_max_bytes: Memory for rows that the disk refuses.
        sync: When rows are forced to the disk.
        when_full: What happens to a row that can be neither written nor buffered for good.
        files: The file system.

    Raises:
        EnvironmentMismatchError: The log cannot be written at all.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = SYSTEM,
        segment_max_bytes: int = SEGMENT_MAX_BYTES,
        segment_max_age_s: float = SEGMENT_MAX_AGE_S,
        buffer_max_bytes: int = BUFFER_MAX_BYTES,
        sync: Sync = "never",
        when_full: WhenFull = "buffer",
        files: Files | None = None,
    ) -> None:
        self._places = Places.of(folder)
        self._clock = clock
        self._max_bytes = segment_max_bytes
        self._max_age_s = segment_max_age_s
        self._sync = sync
        self._when_full = when_full
        self._files = files or Files()
        self._buffer = Buffer(buffer_max_bytes)
        self._lock = threading.Lock()
        self._written = 0
        self._failure = ""
        self._retry_at_s = 0.0
        self._rotate_after_s = -math.inf
        self._unsynced = False
        try:
            self._segment: Segment | None = self._new_segment()
        except OSError as error:
            raise EnvironmentMismatchError(
                f"the prediction log cannot be written in {self._places.root}: {error.strerror}.",
                hint="Give the server a folder that it may write to.",
                details={"folder": str(self._places.root)},
            ) from None

    def append(self, events: Iterable[Event]) -> None:
        """Write events, all or none of one call; when this returns they survive ``kill -9``.

        While the disk refuses, they wait in memory and are written by a later call or tick.

        Raises:
            ServingError: The disk refuses and ``when_full`` is ``"refuse"``.
        """
        encoded = [lines.encode(event) for event in events]
        if not encoded:
            return
        with self._lock:
            if self._ready():
                try:
                    self._write(encoded)
                except OSError as error:
                    self._fail(error)
                    encoded = self._unwritten(encoded, error)
                else:
                    self._force()
                    return
            self._keep(encoded)

    def tick(self) -> None:
        """Do what time asks for: try a refused buffer again, close an old segment, group-sync.

        Call it every 50 milliseconds or so, off the path of requests; never raises ``OSError``.
        """
        with self._lock:
            self._ready()
            try:
                self._rotate_if_due()
            except OSError as error:
                self._fail(error)
            held = self._held_for_sync()
        if held is not None:
            # Outside the lock: requests go on being recorded while the disk works.
            try:
                self._files.sync(held)
                self._unsynced = False
            except OSError as error:
                self._failure = _why(error)
            finally:
                os.close(held)

    def state(self) -> LogState:
        """Return how the log fares."""
        return LogState(self._written, self._buffer.count, self._buffer.dropped, self._failure)

    def close(self) -> None:
        """Write what waits, and hand the segment over for sealing."""
        with self._lock:
            self._retry_at_s = self._clock.now_s()
            self._ready()
            if self._segment is None:
                return
            with contextlib.suppress(OSError):
                if self._sync != "never":
                    self._segment.sync()
            try:
                self._segment.retire()
            except OSError:
                self._segment.abandon()
            self._segment = None

    def _ready(self) -> bool:
        """Say whether the disk may be tried now, after trying it on what waits."""
        if not self._failure:
            return True
        if self._clock.now_s() < self._retry_at_s:
            return False
        try:
            self._drain()
        except OSError as error:
            self._fail(error)
            return False
        self._failure = ""
        return True

    def _drain(self) -> None:
        while waiting := self._buffer.pop():
            try:
                self._write(waiting)
            except OSError as error:
                self._buffer.put_back(self._unwritten(waiting, error))
                raise
        if untold := self._buffer.untold:
            self._write([lines.encode(Dropped(time=self._clock.utc(), count=untold))])
            self._buffer.untold = 0

    def _unwritten(self, encoded: list[bytes], error: OSError) -> list[bytes]:
        kept = error.kept_lines if isinstance(error, TornWriteError) else 0
        self._written += kept
        return encoded[kept:]

    def _write(self, encoded: list[bytes]) -> None:
        self._rotate_if_due()
        if self._segment is None or self._segment.lost():
            self._replace_segment()
        assert self._segment is not None  # noqa: S101 - for the type checker: just made
        self._segment.write(b"".join(encoded))
        self._written += len(encoded)
        self._unsynced = True

    def _force(self) -> None:
        """Sync what was just written; it stays written where that fails, and is not repeated."""
        if self._sync != "always" or self._segment is None:
            return
        try:
            self._segment.sync()
            self._unsynced = False
        except OSError as error:
            self._fail(error)
            if self._when_full == "refuse":
                raise self._refusal() from None

    def _rotate_if_due(self) -> None:
        segment = self._segment
        if segment is None or not segment.size_bytes:
            return
        now_s = self._clock.now_s()
        old = now_s - segment.opened_s >= self._max_age_s
        if now_s < self._rotate_after_s or not (old or segment.size_bytes >= self._max_bytes):
            return
        try:
            if self._sync != "never":
                segment.sync()
            segment.retire()
        except OSError:
            # It can still be written: an overlong segment is better than a row in memory.
            self._rotate_after_s = now_s + RETRY_S
            return
        self._segment = None
        self._segment = self._new_segment()

    def _replace_segment(self) -> None:
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        self._segment = self._new_segment()

    def _new_segment(self) -> Segment:
        return Segment(self._places, clock=self._clock, files=self._files)

    def _held_for_sync(self) -> int | None:
        """Return a second descriptor of the segment where a group sync is due."""
        if self._sync != "group" or not self._unsynced or self._segment is None:
            return None
        try:
            return os.dup(self._segment.descriptor)
        except OSError as error:
            self._fail(error)
            return None

    def _fail(self, error: OSError) -> None:
        self._failure = _why(error)
        self._retry_at_s = self._clock.now_s() + RETRY_S
        if error.errno not in _PASSING and self._segment is not None:
            # The descriptor itself may be dead; the keeper will find what it holds.
            self._segment.abandon()
            self._segment = None

    def _keep(self, encoded: list[bytes]) -> None:
        if self._when_full == "refuse":
            self._buffer.drop(len(encoded))
            raise self._refusal()
        self._buffer.push(encoded)

    def _refusal(self) -> ServingError:
        return ServingError(
            f"the request cannot be recorded ({self._failure}) and is therefore refused.",
            hint="Free the disk of the prediction log, or let the server buffer.",
        )


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
