"""What a model process is given, and what it is not."""

from __future__ import annotations

import os

import psutil
import pytest

from seatrial.core import settings as settings_table
from seatrial.models.hostprocess import THREAD_VARIABLES, environment, spawn
from seatrial.models.process import ModelProcess

SECRETS = {
    "SEATRIAL_ADMIN_TOKEN": "t",
    "SEATRIAL_SERVING__ADMIN_PASSWORD": "p",
    "SEATRIAL_API_KEY": "k",
    "SEATRIAL_SECRET": "s",
}


def test_the_secrets_of_the_server_stay_with_it():
    """A model is user code; what it needs itself, it gets."""
    given = environment({**SECRETS, "MODEL_TOKEN": "own", "SEATRIAL_DATA": "/data"}, threads=1)
    assert not SECRETS.keys() & given.keys()
    assert given["MODEL_TOKEN"] == "own"
    assert given["SEATRIAL_DATA"] == "/data"


def test_variables_that_the_settings_name_are_passed_on():
    given = environment(SECRETS, threads=1, keep=["SEATRIAL_API_KEY"])
    assert SECRETS.keys() & given.keys() == {"SEATRIAL_API_KEY"}


def test_threads_are_said_to_every_library_whatever_was_set():
    given = environment({"OMP_NUM_THREADS": "8"}, threads=2)
    assert {given[name] for name in THREAD_VARIABLES} == {"2"}


def test_libraries_are_told_not_to_report_their_use_unless_the_user_says_otherwise():
    assert environment({}, threads=1)["ORT_DISABLE_TELEMETRY"] == "1"
    said = environment({"ORT_DISABLE_TELEMETRY": "0"}, threads=1)
    assert said["ORT_DISABLE_TELEMETRY"] == "0"


def test_the_model_sees_no_secret(tmp_path, monkeypatch):
    """The environment of the process itself, not only a mapping."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "model.py").write_text(
        "import os\ndef load():\n    return lambda inputs: [sorted(os.environ)] * len(inputs)\n"
    )
    settings = settings_table.parse(
        {"model": {"load": "model:load"}, "endpoint": {"header_env": {"x-key": "SEATRIAL_SECRET"}}},
        environment={},
    )
    with ModelProcess(tmp_path, settings=settings) as process:
        seen = process.answer(["a"]).answers[0].output
    assert SECRETS.keys() & set(seen) == {"SEATRIAL_SECRET"}


def test_a_process_that_cannot_be_started_leaves_no_descriptor(tmp_path):
    before = psutil.Process().num_fds()
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            spawn(tmp_path / "gone")
    assert psutil.Process().num_fds() == before


def test_a_process_that_is_ended_leaves_no_descriptor(tmp_path):
    before = psutil.Process().num_fds()
    host = spawn(tmp_path)
    assert psutil.pid_exists(host.pid)
    host.kill()
    assert host.kill() < 0
    assert psutil.Process().num_fds() == before
    assert not os.path.exists(f"/proc/{host.pid}")  # noqa: PTH110
