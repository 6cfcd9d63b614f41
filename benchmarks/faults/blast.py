"""An open loop that costs little: prepared bytes out, the status of what comes back, nothing else.

`seatrial.measure.load` notes headers, stages, tickets and retries of each request, for some fifty
microseconds. Where a server is offered more than it keeps up with on the same cores, that is taken
from the server. Here a request is one `send` and one `recv`; several processes share a schedule.

    python benchmarks/faults/blast.py PLAN.json        # one process of it; started by overload.py
"""

from __future__ import annotations

import array
import contextlib
import errno
import gc
import json
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LEAD_S = 0.7
"""From starting the processes to time zero, so that all of them are there."""

LOST, STARTED_MAX = 0, 64
"""Status of what got no answer; requests sent before answers are read again."""


@dataclass(frozen=True)
class Shots:
    """What became of each request; times in seconds from the start, NaN where it never happened.

    Attributes:
        due_s: When it was to be sent, ascending. Shape (n,).
        sent_s: When it was. Shape (n,).
        done_s: When its answer was complete. Shape (n,).
        statuses: HTTP status, 0 without an answer. Shape (n,).
    """

    due_s: np.ndarray
    sent_s: np.ndarray
    done_s: np.ndarray
    statuses: np.ndarray

    @property
    def own_s(self) -> np.ndarray:
        """From sending to the answer. Shape (n,)."""
        return self.done_s - self.sent_s


