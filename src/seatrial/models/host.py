"""The process that holds the user's model: ``python -m seatrial.models.host FOLDER --fd N``.

It loads the model, answers frames on a socket it inherited and dies with its parent, however that
one dies. What user code prints goes to standard error; the wire is a socket it never sees.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import gc
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial.core.errors import (
    ModelLoadError,
    ModelRaisedError,
    OutputContractError,
    SeatrialError,
    UnknownNameError,
)
from seatrial.models import frames
from seatrial.models.answers import Answer
from seatrial.models.hostprocess import READ_BYTES
from seatrial.models.prints import Prints
from seatrial.models.region import Region
from seatrial.models.resident import ResidentMemory
from seatrial.models.subject import Batch, Subject, text_of
from seatrial.models.threads import hold_loaded_to, hold_to

LOADING_COLLECTIONS = (100_000, 50, 100)
"""Thresholds of the garbage collector while loading, when nearly all that is made stays."""

_F_SETSIG = 10  # Linux; the standard library does not name it


def main(arguments: list[str] | None = None) -> int:
    """Run until the parent closes the socket or dies."""
    parser = argparse.ArgumentParser(prog="seatrial.models.host")
    parser.add_argument("folder", help="shown in the process list; the settings come by frame")
    parser.add_argument("--fd", type=int, required=True, help="socket to the parent")
    parser.add_argument("--lifeline", type=int, required=True, help="pipe that ends with it")
    parser.add_argument("--variant", default="original", help="shown in the process list")
    parser.add_argument("--regions", type=int, nargs=2, help="memory: the parent's, ours")
    parser.add_argument("--threads", type=int, default=1, help="threads of one call")
    options = parser.parse_args(arguments)
    die_with_parent(options.lifeline)
    wire = socket.socket(fileno=options.fd)
    regions = [Region(descriptor) for descriptor in options.regions or ()]
    _keep_to_ourselves(wire, regions)
    sys.stdout = sys.stderr = Prints()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        Host(wire, *regions, threads=options.threads).serve()
    sys.stdout.flush()
    wire.detach()  # closed by the end of the process: that is what the parent waits for
    return 0


class Host:
    """Answers the frames of one parent, one at a time.

    Args:
        wire: To the parent.
        asks: Where the parent puts large arrays.
        replies: Where we put them.
        threads: Threads that numeric libraries may use in one call.
    """

    def __init__(
        self,
        wire: socket.socket,
        asks: Region | None = None,
        replies: Region | None = None,
        *,
        threads: int = 1,
    ) -> None:
        self._wire = wire
        self._reader = frames.FrameReader(asks)
        self._writer = frames.FrameWriter(replies)
        self._threads = threads
        self._memory = ResidentMemory()
        self._own: Mapping[str, Subject] | None = None
        self._subject: Subject | None = None

    def serve(self) -> None:
        """Load what the first frame names, then answer until the socket ends."""
        for message in self._messages():
            if isinstance(message, frames.Ask):
                self._wire.sendall(self._answer(message))
            elif isinstance(message, frames.Open) and not self._open(message):
                return
        if self._subject is not None:
            self._subject.close()

    def _messages(self) -> Iterator[Any]:
        while data := self._wire.recv(READ_BYTES):
            yield from self._reader.feed(data)

    def _open(self, order: frames.Open) -> bool:
        started = time.perf_counter()
        # Last, so that imports made while answering find the model's own modules, and only then.
        sys.path.append(order.folder)
        hold_to(self._threads)
        thresholds = gc.get_threshold()
        gc.set_threshold(*LOADING_COLLECTIONS)
        try:
            self._subject = load(order)
        except SeatrialError as error:
            self._wire.sendall(self._writer.encode(frames.Failed.of(error, ask=0)))
            return False
        hold_loaded_to(self._threads)
        loaded = frames.Hello(
            takes_batches=self._subject.takes_batches,
            visible=self._subject.visible,
            load_s=time.perf_counter() - started,
            rss_bytes=self._memory.bytes(),
        )
        self._wire.sendall(self._writer.encode(loaded))
        gc.set_threshold(*thresholds)
        # What was loaded stays: later collections need not look at it again.
        gc.freeze()
        return True

    def _answer(self, ask: frames.Ask) -> bytes:
        try:
            told = self._run(ask)
        except SeatrialError as error:
            return self._failed(_located(error), ask)
        except BaseException as error:  # noqa: BLE001  (edge of the process: user code)
            return self._failed(_located(_raised(error, len(ask.inputs))), ask)
        try:
            return self._writer.encode(told)
        except SeatrialError as error:
            return self._failed(_cannot_travel(error, told), ask)

    def _failed(self, error: SeatrialError, ask: frames.Ask) -> bytes:
        return self._writer.encode(frames.Failed.of(error, ask=ask.id))

    def _run(self, ask: frames.Ask) -> frames.Told:
        subject = self._named(ask.variant)
        if ask.operation == "answer":
            batch = subject.answer(ask.inputs)
            seen = Batch(batch.answers, batch.elapsed_s, self._memory.bytes(), batch.cpu_s)
            return frames.Told(ask.id, batch=seen)
        if ask.operation == "trace":
            return frames.Told(ask.id, trace=subject.trace(ask.inputs))
        if ask.operation == "size":
            return frames.Told(ask.id, sizes=[subject.size(value) for value in ask.inputs])
        return frames.Told(ask.id, names=sorted(self._variants()))

    def _named(self, variant: str) -> Subject:
        if self._subject is None:
            raise ModelLoadError("an operation came before the model was opened.")
        if not variant:
            return self._subject
        known = self._variants()
        if variant not in known:
            raise UnknownNameError.of("variant", variant, known)
        return known[variant]

    def _variants(self) -> Mapping[str, Subject]:
        if self._own is None:
            self._own = dict(self._subject.variants()) if self._subject else {}
        return self._own


def load(order: frames.Open) -> Subject:
    """Open the model of an order; whatever loading raises becomes one of our errors.

    Raises:
        SeatrialError: A :class:`ModelLoadError` where user code or a foreign library raised.
    """
    from seatrial.models.opening import open_subject

    try:
        return open_subject(order.settings, Path(order.folder), variant=order.variant)
    except SeatrialError:
        raise
    except (Exception, SystemExit) as error:
        model = order.settings.model
        raise ModelLoadError(
            f"loading {model.adapter} = {model.location!r} raised "
            f"{type(error).__name__}: {text_of(error)}{_where(error)}",
            hint="Load it in a notebook from the same folder and environment.",
            details={"raised": type(error).__name__},
        ) from error


def _keep_to_ourselves(wire: socket.socket, regions: list[Region]) -> None:
    """Keep what connects us from processes that user code starts or forks.

    The parent learns of our death by the end of the wire, which a child that held it would hide.
    """
    os.register_at_fork(after_in_child=wire.close)
    wire.set_inheritable(False)
    for region in regions:
        os.register_at_fork(after_in_child=region.close)
        os.set_inheritable(region.fileno(), False)  # noqa: FBT003  (its only form)


def die_with_parent(lifeline: int) -> None:
    """Arrange that this process group ends when the other end of ``lifeline`` is closed.

    On Linux the kernel itself kills the group, so that user code which holds the interpreter lock,
    and processes it started, go too. Elsewhere, and where the parent is gone already, a thread
    does it as soon as it may run.
    """
    if sys.platform == "linux":
        group = -os.getpid() if os.getpgrp() == os.getpid() else os.getpid()
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, group)
        fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True, name="lifeline").start()


def _end_with(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _raised(error: BaseException, rows: int) -> ModelRaisedError:
    translated = ModelRaisedError(
        f"the model raised {type(error).__name__}: {text_of(error)}",
        hint="Run the same rows through predict in a notebook.",
        details={"raised": type(error).__name__, "rows": rows},
    )
    translated.__cause__ = error
    return translated


def _located(error: SeatrialError) -> SeatrialError:
    if error.__cause__ is not None and (where := _where(error.__cause__)):
        error.message += where
        error.details["where"] = where
    return error


def _where(error: BaseException) -> str:
    """Name the line of the innermost frame that is neither ours nor of a library."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "site-packages" not in frame.filename and not frame.filename.startswith(
            (_OURS, _STANDARD, "<frozen")
        ):
            return f" ({Path(frame.filename).name}:{frame.lineno}, in {frame.name})"
    return ""


_OURS = str(Path(__file__).parents[1])
_STANDARD = str(Path(os.__file__).parent)


def _cannot_travel(error: SeatrialError, told: frames.Told) -> OutputContractError:
    row = next((row for row, one in enumerate(_answers(told)) if not _travels(one)), None)
    return OutputContractError(
        f"the model's answer cannot be sent: {error.message}",
        hint="Return plain values, lists, mappings or numeric arrays.",
        details={} if row is None else {"row": row},
    )


def _answers(told: frames.Told) -> list[Answer]:
    return told.batch.answers if told.batch else []


def _travels(answer: Answer) -> bool:
    try:
        frames.encode(frames.Told(0, batch=Batch([answer], 0.0)))
    except SeatrialError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
