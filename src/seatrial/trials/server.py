"""A real server, started as a subprocess and ended with us, whatever happens to us."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.closing import Closing
from seatrial.core.errors import UnreachableError

START_LIMIT_S = 120.0
"""Longest wait for a server to say that it is ready."""

STOP_LIMIT_S = 10.0
"""How long it may drain before it is killed."""

ENDING_S = 0.5
"""Between its last connection breaking and its end a killed process takes a moment."""

TAIL_CHARACTERS = 600
"""How much of what a server said before it died is passed on."""


class Ready(Struct, frozen=True):
    """The one line that ``seatrial serve --json`` prints once it answers."""

    url: str
    pid: int
    release: str
    workers: int


class ServerProcess(Closing):
    """``seatrial serve FOLDER`` on a free loopback port.

    Its standard input is a pipe whose other end only we hold: when this process ends, by whatever
    means, the server reads the end of it and stops.

    Args:
        folder: Where ``seatrial.toml`` lies.
        variant: Which variant to serve.
        trust: Who trusts the code in a pickle; empty for nobody beyond the folder's own word.
        log_folder: Where its records go, so that a trial's traffic stays out of the user's log;
            what it writes for a moment goes there too, and ends with that folder if it is killed.
        clock: Where time comes from.
    """

    def __init__(
        self,
        folder: Path,
        *,
        variant: str = "original",
        trust: str = "",
        log_folder: Path,
        clock: Clock = SYSTEM,
    ) -> None:
        self.started_s = clock.now_s()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed in close)
        command = [sys.executable, "-m", "seatrial", "serve", str(folder), "--json"]
        command += ["--host", "127.0.0.1", "--port", "0", "--variant", variant]
        command += ["--origin", "drill", "--log-folder", str(log_folder), "--lifeline"]
        command += ["--trust", trust] if trust else []
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "TMPDIR": str(log_folder)},
        )
        try:
            self.ready = self._wait(TimeBudget(START_LIMIT_S, clock=clock))
        except BaseException:
            self.close()
            raise
        self.ready_s = clock.now_s() - self.started_s

    @property
    def url(self) -> str:
        """Base URL, without a path."""
        return self.ready.url

    @property
    def pid(self) -> int:
        """Process id of the front."""
        return self._popen.pid

    def ending(self) -> str:
        """Say how it ended; empty while it runs. One that is just ending is waited for."""
        try:
            status = self._popen.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            return ""
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        said = self._tail()
        return f"the server that was measured ended with {how}{f': {said}' if said else ''}."

    def close(self) -> None:
        """Let it drain, and end it if it does not."""
        process = self._popen
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._said.close()

    def _wait(self, budget: TimeBudget) -> Ready:
        line = _read_line(self._popen.stdout, budget)
        if line:
            return msgspec.json.decode(line, type=Ready)
        status = self._popen.poll()
        if status is None and budget.spent():
            raise UnreachableError(
                f"the server was not ready after {START_LIMIT_S:g} s.",
                hint="Run seatrial serve on the folder and look at what it says.",
            )
        status = self._popen.wait(STOP_LIMIT_S)
        said = self._tail().removeprefix("seatrial: ")
        raise UnreachableError(
            f"the server ended with status {status} before it was ready: {said or 'no output'}",
            hint="Run seatrial serve on the folder and look at what it says.",
        )

    def _tail(self) -> str:
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - 16 * TAIL_CHARACTERS))
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return " ".join(lines[-1:])[-TAIL_CHARACTERS:]


def _read_line(stream: IO[bytes] | None, budget: TimeBudget) -> bytes:
    """Return one line, or nothing when the stream ends or the budget is spent."""
    if stream is None:
        return b""
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            if not selector.select(budget.left_s()):
                return b""
            piece = os.read(stream.fileno(), 4096)
            if not piece:
                return b""
            received += piece
    return received
