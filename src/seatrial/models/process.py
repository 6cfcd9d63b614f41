"""A model in a process of its own, with the face of a :class:`Subject`."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial.core import settings as settings_table
from seatrial.core.closing import Closing
from seatrial.core.errors import DeadlineExceededError, SeatrialError, WorkerLostError
from seatrial.core.settings import Settings
from seatrial.models import frames
from seatrial.models.hostprocess import READ_BYTES, HostProcess, spawn
from seatrial.models.subject import Batch, Subject, Trace

LOAD_LIMIT_S = 300.0
"""Longest wait for a model to load: large ones take minutes from a cold disk."""

CALL_LIMIT_S = 60.0
"""Longest wait for one call; a model that hangs must not hang its trial."""


class ModelProcess(Closing):
    """The model of a folder, answering from a process of its own.

    A call that fails because the process died or hung raises; the next call starts a new one.

    Args:
        folder: Where ``seatrial.toml`` lies.
        settings: Settings read already; default: those of the folder.
        settings_flags: Dotted key to value, laid over the folder's own settings.
        variant: Which variant to load.
        threads: Threads that numeric libraries may use.
        limit_s: Longest wait for one call.
        load_limit_s: Longest wait for the model to load.

    Raises:
        SettingsError: The folder's settings cannot be used.
        ModelLoadError: The model could not be loaded.
        WorkerLostError: The process died while it loaded.
        DeadlineExceededError: It took too long to load.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        settings: Settings | None = None,
        settings_flags: Mapping[str, Any] | None = None,
        variant: str = "original",
        threads: int = 1,
        limit_s: float = CALL_LIMIT_S,
        load_limit_s: float = LOAD_LIMIT_S,
    ) -> None:
        self.folder = Path(folder).resolve()
        self.settings = settings or settings_table.load(self.folder, flags=settings_flags)
        self.variant = variant
        self.limit_s = limit_s
        self._load_limit_s = load_limit_s
        self._threads = threads
        self._lock = threading.RLock()
        self._host: HostProcess | None = None
        self._reader = frames.FrameReader()
        self._writer = frames.FrameWriter()
        self._asked = 0
        hello = self._start()
        self.takes_batches = hello.takes_batches
        self.visible = hello.visible
        self.load_s = hello.load_s
        self.loaded_rss_bytes = hello.rss_bytes

    @property
    def pid(self) -> int | None:
        """The id of the process; ``None`` where none runs."""
        return self._host.pid if self._host else None

    def answer(self, inputs: list[Any]) -> Batch:
        """Answer a batch; see :class:`Subject`.

        Raises:
            ModelError: The model raised or broke its output contract.
            WorkerLostError: The process died.
            DeadlineExceededError: It took longer than ``limit_s`` and was ended.
        """
        return self.ask("answer", inputs).batch or Batch([], 0.0)

    def trace(self, inputs: list[Any]) -> Trace | None:
        """Run one call under observation, in the process."""
        return self.ask("trace", inputs).trace

    def size(self, value: Any) -> int:
        """Return the cost of one input."""
        return self.sizes([value])[0]

    def sizes(self, values: list[Any]) -> list[int]:
        """Return the cost of each input, in one exchange."""
        return self.ask("size", values).sizes

    def variants(self) -> Mapping[str, Subject]:
        """Return the variants that the model itself brings; they live in the same process."""
        return {name: _Variant(self, name) for name in self.ask("variants", []).names}

    def close(self) -> None:
        """Let the process end."""
        with self._lock:
            if self._host is not None:
                self._host.close()
                self._host = None

    def ask(
        self, operation: frames.Operation, inputs: list[Any], *, variant: str = ""
    ) -> frames.Told:
        """Run one operation and wait for it."""
        with self._lock:
            if self._host is None:
                self._start()
            self._asked += 1
            frame = self._writer.encode(frames.Ask(self._asked, operation, inputs, variant))
            reply = self._exchange(frame, self.limit_s, f"{operation} of {len(inputs)} rows")
        if isinstance(reply, frames.Failed):
            raise reply.error()
        if not isinstance(reply, frames.Told):
            raise SeatrialError(f"the model's process sent {type(reply).__name__} unasked.")
        return reply

    def _start(self) -> frames.Hello:
        host = self._host = launch(
            self.folder, settings=self.settings, variant=self.variant, threads=self._threads
        )
        self._reader = frames.FrameReader(host.replies)
        self._writer = frames.FrameWriter(host.asks)
        reply = self._exchange(b"", self._load_limit_s, "loading the model")
        if isinstance(reply, frames.Hello):
            return reply
        self.close()
        if isinstance(reply, frames.Failed):
            raise reply.error()
        raise SeatrialError(f"the model's process sent {type(reply).__name__} unasked.")

    def _exchange(self, frame: bytes, limit_s: float, what: str) -> Any:
        host = self._host
        if host is None:
            raise WorkerLostError("the model's process has been closed.")
        ends_at = time.monotonic() + limit_s
        try:
            host.wire.settimeout(limit_s)
            host.wire.sendall(frame)
            while data := self._read(host.wire, ends_at):
                for message in self._reader.feed(data):
                    return message
        except TimeoutError:
            self._discard()
            raise DeadlineExceededError(
                f"{what} took longer than {limit_s:g} s; the model's process was ended.",
                hint="Look for a wait or an endless loop in the model.",
                details={"limit_s": limit_s},
            ) from None
        except BaseException as error:
            status = self._discard()
            if isinstance(error, OSError):
                raise lost(what, status) from None
            raise
        raise lost(what, self._discard())

    @staticmethod
    def _read(wire: socket.socket, ends_at: float) -> bytes:
        left_s = ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        wire.settimeout(left_s)
        return wire.recv(READ_BYTES)

    def _discard(self) -> int | None:
        host, self._host = self._host, None
        return host.kill() if host else 0


