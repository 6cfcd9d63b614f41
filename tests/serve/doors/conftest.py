"""Doors behind the plainest server there is, and other people's clients in their own homes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seatrial.core.errors import SeatrialError
from seatrial.serve.doors.catalogue import Catalogue
from seatrial.serve.doors.door import Request
from seatrial.serve.doors.native import NativeDoor
from seatrial.serve.doors.oip import OipDoor, infers
from seatrial.serve.doors.signature import Signature
from seatrial.serve.messages import Result


class Handler(BaseHTTPRequestHandler):
    """Passes whole requests to a door, and rows to a function."""

    protocol_version = "HTTP/1.1"

    def handle_request(self):
        headers = {name.lower().encode(): text.encode() for name, text in self.headers.items()}
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = self.server.answer(Request(self.command, self.path, "", headers, body))
        self.send_response(told.status)
        for name, text in [*told.headers, (b"content-length", b"%d" % len(told.body))]:
            self.send_header(name.decode(), text.decode())
        self.end_headers()
        self.wfile.write(told.body)

    do_GET = do_POST = handle_request  # noqa: N815  (as http.server calls them)

    def log_message(self, *told):
        pass


class Doors(ThreadingHTTPServer):
    """Serves a plain function by every protocol."""

    daemon_threads = False

    def __init__(self, kind, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        signature = Signature(kind, "classification")
        self.model = answer
        self.native = NativeDoor(kind)
        self.oip = OipDoor("m", lambda: signature, releases=lambda: ["m@1"])
        self.catalogue = Catalogue(
            "m", lambda: signature, releases=lambda: ["m@1"], unready=lambda: ""
        )

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def answer(self, request):
        path = request.path.encode()
        door = self.oip if infers(request.method.encode(), path) else self.native
        if door is self.native and request.path != "/predict":
            return self.catalogue.answer(request)
        try:
            reading = door.read(request)
            results = [self.model(row) for row in reading.rows]
            return door.answer(reading, id="i", release="m@1", results=results)
        except SeatrialError as error:
            return door.refuse(error, id="i", release="m@1")


def loud(text):
    """Says text in capitals, surely; other things as they are, less so."""
    if isinstance(text, str):
        return Result(text.upper(), 0.75, {"loud": 0.75, "soft": 0.25}, abstained=False)
    return Result(sum(text) if isinstance(text, list) else 1.5, 0.5, None, abstained=False)


@pytest.fixture
def doors():
    """Serve a function; everything ends with the test."""
    started = []

    def serve(kind="text", answer=loud):
        server = Doors(kind, answer)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        started.append((server, thread))
        return server

    yield serve
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


PROJECT = """[model]
name = "m"
load = "model:load"
input = "{kind}"
"""

LOUD = """
class Model:
    def predict(self, inputs):
        return [self.one(value) for value in inputs]

    def one(self, value):
        if isinstance(value, str):
            scores = {"loud": 0.75, "soft": 0.25}
            return {"output": value.upper(), "confidence": 0.75, "scores": scores}
        return {"output": sum(value) if isinstance(value, list) else 1.5, "confidence": 0.5}

def load():
    return Model()
"""


@pytest.fixture(params=["doors alone", "the server"])
def address(request, tmp_path):
    """Where a model is served: behind the plainest server, or behind ours."""

    def serve(kind="text"):
        if request.param == "doors alone":
            return request.getfixturevalue("doors")(kind).address
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "model.py").write_text(LOUD)
        (folder / "seatrial.toml").write_text(PROJECT.format(kind=kind))
        server = request.getfixturevalue("serve")("--workers", "1", folder=folder)
        return f"127.0.0.1:{server.port}"

    return serve


@pytest.fixture(scope="session")
def client_home():
    """Install packages into a virtual environment of their own, once for all runs."""

    def home(*requirements):
        key = hashlib.sha256(repr((sys.version, requirements)).encode()).hexdigest()[:16]
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        place = caches / "seatrial-clients" / key
        place.parent.mkdir(parents=True, exist_ok=True)
        with (place.parent / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (place / "complete").exists():
                install(place, requirements)
        return place / "bin"

    return home


def install(place, requirements):
    """Make one, or skip and say why not."""
    shutil.rmtree(place, ignore_errors=True)
    steps = [
        [sys.executable, "-m", "venv", str(place)],
        [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(place, ignore_errors=True)
            pytest.skip(f"{', '.join(requirements)} cannot be installed: {done.stderr[-300:]}")
    (place / "complete").touch()
