"""A server as a tree of processes: started, measured from outside, ended by its ids."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
STOP_S = 10.0
AHEAD = -15
"""Niceness of servers and generators that go ahead: other work gets what they leave."""

AUTOGROUP = "/proc/{}/autogroup"
"""Linux shares its processors between sessions first, each of which has a niceness, too."""

MIB = 2**20


class ServerFailedError(Exception):
    """A server ended or did not become ready."""


@dataclass(frozen=True)
class Memory:
    """Megabytes of a group of processes."""

    pss_mb: float
    rss_mb: float
    processes: int


def free_port() -> int:
    """Return a port with two free ones after it: some servers listen three times."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for further in (1, 2):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port + further))
            except (OSError, OverflowError):
                continue
            return port


class Tree:
    """The processes below (and with) one that we started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._known: dict[int, psutil.Process] = {}

    def members(self) -> list[psutil.Process]:
        """Return those alive; also remembers them, so that all can be ended."""
        try:
            root = psutil.Process(self._process.pid)
            found = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            found = []
        self._known.update({process.pid: process for process in found})
        return found

    def cpu_s(self) -> dict[str, float]:
        """Return CPU seconds by role, ended children included where their parent waited."""
        spent: dict[str, float] = {}
        for process in self.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total = times.user + times.system + times.children_user + times.children_system
                role = self._role(process)
                spent[role] = spent.get(role, 0.0) + total
        return spent

    def memory(self) -> dict[str, Memory]:
        """Return memory by role."""
        found: dict[str, Memory] = {}
        for process in self.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                full = process.memory_full_info()
                role = self._role(process)
                before = found.get(role, Memory(0.0, 0.0, 0))
                found[role] = Memory(
                    pss_mb=before.pss_mb + full.pss / MIB,
                    rss_mb=before.rss_mb + full.rss / MIB,
                    processes=before.processes + 1,
                )
        return found

    def go_ahead(self) -> None:
        """Lift members that made sessions of their own, where this process goes ahead."""
        if os.nice(0) >= 0:
            return
        for process in self.members():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                _lift_session(process.pid)

    def end(self) -> None:
        """Ask the first process to stop, then end what is left of those we know."""
        self.members()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        left = [process for process in self._known.values() if process.is_running()]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=STOP_S)
        self._process.wait(STOP_S)

    def _role(self, process: psutil.Process) -> str:
        if process.pid == self._process.pid:
            return "front"
        command = " ".join(process.cmdline())
        return "keeper" if "seatrial.serve.keeper" in command else "workers"


@contextlib.contextmanager
def running(
    command: list[str], *, environment: dict[str, str], output: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Tree]]:
    """Start a server and end it, and everything below it, afterwards."""
    with output.open("wb") as said:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            cwd=output.parent,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        tree = Tree(process)
        if os.nice(0) < 0:
            _lift_session(process.pid)
        try:
            yield process, tree
        finally:
            tree.end()


def go_ahead() -> None:
    """Let this process and all it will start take precedence over other work."""
    os.nice(AHEAD - os.nice(0))
    try:
        os.setsid()
    except PermissionError:
        # It leads a group in a terminal's session, which is lifted until the end.
        atexit.register(_lift_session, os.getpid(), niceness=0)
    _lift_session(os.getpid())


def _lift_session(pid: int, *, niceness: int = AHEAD) -> None:
    # Kernels without such groups have no such file.
    with contextlib.suppress(FileNotFoundError):
        Path(AUTOGROUP.format(pid)).write_text(str(niceness), encoding="ascii")


class Bystanders:
    """CPU that others took on this machine while we measured, in cores."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._busy_s = _busy_s()

    def cores(self, ours_s: float) -> float:
        """Return it, given the CPU seconds that server and generator took since."""
        elapsed_s = time.monotonic() - self._began_s
        return max(0.0, (_busy_s() - self._busy_s - ours_s) / elapsed_s)


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def own_cpu_s() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def ignore_interrupts() -> None:
    """Let Ctrl-C end the benchmark through its own exception, not half of its children."""
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
