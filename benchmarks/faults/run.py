"""How long the promises of the fault matrix take: on a real server, one fault after the other.

    python benchmarks/faults/run.py --quick                 # a minute
    python benchmarks/faults/run.py --write                 # thirty rounds; results/times.{md,json}

The tests in ``tests/serve/faults`` assert what happens; this says when. Times are taken by the
caller, or by the model (it writes when each call starts), on the machine's monotonic clock.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from seatrial.core.clock import SYSTEM
from seatrial.evidence.machine import describe
from seatrial.releases.control import Control
from seatrial.serve.keyfile import KeyFile, Terms

RESULTS = Path(__file__).parent / "results"

MODEL = """
import ctypes, os, signal, time
from pathlib import Path

HERE = Path(__file__).parent
LOG = open(HERE / ".calls", "a", buffering=1)

class Model:
    def predict(self, inputs):
        LOG.write(f"{time.perf_counter()}\\n")
        for value in inputs:
            if value == "hang":
                time.sleep(1000)
            if value == "hang held":
                ctypes.PyDLL(None).sleep(1000)
            if value.startswith("poison"):
                os.kill(os.getpid(), signal.SIGKILL)
            if value.startswith("sleep"):
                time.sleep(float(value.split()[1]))
            while value == "gate" and not (HERE / ".open").exists():
                time.sleep(0.002)
        return [value.upper() for value in inputs]

def load():
    return Model()
