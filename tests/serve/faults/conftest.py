"""A model that misbehaves on order, and callers that meet in one model call."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPException

import pytest

FAULTY = '''
import asyncio, ctypes, errno, json, os, signal, sys, time
from pathlib import Path

HERE = Path(__file__).parent

class Unprintable(Exception):
    def __str__(self):
        raise OSError("not even its message")

class Fewer(list):
    """Says that it is longer than it is."""
    def __iter__(self):
        return iter(self[:-1])

RAISED = {
    "raise": lambda: ValueError("bad row"),
    "raise unprintable": lambda: Unprintable(),
    "raise surrogate": lambda: ValueError("\\ud800 \\x00"),
    "raise endless": lambda: ValueError("x" * 40_000_000),
    "raise exit": lambda: SystemExit(3),
    "raise interrupt": lambda: KeyboardInterrupt(),
    "raise cancelled": lambda: asyncio.CancelledError(),
    "raise stop": lambda: StopIteration(),
    "raise memory": lambda: MemoryError(),
}

class Model:
    """Answers its input in capitals; some inputs are orders. Every call leaves a line."""

    def predict(self, inputs):
        with open(HERE / ".calls", "a") as calls:
            calls.write(json.dumps([time.perf_counter(), os.getpid(), inputs]) + "\\n")
        for value in inputs:
            if value.startswith("gate"):
                while not (HERE / f".{value}").exists():
                    time.sleep(0.005)
        if "short" in inputs:
            return [value.upper() for value in inputs][1:]
        if "long" in inputs:
            return [value.upper() for value in inputs] * 2
        if "fewer" in inputs:
            return Fewer(value.upper() for value in inputs)
        if "one text" in inputs:
            return "x" * len(inputs)
        if "nothing" in inputs:
            return None
        if "drained" in inputs:
            return (value.upper() for value in inputs)
        if "table" in inputs:
            return {value: value.upper() for value in inputs}
        answers = [self.one(value) for value in inputs]
        if (HERE / ".slow").exists():
            time.sleep(float((HERE / ".slow").read_text()))
        return answers

    def one(self, value):
        if value in RAISED:
            raise RAISED[value]()
        if value.startswith(("hang", "poison")) and (HERE / ".cured").exists():
            return value.upper()
        if value.startswith("hang held"):
            ctypes.PyDLL(None).sleep(1000)
        if value.startswith("hang"):
            time.sleep(1000)
        if value.startswith("poison segfault"):
            ctypes.string_at(0)
        if value.startswith("poison exit"):
            os._exit(0)
        if value.startswith("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        if value.startswith("sleep"):
            time.sleep(float(value.split()[1]))
        if value.startswith("odd"):
            return ODD[value]()
        return value.upper()

ODD = {
    "odd nan": lambda: float("nan"),
    "odd deep": lambda: {"a": [[1.0], [float("-inf")]]},
    "odd array": lambda: __import__("numpy").array([1.0, float("nan")]),
    "odd scalar": lambda: __import__("numpy").float32("inf"),
    "odd confidence": lambda: {"output": "x", "confidence": float("nan")},
    "odd score": lambda: {"output": "x", "scores": {"x": float("inf")}},
    "odd object": lambda: object(),
    "odd text": lambda: "\\ud800",
    "odd number": lambda: 10 ** 5_000,
    "odd scores": lambda: {"output": "x", "scores": [1, 2]},
}

def fork(forked=os.fork):
    if (HERE / ".no-processes").exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return forked()

def load():
    os.fork = fork
    return Model()
'''


ALL_AT_ONCE = """
from seatrial.schedule.learning import Learner
Learner.due = False
"""
"""Without a profile all that waits goes into one call, up to ``batch_max``."""


class Faulty:
    """What a server with the faulty model is asked, and what its model saw."""

    numbers = itertools.count()

    def __init__(self, server):
        self.server = server

    def calls(self):
        """Every model call so far: monotonic time of its start, process, inputs."""
        path = self.server.folder / ".calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def runs(self, value):
        """How often a row was run."""
        return sum(inputs.count(value) for _, _, inputs in self.calls())

    def flag(self, name, text=""):
        (self.server.folder / f".{name}").write_text(text)

    def unflag(self, name):
        (self.server.folder / f".{name}").unlink()

    @contextmanager
    def waiting(self, *requests, headers=None, gate_headers=None):
        """Hold up the only worker while requests wait for it; each is one text or a list.

        ``headers`` are those of all, or one mapping for each.

        Yields the flag that lets the worker go on, and a function that returns all answers: first
        that of the request which holds the worker up.
        """
        gate = f"gate {next(self.numbers)}"
        requests = [[at] if isinstance(at, str) else at for at in requests]
        if not isinstance(headers, list):
            headers = [headers or {}] * len(requests)
        rows = sum(map(len, requests))
        with ExitStack() as stack:
            first = stack.enter_context(Asking(self.server, [gate], gate_headers or {}))
            others = [
                stack.enter_context(Asking(self.server, inputs, own))
                for inputs, own in zip(requests, headers, strict=True)
            ]
            first.ask()
            self.server.eventually(lambda: self.runs(gate) == 1)
            for asking in others:
                asking.ask()
            self.server.eventually(lambda: self.server.metric("seatrial_queue_depth") == rows)
            yield gate, lambda: [asking.answer() for asking in [first, *others]]

    def batch(self, *requests, headers=None):
        """Ask all while the only worker is held up, so that they meet in one model call."""
        with self.waiting(*requests, headers=headers) as (gate, answers):
            self.flag(gate)
            first, *others = answers()
            assert first.status == 200
            return others

    def asking(self, *inputs, headers=None):
        """A request on a connection of its own, to be sent and read apart."""
        return Asking(self.server, list(inputs), headers or {})

    def worker_pids(self):
        told = self.server.ask("GET", "/readyz?verbose").json
        return [worker["pid"] for worker in told["workers"] if worker["state"] == "ready"]


class Asking:
    """One request on a connection of its own."""

    def __init__(self, server, inputs, headers):
        self._connection = server.connect(timeout=100)
        self._server = server
        self._body = json.dumps({"inputs": inputs})
        self._headers = headers

    def __enter__(self):
        self._connection.connect()
        return self

    def __exit__(self, *_):
        self._connection.close()

    def ask(self):
        """Send it; return without waiting for its answer."""
        self._connection.request("POST", "/predict", self._body, self._headers)

    def answer(self):
        return type(self._server).read(self._connection)


class Load:
    """Callers that ask again and again on connections of their own, and keep what they got.

    Attributes:
        answers: Every answer, in order of arrival.
        lost: Requests that were sent and got no answer.
        refused: Connections that nobody took.
    """

    def __init__(self, server, *, callers=4, value="row {}", stop_on_loss=True):
        self.answers = []
        self.lost = []
        self.refused = 0
        self._server = server
        self._value = value
        self._callers = callers
        self._pool = ThreadPoolExecutor(callers)
        self._stopping = False
        self._numbers = itertools.count()
        self._stop_on_loss = stop_on_loss

    def __enter__(self):
        self._running = [self._pool.submit(self._call) for _ in range(self._callers)]
        return self

    def __exit__(self, *_):
        self._stopping = True
        self._pool.shutdown()
        for running in self._running:
            running.result()

    @property
    def statuses(self):
        return [answer.status for answer in self.answers]

    def more(self, count=20):
        """Wait for so many further answers."""
        seen = len(self.answers)
        self._server.eventually(lambda: len(self.answers) >= seen + count, limit_s=60)

    def _call(self):
        while not self._stopping:
            connection = self._server.connect()
            try:
                connection.connect()
            except OSError:
                self.refused += 1
                connection.close()
                return
            try:
                self._use(connection)
            except (OSError, HTTPException) as error:
                self.lost.append(error)
                if self._stop_on_loss:
                    return
            finally:
                connection.close()

    def _use(self, connection):
        """Ask on one connection for as long as the server keeps it."""
        while not self._stopping:
            body = json.dumps({"inputs": [self._value.format(next(self._numbers))]})
            connection.request("POST", "/predict", body)
            answer = type(self._server).read(connection)
            self.answers.append(answer)
            if answer.headers.get("connection") == "close":
                return


@pytest.fixture
def faulty(serve, monkeypatch):
    """Start a server with the faulty model; callers wait long, however busy the machine is."""

    def start(*flags, prelude="", timeout_ms=60_000, **named):
        monkeypatch.setenv("SEATRIAL_SERVING__TIMEOUT_MS", str(timeout_ms))
        return Faulty(serve(*flags, model=FAULTY, prelude=ALL_AT_ONCE + prelude, **named))

    return start


@pytest.fixture
def load():
    """Callers that ask again and again."""
    return Load
