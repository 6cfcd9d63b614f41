"""A server started as a subprocess, and ended with us."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from seatrial.core.errors import UnreachableError
from seatrial.models.url import UrlSubject
from seatrial.trials.server import ServerProcess

SETTINGS = '[model]\nname = "echo"\nload = "model:load"\n\n[serving]\nworkers = 1\n'
OWNER = """
import sys
from pathlib import Path
from seatrial.trials.server import ServerProcess
server = ServerProcess(Path(sys.argv[1]), log_folder=Path(sys.argv[2]))
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text("def load():\n    return lambda rows: list(rows)\n")
    (tmp_path / "seatrial.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def log_folder(tmp_path):
    place = tmp_path / "drill"
    place.mkdir()
    return place


def family(pid):
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def test_it_serves_until_it_is_closed(folder, log_folder):
    with ServerProcess(folder, log_folder=log_folder) as server:
        assert server.ready.release.startswith("echo@")
        assert (server.ready.pid, server.ready.workers) == (server.pid, 1)
        assert server.ready_s > 0
        subject = UrlSubject.native(server.url)
        assert [one.output for one in subject.answer(["a", "b"]).answers] == ["a", "b"]
        subject.close()
        running = family(server.pid)
    assert psutil.wait_procs(running, timeout=30)[1] == []
    assert (log_folder / ".seatrial" / "log").is_dir()
    assert not (folder / ".seatrial").exists()


def test_why_it_did_not_start_is_said_in_one_line(folder, log_folder):
    (folder / "model.py").write_text("def load():\n    raise RuntimeError('no weights')\n")
    with pytest.raises(UnreachableError, match="no weights") as caught:
        ServerProcess(folder, log_folder=log_folder)
    assert "\n" not in str(caught.value)


def test_it_ends_with_an_owner_that_is_killed(folder, log_folder):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder), str(log_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        running = family(int(owner.stdout.readline()))
        assert len(running) > 1
        owner.kill()
    assert psutil.wait_procs(running, timeout=40)[1] == []


def test_trust_is_passed_on(folder, log_folder):
    import pickle

    from sklearn.dummy import DummyClassifier

    model = DummyClassifier(strategy="constant", constant="x").fit([["a"]], ["x"])
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    (folder / "seatrial.toml").write_text(
        SETTINGS.replace('load = "model:load"', 'sklearn = "model.pkl"')
    )
    with pytest.raises(UnreachableError, match="trust"):
        ServerProcess(folder, log_folder=log_folder)
    with ServerProcess(folder, trust="the tests", log_folder=log_folder) as server:
        assert server.ready.workers == 1


def test_how_it_ended_is_known(folder, log_folder):
    with ServerProcess(folder, log_folder=log_folder) as server:
        assert server.ending() == ""
        os.kill(server.pid, signal.SIGKILL)
        assert "signal SIGKILL" in server.ending()
