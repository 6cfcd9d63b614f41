"""A started model process and our ends of what connects us: a socket, a lifeline, shared memory.

It imports little, so that a server can start its model processes first and import the rest while
they load.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from seatrial.models.region import Region

CLOSE_LIMIT_S = 2.0
"""How long a process may take to end by itself."""

READ_BYTES = 1 << 18
"""One read from the socket: larger than most batches."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)
"""Read by the numeric libraries when they are imported; adapters read the first."""

ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "2147483647", "MALLOC_MMAP_MAX_": "0"}
"""Lets glibc keep freed memory: arrays of 32 MiB and more are ten times slower on fresh pages."""

SILENCE = {"DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""Keeps libraries from reporting their use: since 1.29, ONNX Runtime does at its import, with a
thread, a database in the home folder and uploads."""

_OUR_SECRETS = re.compile(r"SEATRIAL_.*(ADMIN|CREDENTIAL|KEY|PASSWORD|SECRET|TOKEN)")


Start = Callable[[Sequence[int]], "Running"]
"""Starts a process that holds four descriptors: socket, lifeline, our region, its region."""


class Running(Protocol):
    """A process that runs, however it was started."""

    @property
    def pid(self) -> int:
        """Its id; 0 where only it knows."""
        ...

    def end(self) -> None:
        """End it and every process it started, now; it also ends with its lifeline."""
        ...

    def wait(self) -> int | None:
        """Wait until it is gone; return the status it ended with, where that can be known."""
        ...


class HostProcess:
    """A started host and our ends of what connects us; it neither waits nor speaks.

    Args:
        start: Starts it; :func:`spawn` and :meth:`seatrial.serve.origin.Origin.fork` say how.

    Attributes:
        wire: Our end of the socket.
        asks: Where large arrays of our messages are put.
        replies: Where large arrays of its messages lie.

    Raises:
        OSError: The machine refuses another process or descriptor.
    """

    def __init__(self, start: Start) -> None:
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            self.wire, wire = socket.socketpair()
            ours.callback(self.wire.close)
            theirs.callback(wire.close)
            life_read, self._lifeline = os.pipe()
            ours.callback(os.close, self._lifeline)
            theirs.callback(os.close, life_read)
            self.asks = Region.create()
            ours.callback(self.asks.close)
            self.replies = Region.create()
            ours.callback(self.replies.close)
            inherited = (wire.fileno(), life_read, self.asks.fileno(), self.replies.fileno())
            self._process = start(inherited)
            ours.pop_all()

    @property
    def pid(self) -> int:
        """The process id, also that of its process group; 0 where only the process knows."""
        return self._process.pid

    def end(self) -> None:
        """End it and every process it started, now; :meth:`wait` is still owed."""
        self.wire.close()
        self._process.end()
        self._cut()

    def wait(self) -> int | None:
        """Wait until it is gone; return the status it ended with, where that can be known."""
        status = self._process.wait()
        self.asks.close()
        self.replies.close()
        self._cut()
        return status

    def kill(self) -> int | None:
        """End it and every process it started, now; return the status it ended with."""
        self.end()
        return self.wait()

    def close(self, *, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Let it end by itself, and make it after ``limit_s`` seconds."""
        with contextlib.suppress(OSError):
            self.wire.shutdown(socket.SHUT_WR)
            self.wire.settimeout(limit_s)
            while self.wire.recv(READ_BYTES):
                pass
        self.kill()

    def _cut(self) -> None:
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)


def spawn(
    folder: Path,
    *,
    variant: str = "original",
    threads: int = 1,
    keep: Collection[str] = (),
) -> HostProcess:
    """Start a host in a new interpreter.

    Args:
        folder: Where ``seatrial.toml`` lies; also the working directory of the process.
        variant: Shown in the process list.
        threads: Threads that numeric libraries may use in it.
        keep: Environment variables that it gets even where they look like secrets of the server.

    Raises:
        OSError: The machine refuses another process or descriptor.
    """

    def start(inherited: Sequence[int]) -> Running:
        wire, lifeline, asks, replies = map(str, inherited)
        command = [sys.executable, "-P", "-m", "seatrial.models.host", str(folder)]
        command += ["--fd", wire, "--lifeline", lifeline, "--regions", asks, replies]
        command += ["--threads", str(threads), "--variant", variant]
        return _Spawned(
            subprocess.Popen(
                command,
                cwd=folder,
                env=environment(os.environ, threads=threads, keep=keep),
                stdin=subprocess.DEVNULL,
                stdout=sys.__stderr__.fileno() if sys.__stderr__ else subprocess.DEVNULL,
                pass_fds=inherited,
                process_group=0,
            )
        )

    return HostProcess(start)


class _Spawned:
    """A process that we started ourselves."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    @property
    def pid(self) -> int:
        return self._popen.pid

    def end(self) -> None:
        if self._popen.returncode is None:
            # Before it is waited for, so that the group cannot be another's by now.
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # not yet a group of its own, or gone
                self._popen.kill()

    def wait(self) -> int:
        return self._popen.wait()


def environment(
    inherited: Mapping[str, str], *, threads: int, keep: Collection[str] = ()
) -> dict[str, str]:
    """Return the environment of a model process: ours, without the secrets of the server.

    Args:
        inherited: Ours.
        threads: Threads that numeric libraries may use.
        keep: Variables that are passed on all the same.

    >>> given = environment({"HOME": "/", "SEATRIAL_ADMIN_TOKEN": "t"}, threads=2)
    >>> given["OMP_NUM_THREADS"], "SEATRIAL_ADMIN_TOKEN" in given
    ('2', False)
    """
    passed = {
        name: value
        for name, value in inherited.items()
        if name in keep or not _OUR_SECRETS.match(name)
    }
    return {**ALLOCATOR, **SILENCE, **passed, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
