from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil
import pytest

from seatrial.records import lines

MODEL = '''
import os, signal, sys, time

class Model:
    """Answers its input in capitals; some inputs are orders."""

    def predict(self, inputs):
        if "short" in inputs:
            return ["too", "few", "or", "many", "answers"]
        return [self.one(value) for value in inputs]

    def one(self, value):
        if value == "raise":
            raise ValueError("bad row")
        if value == "nan":
            return float("nan")
        if value == "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        if value == "hang":
            time.sleep(1000)
        if isinstance(value, str) and value.startswith("sleep"):
            time.sleep(float(value.partition(" ")[2]))
        if value == "noise":
            print("noise on standard output", flush=True)
            os.chdir("/")
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if value == "pid":
            return {"output": os.getpid(), "confidence": 1.0}
        if value == "unsure":
            return {"output": "?", "confidence": 0.25, "scores": {"?": 0.25}}
        if value == "bare":
            return "bare"
        return {"output": value.upper(), "confidence": 0.875}

def load():
    return Model()

def broken():
    raise OSError("no weights here")
'''


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return msgspec.json.decode(self.body)


@dataclass
class Server:
    folder: Path
    popen: subprocess.Popen
    ready: dict
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self):
        return int(self.ready["url"].rpartition(":")[2])

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            return read(connection)
        finally:
            connection.close()

    def predict(self, *inputs, headers=None):
        body = json.dumps({"inputs": list(inputs)})
        return self.ask("POST", "/predict", body, headers)

    def records(self):
        return records(self.folder)

    def record_of(self, answer, row=0):
        wanted = answer.headers["x-request-id"]
        return next(r for r in self.records() if r["id"] == wanted and r.get("row", 0) == row)

    def metric(self, line):
        return sum(float(at.rpartition(" ")[2]) for at in self.lines(line))

    def lines(self, beginning):
        page = self.ask("GET", "/metrics").body.decode()
        return [line for line in page.splitlines() if line.startswith(beginning)]

    def eventually(self, condition, limit_s=60):
        until = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < until, "did not happen in time"
            time.sleep(0.02)

    def family(self):
        return [
            self.popen.pid,
            *(c.pid for c in psutil.Process(self.popen.pid).children(recursive=True)),
        ]


def read(connection):
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


Server.read = staticmethod(read)


def records(folder):
    """Every event in the segments, oldest file first."""
    log = folder / ".seatrial" / "log"
    files = [*log.glob("closed/*.ndjson"), *log.glob("open/*.ndjson")]
    files.sort(key=lambda path: path.name)
    return [
        msgspec.json.decode(body) for path in files for body in lines.read(path.read_bytes()).bodies
    ]


def alive(pid):
    """A process that nobody has waited for yet is dead all the same."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def write_project(folder, *, toml="", model=MODEL, location="model:load", kind="text"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text(model)
    (folder / "seatrial.toml").write_text(
        f'[model]\nname = "echo"\nload = "{location}"\ninput = "{kind}"\n{toml}'
    )
    return folder


def command_line(folder, *flags, prelude=""):
    """The command that serves a folder; ``prelude`` is run in its process before anything."""
    main = ["-m", "seatrial"]
    if prelude:
        main = ["-c", f"{prelude}\nfrom seatrial.cli import main\nmain()"]
    return [sys.executable, *main, "serve", str(folder), "--port", "0", "--json", *flags]


def start(folder, *flags, stderr=None, prelude=""):
    command = command_line(folder, *flags, prelude=prelude)
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
    line = popen.stdout.readline()
    if not line:
        popen.wait(30)
        popen.stdout.close()
        raise AssertionError(f"the server ended with {popen.returncode} before it was ready")
    return Server(Path(folder), popen, json.loads(line))


def stop(server):
    family = server.family() if alive(server.popen.pid) else []
    if server.popen.poll() is None:
        server.popen.terminate()
        try:
            server.popen.wait(30)
        except subprocess.TimeoutExpired:
            server.popen.kill()
            server.popen.wait()
    server.popen.stdout.close()
    for pid in family:
        server.eventually(lambda pid=pid: not alive(pid))


@pytest.fixture
def serve(tmp_path):
    """Start servers that end with the test, and leave nothing."""
    started = []

    def serve(*flags, toml="", model=MODEL, kind="text", folder=None, stderr=None, prelude=""):
        if folder is None:
            folder = write_project(tmp_path / "project", toml=toml, model=model, kind=kind)
        quiet = ("--no-keeper", "--drain-delay", "0")
        server = start(folder, *quiet, *flags, stderr=stderr, prelude=prelude)
        started.append(server)
        return server

    yield serve
    for server in started:
        stop(server)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests that do it no harm."""
    folder = write_project(tmp_path_factory.mktemp("shared"), toml="[serving]\nbody_max_mib = 0.5")
    server = start(folder, "--no-keeper", "--drain-delay", "0", "--workers", "1")
    yield server
    stop(server)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("SEATRIAL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def project():
    """Write a project folder."""
    return write_project


@pytest.fixture
def command():
    """The command line that serves a folder."""
    return command_line
