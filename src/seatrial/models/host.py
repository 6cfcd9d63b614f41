"""The process that holds the user's model: ``python -m seatrial.models.host FOLDER --fd N``.

It loads the model, answers frames on a socket it inherited and dies with its parent, however that
one dies. What user code prints goes to standard error; the wire is a socket it never sees.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import socket
import sys
import time
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seatrial.core.errors import (
    ModelLoadError,
    ModelRaisedError,
    OutputContractError,
    SeatrialError,
    UnknownNameError,
)
from seatrial.models import frames
from seatrial.models.answers import Answer
from seatrial.models.forking import forkable, open_descriptors, part
from seatrial.models.hostprocess import READ_BYTES
from seatrial.models.lifeline import die_with_parent, end_with, watch
from seatrial.models.prints import Prints
from seatrial.models.region import Region
from seatrial.models.resident import ResidentMemory
from seatrial.models.subject import Batch, Subject, text_of
from seatrial.models.threads import hold_loaded_to, hold_to

LOADING_COLLECTIONS = (1_000_000, 50, 100)
"""Thresholds of the garbage collector while loading, when nearly all that is made stays."""

FORK_DESCRIPTORS = 4
"""What travels beside an order to fork: socket, lifeline, and two regions."""


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
    before = open_descriptors()
    sys.stdout = sys.stderr = Prints()
    inherited = (options.fd, options.lifeline, *(options.regions or ()))
    host: Host | None = Host(inherited, threads=options.threads, before=before)
    while host is not None:
        host = host.serve()
    sys.stdout.flush()
    return 0


@dataclass(frozen=True)
class Loaded:
    """A model in memory, and what its process says of it."""

    subject: Subject
    hello: frames.Hello


class Host:
    """Answers the frames of one parent, one at a time.

    Args:
        inherited: Descriptors, owned from now on: the socket to the parent, the lifeline, and,
            where there are any, the regions where the parent and where we put large arrays.
        threads: Threads that numeric libraries may use in one call.
        before: The descriptors from before a model was loaded.
        loaded: The model, where this process is a copy of one that has loaded it.
    """

    def __init__(
        self,
        inherited: Sequence[int],
        *,
        threads: int = 1,
        before: Collection[int] = (),
        loaded: Loaded | None = None,
    ) -> None:
        wire, self._lifeline, *regions = inherited
        self._wire = socket.socket(fileno=wire)
        self._regions = [Region(descriptor) for descriptor in regions]
        asks, replies = self._regions or (None, None)
        self._reader = frames.FrameReader(asks)
        self._writer = frames.FrameWriter(replies)
        self._threads = threads
        self._before = before
        self._loaded = loaded
        self._memory = ResidentMemory()
        self._own: Mapping[str, Subject] | None = None
        self._descriptors: list[int] = []
        self._copies: dict[int, int] = {}
        self._keep_to_ourselves()

    def serve(self) -> Host | None:
        """Load what the first frame names, then answer until the socket ends.

        Returns:
            In a copy of this process, what it shall serve from now on.
        """
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if self._loaded is None:
                end_with(self._lifeline)
            else:
                die_with_parent(self._lifeline)
                self._greet(self._loaded)
            for message in self._messages():
                if isinstance(message, frames.Ask):
                    self._wire.sendall(self._answer(message))
                elif isinstance(message, frames.Fork):
                    copy = self._fork(message)
                    if copy is not None:
                        return copy
                elif isinstance(message, frames.Bury):
                    self._wire.sendall(self._writer.encode(self._bury(message)))
                elif isinstance(message, frames.Open) and not self._open(message):
                    break
            else:
                if self._loaded is not None:
                    self._loaded.subject.close()
        self._wire.detach()  # closed by the end of the process: that is what the parent waits for
        return None

    def _messages(self) -> Iterator[Any]:
        while data := self._receive():
            yield from self._reader.feed(data)

    def _receive(self) -> bytes:
        if self._loaded is None or not self._loaded.hello.forks:
            return self._wire.recv(READ_BYTES)
        data, received, _, _ = socket.recv_fds(
            self._wire, READ_BYTES, FORK_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
        )
        self._descriptors += received
        return data

    def _fork(self, order: frames.Fork) -> Host | None:
        """Make a copy of this process; in the copy, return what it shall serve."""
        inherited = self._descriptors[:FORK_DESCRIPTORS]
        del self._descriptors[:FORK_DESCRIPTORS]
        pid = -1
        try:
            pid = os.fork()
        except OSError as error:  # the machine has no room; the parent sees that nobody answers
            print(f"the model's process cannot be copied: {error}")  # noqa: T201  (the log)
        if pid == 0:
            os.setpgid(0, 0)
            os.close(self._lifeline)
            part()
            return self._copied(inherited)
        self._copies[order.number] = pid
        for descriptor in inherited:
            os.close(descriptor)
        return None

    def _copied(self, inherited: Sequence[int]) -> Host:
        if self._loaded is None:
            raise ModelLoadError("a copy was ordered before the model was opened.")
        hello = msgspec.structs.replace(self._loaded.hello, forks=False)
        loaded = Loaded(self._loaded.subject, hello)
        return Host(inherited, threads=self._threads, loaded=loaded)

    def _bury(self, order: frames.Bury) -> frames.Buried:
        pid = self._copies.pop(order.number, -1)
        status = None
        if pid > 0:
            with contextlib.suppress(ChildProcessError):  # user code has waited for it
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return frames.Buried(order.number, status)

    def _keep_to_ourselves(self) -> None:
        """Keep what connects us from processes that user code starts or forks.

        The parent learns of our death by the end of the wire, which a child that held it would
        hide.
        """
        os.register_at_fork(after_in_child=self._wire.close)
        self._wire.set_inheritable(False)
        for region in self._regions:
            os.register_at_fork(after_in_child=region.close)
            os.set_inheritable(region.fileno(), False)  # noqa: FBT003  (its only form)

    def _open(self, order: frames.Open) -> bool:
        started = time.perf_counter()
        # Last, so that imports made while answering find the model's own modules, and only then.
        sys.path.append(order.folder)
        hold_to(self._threads)
        thresholds = gc.get_threshold()
        gc.set_threshold(*LOADING_COLLECTIONS)
        try:
            subject = load(order)
        except SeatrialError as error:
            self._wire.sendall(self._writer.encode(frames.Failed.of(error, ask=0)))
            return False
        hold_loaded_to(self._threads)
        gc.set_threshold(*thresholds)
        # What was loaded stays: later collections need not look at it again.
        gc.freeze()
        forks = forkable(self._before)
        if not forks:
            watch(self._lifeline)
        hello = frames.Hello(
            takes_batches=subject.takes_batches,
            visible=subject.visible,
            load_s=time.perf_counter() - started,
            rss_bytes=self._memory.bytes(),
            forks=forks,
        )
        self._greet(Loaded(subject, hello))
        return True

    def _greet(self, loaded: Loaded) -> None:
        hello = msgspec.structs.replace(loaded.hello, pid=os.getpid())
        self._loaded = Loaded(loaded.subject, hello)
        self._wire.sendall(self._writer.encode(hello))

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
        if self._loaded is None:
            raise ModelLoadError("an operation came before the model was opened.")
        if not variant:
            return self._loaded.subject
        known = self._variants()
        if variant not in known:
            raise UnknownNameError.of("variant", variant, known)
        return known[variant]

    def _variants(self) -> Mapping[str, Subject]:
        if self._own is None:
            self._own = dict(self._loaded.subject.variants()) if self._loaded else {}
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
