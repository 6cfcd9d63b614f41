from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from seatrial.core.errors import ModelLoadError
from seatrial.core.settings import ModelSettings, Settings
from seatrial.models import frames


@pytest.fixture
def start():
    """Start a host as its parent does, optionally on another platform's code path."""
    started = []

    def start(folder, platform=sys.platform):
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        code = (
            f"import sys; from seatrial.models import host; sys.platform = {platform!r};"
            f"sys.exit(host.main(['.', '--fd', '{theirs.fileno()}', '--lifeline', '{read}']))"
        )
        popen = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            pass_fds=(theirs.fileno(), read),
            process_group=0,
        )
        theirs.close()
        os.close(read)
        started.append((popen, ours))
        return popen, ours, write

    yield start
    for popen, ours in started:
        ours.close()
        popen.kill()
        popen.wait()


def ask(wire, message):
    wire.settimeout(30)
    wire.sendall(frames.encode(message))
    reader = frames.FrameReader()
    while data := wire.recv(1 << 16):
        for reply in reader.feed(data):
            return reply
    return None


def opening(folder, location="model:load"):
    settings = Settings(model=ModelSettings(adapter="load", location=location))
    return frames.Open(str(folder), settings)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(
        "import atexit, pathlib\n"
        "class Model:\n"
        "    def predict(self, inputs):\n        return inputs\n"
        "    def close(self):\n        pathlib.Path('closed').touch()\n"
        "def load():\n"
        "    atexit.register(pathlib.Path('left').touch)\n"
        "    return Model()\n"
    )
    return tmp_path


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_end_of_the_lifeline_ends_the_host(start, folder, platform):
    """Where the kernel does not do it, a thread does."""
    popen, wire, lifeline = start(folder, platform)
    assert isinstance(ask(wire, opening(folder)), frames.Hello)
    os.close(lifeline)
    assert popen.wait(20) == -signal.SIGKILL


def test_a_parent_that_died_before_the_host_ran_ends_it(start, folder):
    """The lifeline may be cut before anybody listens to it."""
    popen, _, lifeline = start(folder)
    os.close(lifeline)
    assert popen.wait(20) == -signal.SIGKILL


def test_the_end_of_the_socket_lets_the_model_close(start, folder):
    """An orderly end runs the model's ``close`` and its exit handlers."""
    popen, wire, lifeline = start(folder)
    ask(wire, opening(folder))
    wire.shutdown(socket.SHUT_WR)
    assert popen.wait(20) == 0
    assert (folder / "closed").exists()
    assert (folder / "left").exists()
    os.close(lifeline)


def test_a_model_that_cannot_be_loaded_ends_the_host(start, folder):
    """The error is sent, then the host is gone."""
    (folder / "model.py").write_text("def load():\n    raise SystemExit('not today')")
    popen, wire, lifeline = start(folder)
    failed = ask(wire, opening(folder))
    assert isinstance(failed.error(), ModelLoadError)
    assert "SystemExit: not today" in failed.message
    assert popen.wait(20) == 0
    os.close(lifeline)


def test_an_operation_before_the_model_is_an_error_not_a_crash(start, folder):
    """The order of frames is checked."""
    _, wire, lifeline = start(folder)
    failed = ask(wire, frames.Ask(7, "answer", ["a"]))
    assert failed.id == 7
    assert failed.code == "model-load"
    os.close(lifeline)