def launch(
    folder: Path, *, settings: Settings, variant: str = "original", threads: int = 1
) -> HostProcess:
    """Start a model process and tell it what to load, without waiting for it.

    Whoever launches it ends it, too.

    Args:
        folder: Where ``seatrial.toml`` lies.
        settings: Those to load the model by.
        variant: Which variant to load.
        threads: Threads that numeric libraries may use in it.

    Raises:
        OSError: The machine refuses another process or descriptor.
    """
    host = spawn(
        folder, variant=variant, threads=threads, keep=settings.endpoint.header_env.values()
    )
    with contextlib.suppress(OSError):  # it has died: whoever waits for it is told why
        host.wire.sendall(frames.encode(frames.Open(str(folder), settings, variant)))
    return host


def lost(what: str, status: int | None) -> WorkerLostError:
    """Build the error for a process that died.

    >>> lost("answering", -11).message
    "the model's process died (signal SIGSEGV) while answering."
    """
    how = "for an unknown reason" if status is None else f"with exit status {status}"
    if status is not None and status < 0:
        how = f"signal {_signal_name(-status)}"
    memory = " or ran out of memory" if status == -signal.SIGKILL else ""
    return WorkerLostError(
        f"the model's process died ({how}) while {what}.",
        hint=f"The model crashed its interpreter, called exit{memory}; look at its own output.",
        details={"exit_status": status},
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class _Variant:
    """A variant that the model of a :class:`ModelProcess` brings itself."""

    def __init__(self, process: ModelProcess, name: str) -> None:
        self._process = process
        self._name = name
        self.takes_batches = process.takes_batches
        self.visible = process.visible

    def answer(self, inputs: list[Any]) -> Batch:
        return self._process.ask("answer", inputs, variant=self._name).batch or Batch([], 0.0)

    def trace(self, inputs: list[Any]) -> Trace | None:
        return self._process.ask("trace", inputs, variant=self._name).trace

    def size(self, value: Any) -> int:
        return self._process.ask("size", [value], variant=self._name).sizes[0]

    def variants(self) -> Mapping[str, Subject]:
        return {}

    def close(self) -> None:
        """Nothing to do: the process belongs to the whole model."""