def blast(
    url_port: int,
    requests: list[bytes],
    due_s: np.ndarray,
    *,
    connections: int,
    processes: int,
    ends_s: float,
    patience_s: float,
    tick_s: float,
    scratch: Path,
) -> Shots:
    """Send a schedule; each process takes every so-manieth request of it.

    Args:
        url_port: Of the server, on this machine.
        requests: Complete requests, rotated through.
        due_s: When each is to be sent, ascending.
        connections: In all; what is due while none is free waits for one.
        processes: How many share the schedule.
        ends_s: When to stop, whatever is missing.
        patience_s: What could not be sent so long after it was due is not sent any more.
        tick_s: What is due within so long is sent together; answers are read so often.
        scratch: Folder for what the processes are told and tell.
    """
    (scratch / "requests.json").write_text(json.dumps([r.decode("latin-1") for r in requests]))
    zero_s = time.perf_counter() + LEAD_S
    with contextlib.ExitStack() as ending:
        running = []
        for number in range(processes):
            np.save(scratch / f"due-{number}.npy", due_s[number::processes])
            plan = {
                "port": url_port,
                "connections": max(connections // processes, 1),
                "ends_s": ends_s,
                "patience_s": patience_s,
                "tick_s": tick_s,
                "zero_s": zero_s,
                "first": number,
                "step": processes,
            }
            place = scratch / f"plan-{number}.json"
            place.write_text(json.dumps(plan))
            process = ending.enter_context(subprocess.Popen([sys.executable, __file__, str(place)]))
            ending.callback(process.kill)
            running.append(process)
        if any(status != 0 for status in [one.wait() for one in running]):
            raise RuntimeError("a generator failed")
    sent_s, done_s = np.full(len(due_s), np.nan), np.full(len(due_s), np.nan)
    statuses = np.zeros(len(due_s), dtype=np.int64)
    for number in range(processes):
        part = np.load(scratch / f"shots-{number}.npy")
        sent_s[number::processes], done_s[number::processes] = part[0], part[1]
        statuses[number::processes] = part[2].astype(np.int64)
    return Shots(due_s, sent_s, done_s, statuses)


class Blaster:
    """One process's part."""

    def __init__(
        self, plan: dict[str, float], requests: list[bytes], due_s: array.array[float]
    ) -> None:
        self._address = ("127.0.0.1", int(plan["port"]))
        self._zero_s = plan["zero_s"]
        self._ends_s = plan["ends_s"]
        self._patience_s = plan["patience_s"]
        self._tick_s = plan["tick_s"]
        self._most = int(plan["connections"])
        self._requests, self._due_s = requests, due_s
        self._first, self._step = int(plan["first"]), int(plan["step"])
        self.sent_s = array.array("d", [float("nan")]) * len(due_s)
        self.done_s = array.array("d", [float("nan")]) * len(due_s)
        self.statuses = array.array("i", [LOST]) * len(due_s)
        self._free: list[socket.socket] = []
        self._busy: dict[int, tuple[socket.socket, int]] = {}
        self._partial: dict[int, bytes] = {}
        self._poll = select.epoll()
        self._next = self._opened = 0

    def run(self) -> None:
        clock, due_s, zero_s = time.perf_counter, self._due_s, self._zero_s
        time.sleep(max(zero_s - clock(), 0.0))
        count = len(due_s)
        while True:
            now_s = clock() - zero_s
            started = 0
            while self._next < count and due_s[self._next] < now_s - self._patience_s:
                self._next += 1
            while (
                self._next < count
                and due_s[self._next] <= now_s
                and started < STARTED_MAX
                and self._fire(now_s)
            ):
                started += 1
                now_s = clock() - zero_s
            if now_s >= self._ends_s or (self._next == count and not self._busy):
                break
            for fd, _ in self._poll.poll(0.0 if started == STARTED_MAX else self._idle_s(now_s)):
                self._heard(fd)
            if started < STARTED_MAX:
                time.sleep(max(now_s + self._tick_s - (clock() - zero_s), 0.0))
        for taken, _ in self._busy.values():
            taken.close()
        for free in self._free:
            free.close()
        self._poll.close()

    def _idle_s(self, now_s: float) -> float:
        if self._next < len(self._due_s) and (self._free or self._opened < self._most):
            return min(max(self._due_s[self._next] - now_s, 0.0), 0.1)
        return 0.1

    def _fire(self, now_s: float) -> bool:
        if self._free:
            connection = self._free.pop()
        elif self._opened < self._most:
            connection = self._open()
        else:
            return False
        request = self._next
        self._next = request + 1
        self._busy[connection.fileno()] = (connection, request)
        self.sent_s[request] = now_s
        whole = self._requests[(self._first + request * self._step) % len(self._requests)]
        try:
            connection.send(whole)
        except OSError:
            self._lost(connection.fileno())
        return True

    def _open(self) -> socket.socket:
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(0.0)
        self._poll.register(connection.fileno(), select.EPOLLIN)
        self._opened += 1
        return connection

    def _heard(self, fd: int) -> None:
        if fd not in self._busy:
            self._drop_idle(fd)
            return
        connection, request = self._busy[fd]
        try:
            data = connection.recv(65_536)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self._lost(fd)
            return
        if not data:
            self._lost(fd)
            return
        if fd in self._partial:
            data = self._partial.pop(fd) + data
        if not _complete(data):
            self._partial[fd] = data
            return
        self.done_s[request] = time.perf_counter() - self._zero_s
        self.statuses[request] = int(data[9:12])
        del self._busy[fd]
        if b"\r\nconnection: close" in data:
            self._close(connection)
        else:
            self._free.append(connection)

    def _lost(self, fd: int) -> None:
        connection, _ = self._busy.pop(fd)
        self._partial.pop(fd, None)
        self._close(connection)

    def _drop_idle(self, fd: int) -> None:
        for connection in self._free:
            if connection.fileno() == fd:
                self._free.remove(connection)
                self._close(connection)
                return

    def _close(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._poll.unregister(connection.fileno())
        connection.close()
        self._opened -= 1


def _complete(data: bytes) -> bool:
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = data.find(b"content-length: ")
    if at < 0:
        return True
    return len(data) >= head + 4 + int(data[at + 16 : data.find(b"\r", at)])


def main() -> None:
    place = Path(sys.argv[1])
    plan = json.loads(place.read_text())
    requests = json.loads((place.parent / "requests.json").read_text())
    due_s = array.array("d", np.load(place.parent / f"due-{plan['first']}.npy").tobytes())
    blaster = Blaster(plan, [one.encode("latin-1") for one in requests], due_s)
    gc.disable()
    blaster.run()
    table = np.array([blaster.sent_s, blaster.done_s, blaster.statuses], dtype=np.float64)
    np.save(place.parent / f"shots-{plan['first']}.npy", table)


if __name__ == "__main__":
    main()