"""

HANG_S = 60.0
DEADLINE_S = 0.5
GRACE_S = 0.5
HEAD_S = 1.0
FULL_AT_EIGHT = '[serving]\nqueue_rows = 8\ndegrade = ["reject"]\n'
SLOW_CONNECTIONS = 500
NOISE_ROWS = 300
TAIL_ROWS = 4_000
SETTLE_S = 0.5
"""Connections that are just being opened or closed are another matter than those that are open."""


@dataclass
class Figures:
    """What was measured, by name; milliseconds unless the name says otherwise."""

    promises: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, promise: str, value: float) -> None:
        self.promises[what] = promise
        self.values[what].append(value)

    def table(self) -> str:
        lines = ["| what | promised | n | median | 95 % | worst |", "|" + " --- |" * 6]
        for what, values in self.values.items():
            ranked = sorted(values)
            high = ranked[min(int(0.95 * len(ranked)), len(ranked) - 1)]
            told = " | ".join(_shown(at) for at in (statistics.median(ranked), high, ranked[-1]))
            lines.append(f"| {what} | {self.promises[what]} | {len(ranked)} | {told} |")
        return "\n".join(lines)


class Server:
    """One server of the model above, in a folder of its own."""

    def __init__(self, folder: Path, *flags: str, toml: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.py").write_text(MODEL)
        settings = f'[model]\nname = "faulty"\nload = "model:load"\ninput = "text"\n{toml}'
        (folder / "seatrial.toml").write_text(settings)
        command = [sys.executable, "-m", "seatrial", "serve", str(folder), "--port", "0", "--json"]
        began_s = time.perf_counter()
        self.popen = subprocess.Popen(
            [*command, "--drain-delay", "0", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.popen.stdout is not None
        ready = json.loads(self.popen.stdout.readline())
        self.port = int(ready["url"].rpartition(":")[2])
        self.predict("a")
        self.started_s = time.perf_counter() - began_s
        self.front = psutil.Process(self.popen.pid)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)

    def ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        *,
        on: http.client.HTTPConnection | None = None,
    ) -> tuple[int, bytes]:
        connection = on or self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            if on is None:
                connection.close()

    def predict(
        self,
        *rows: str,
        headers: dict[str, str] | None = None,
        on: http.client.HTTPConnection | None = None,
    ) -> int:
        body = json.dumps({"inputs": rows})
        return self.ask("POST", "/predict", body, headers, on=on)[0]

    def calls(self) -> list[float]:
        return [float(line) for line in (self.folder / ".calls").read_text().splitlines()]

    def workers(self) -> list[int]:
        told = json.loads(self.ask("GET", "/readyz?verbose")[1])
        return [at["pid"] for at in told["workers"] if at["state"] == "ready"]

    def family(self) -> list[psutil.Process]:
        return [self.front, *self.front.children(recursive=True)]

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()


@contextlib.contextmanager
def serving(scratch: Path, *flags: str, toml: str = "", keeper: bool = False) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    server = Server(folder, *flags, *([] if keeper else ["--no-keeper"]), toml=toml)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def load(server: Server, *, callers: int = 8) -> Iterator[None]:
    """Callers that ask again and again."""
    over = threading.Event()

    def call() -> None:
        connection = server.connect()
        while not over.is_set():
            try:
                server.predict("row", on=connection)
            except (OSError, http.client.HTTPException):
                connection.close()
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def until(condition: Callable[[], object], *, look_s: float = 0.001) -> float:
    """Return when it holds."""
    ends_s = time.perf_counter() + HANG_S
    while not condition():
        if time.perf_counter() > ends_s:
            raise TimeoutError("did not happen in time")
        time.sleep(look_s)
    return time.perf_counter()


def ran_since(server: Server, before: int) -> Callable[[], bool]:
    return lambda: len(server.calls()) > before


def replaced(server: Server, worker: int) -> Callable[[], bool]:
    return lambda: server.workers() not in ([], [worker])


def unready(server: Server) -> Callable[[], bool]:
    return lambda: server.ask("GET", "/readyz")[0] == 503


def gone(processes: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: all(map(ended, processes))


def ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def kill_switch(figures: Figures, scratch: Path, rounds: int) -> None:
    """K1: from the order on the disk to the last model call that starts."""
    with serving(scratch, "--workers", "2") as server, load(server):
        control = Control(server.folder)
        for _ in range(rounds):
            before = len(server.calls())
            until(ran_since(server, before + 20))
            control.order("kill-on", by="benchmark")
            ordered_s = time.perf_counter()
            told_s = until(lambda: server.predict("probe") == 503)
            time.sleep(0.3)  # anything that started late would be seen by now
            late_s = max(server.calls()[-1] - ordered_s, 0.0)
            figures.add("K1 kill order → last model call starts", "≤ 100 ms", late_s * 1e3)
            figures.add("K1 kill order → callers are told", "", (told_s - ordered_s) * 1e3)
            control.order("kill-off", by="benchmark")
            ordered_s = time.perf_counter()
            revived_s = until(lambda: server.predict("probe") == 200)
            figures.add("K1 kill off → answers again", "", (revived_s - ordered_s) * 1e3)


def hangs(figures: Figures, scratch: Path, rounds: int) -> None:
    """M2: how late a 504 is, when the worker is ended, and when another one answers."""
    soon = {"X-Request-Timeout-Ms": f"{DEADLINE_S * 1e3:g}"}
    for value, name in (("hang", "sleeps"), ("hang held", "holds the interpreter")):
        for _ in range(rounds):
            # A server for each: inputs that hang twice are not tried again.
            with serving(scratch, "--workers", "1") as server:
                worker = psutil.Process(server.workers()[0])
                asked_s = time.perf_counter()
                assert server.predict(value, headers=soon) == 504
                late_s = time.perf_counter() - asked_s - DEADLINE_S
                figures.add(f"M2 model {name}: 504 after its deadline", "", late_s * 1e3)
                gone_s = until(gone([worker])) - asked_s - DEADLINE_S
                promise = f"{GRACE_S * 1e3:g} ms and little"
                figures.add(f"M2 model {name}: worker ended after it", promise, gone_s * 1e3)
                assert server.predict("a") == 200
                back_s = time.perf_counter() - asked_s - DEADLINE_S - gone_s
                figures.add(f"M2 model {name}: then the next answer", "", back_s * 1e3)


def crashes(figures: Figures, scratch: Path, rounds: int) -> None:
    """M6: a worker that dies is replaced in less than a cold start."""
    for number in range(rounds):
        with serving(scratch, "--workers", "1", toml="pure = true\n") as server:
            figures.add("M6 for comparison: cold start → first answer", "", server.started_s * 1e3)
            (worker,) = server.workers()
            killed_s = time.perf_counter()
            psutil.Process(worker).kill()
            back_s = until(replaced(server, worker)) - killed_s
            figures.add("M6 worker killed → another is ready", "< cold start", back_s * 1e3)
            asked_s = time.perf_counter()
            assert server.predict(f"poison {number}") == 502
            told_s = time.perf_counter() - asked_s
            figures.add("M6 poison → 502 (two workers die)", "", told_s * 1e3)
            asked_s = time.perf_counter()
            assert server.predict(f"poison {number}") == 422
            figures.add("M6 poison again → 422", "", (time.perf_counter() - asked_s) * 1e3)


def refusals(figures: Figures, scratch: Path, rounds: int) -> None:
    """I8: how long a refusal takes while the queue is full, or expires in it."""
    with serving(scratch, "--workers", "1", toml=FULL_AT_EIGHT) as server:
        patient = {"X-Request-Timeout-Ms": "60000"}
        with server_held(server, patient):
            connection = server.connect()
            for _ in range(20 * rounds):
                asked_s = time.perf_counter()
                assert server.predict("late", "late", on=connection) == 503
                took_s = time.perf_counter() - asked_s
                figures.add("I8 queue full → 503", "< 5 ms", took_s * 1e3)
            connection.close()
    with serving(scratch, "--workers", "1") as server, server_held(server, {}, waiting=0):
        for _ in range(rounds):
            asked_s = time.perf_counter()
            assert server.predict("late", headers={"X-Request-Timeout-Ms": "200"}) == 504
            late_s = time.perf_counter() - asked_s - 0.2
            figures.add("waits in the queue: 504 after its deadline", "", late_s * 1e3)


@contextlib.contextmanager
def server_held(server: Server, headers: dict[str, str], *, waiting: int = 8) -> Iterator[None]:
    """Hold the only worker up, and let rows wait for it."""
    before = len(server.calls())
    bodies = [json.dumps({"inputs": ["gate"]}), *[json.dumps({"inputs": ["row"]})] * waiting]
    connections = [server.connect() for _ in bodies]
    for connection, body in zip(connections, bodies, strict=True):
        connection.request("POST", "/predict", body, headers)
        until(ran_since(server, before))
    try:
        yield
    finally:
        (server.folder / ".open").touch()
        for connection in connections:
            connection.getresponse().read()
            connection.close()


def stops(figures: Figures, scratch: Path, rounds: int) -> None:
    """P1, P2: a stop, a second signal, and a front that is killed."""
    for _ in range(rounds):
        with serving(scratch, "--workers", "2", keeper=True) as server:
            signalled_s = time.perf_counter()
            server.popen.send_signal(signal.SIGTERM)
            server.popen.wait(HANG_S)
            took_s = time.perf_counter() - signalled_s
            figures.add("P1 SIGTERM → exit 0, nothing in flight", "", took_s * 1e3)
        for name, numbers in (
            ("P2 second SIGTERM → all processes gone", (signal.SIGTERM, signal.SIGTERM)),
            ("P2 kill -9 of the front → all processes gone", (signal.SIGKILL,)),
        ):
            flags = ("--workers", "2", "--drain-delay", "60")
            with serving(scratch, *flags, keeper=True) as server:
                family = server.family()
                for number in numbers[:-1]:
                    server.popen.send_signal(number)
                    # Two that come before the first is seen are one to the kernel.
                    until(unready(server))
                signalled_s = time.perf_counter()
                server.popen.send_signal(numbers[-1])
                server.popen.wait(HANG_S)
                gone_s = until(gone(family))
                figures.add(name, "", (gone_s - signalled_s) * 1e3)


def suspension(figures: Figures, scratch: Path, rounds: int) -> None:
    """C2: what expired while the front was stopped is told so at once when it goes on."""
    with serving(scratch, "--workers", "1") as server, server_held(server, {}, waiting=0):
        for _ in range(rounds):
            connection = server.connect()
            body = json.dumps({"inputs": ["late"]})
            connection.request("POST", "/predict", body, {"X-Request-Timeout-Ms": "300"})
            until(lambda: json.loads(server.ask("GET", "/status")[1])["rows_waiting"] == 1)
            server.front.suspend()
            time.sleep(0.6)
            woken_s = time.perf_counter()
            server.front.resume()
            assert connection.getresponse().status == 504
            took_s = time.perf_counter() - woken_s
            figures.add("C2 front goes on → 504 for what expired", "", took_s * 1e3)
            connection.close()


def slow_wire(figures: Figures, scratch: Path, rounds: int) -> None:
    """H1: the 408 of half a header, and others beside five hundred such connections."""
    toml = f"[serving]\nhead_timeout_s = {HEAD_S}\n"
    with serving(scratch, "--workers", "1", toml=toml) as server:
        for _ in range(rounds):
            with socket.create_connection(("127.0.0.1", server.port), timeout=HANG_S) as slow:
                began_s = time.perf_counter()
                slow.sendall(b"POST /predict HTTP/1.1\r\nX-Slow:")
                assert b" 408 " in slow.recv(4096)
                late_s = time.perf_counter() - began_s - HEAD_S
                figures.add("H1 half a header: 408 after its deadline", "", late_s * 1e3)
    with serving(scratch, "--workers", "1") as server:
        connection = server.connect()
        for _ in range(max(rounds // 2, 1)):
            alone = p99_ms(server, connection)
            with contextlib.ExitStack() as stack:
                for _ in range(SLOW_CONNECTIONS):
                    place = ("127.0.0.1", server.port)
                    slow = stack.enter_context(socket.create_connection(place, timeout=HANG_S))
                    slow.sendall(b"POST /predict HTTP/1.1\r\nX-Slow:")
                beside = p99_ms(server, connection)
            figures.add("H1 p99 beside 500 of them over p99 alone (ratio)", "≤ 1.1", beside / alone)
        connection.close()


def p99_ms(server: Server, connection: http.client.HTTPConnection) -> float:
    time.sleep(SETTLE_S)
    times = []
    for _ in range(TAIL_ROWS):
        asked_s = time.perf_counter()
        server.predict("a", on=connection)
        times.append((time.perf_counter() - asked_s) * 1e3)
    return sorted(times)[int(0.99 * TAIL_ROWS)]


def guesses(figures: Figures, scratch: Path, rounds: int) -> None:
    """S1: a key that is nearly right is refused no later than one that is nothing like it."""
    with serving(scratch, "--workers", "1") as server:
        _, secret = KeyFile(server.folder).create(Terms(), now=SYSTEM.utc())
        until(lambda: server.predict("a") == 401)
        nearly = secret[:-1] + ("a" if secret[-1] != "a" else "b")
        connection = server.connect()
        for _ in range(rounds):
            took: dict[str, list[float]] = {nearly: [], "pk_x_" + "x" * len(nearly): []}
            for _ in range(NOISE_ROWS):
                for shown, times in took.items():
                    asked_s = time.perf_counter()
                    server.predict("a", headers={"X-API-Key": shown}, on=connection)
                    times.append((time.perf_counter() - asked_s) * 1e6)
            near, far = (statistics.median(times) for times in took.values())
            figures.add("S1 nearly right key less nonsense, medians (µs)", "0", near - far)
        connection.close()


PARTS = (kill_switch, hangs, crashes, refusals, stops, suspension, slow_wire, guesses)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure, print one table, and keep it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--only", nargs="*", choices=[part.__name__ for part in PARTS])
    parser.add_argument("--write", action="store_true", help="keep table and figures in results/")
    options = parser.parse_args()
    figures, loads = Figures(), [psutil.getloadavg()[0]]
    with tempfile.TemporaryDirectory(prefix="seatrial-faults-") as scratch:
        for part in PARTS:
            if not options.only or part.__name__ in options.only:
                print(part.__name__, file=sys.stderr)
                part(figures, Path(scratch), 3 if options.quick else options.rounds)
                loads.append(psutil.getloadavg()[0])
    machine = describe()
    text = (
        f"Milliseconds, unless said otherwise. {machine.cores} cores of {machine.cpu}, "
        f"{machine.system}, Python {machine.python}; load average {min(loads):.1f} to "
        f"{max(loads):.1f} while it ran.\n\n{figures.table()}\n"
    )
    print(text)
    if options.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "times.md").write_text(text)
        document = {"loads": loads, "values": figures.values, "promises": figures.promises}
        (RESULTS / "times.json").write_text(json.dumps(document, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
