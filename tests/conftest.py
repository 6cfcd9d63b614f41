"""What every test gets: a scrubbed environment, real data where there is some, and the commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seatrial.cli import main
from seatrial.models.hostprocess import SILENCE

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_configure():
    """Let no library report its use; hear interrupts also when run in the background.

    Commands under test shall hear them, too: a shell starts background jobs with interrupts
    ignored, and children inherit that.
    """
    os.environ.update(SILENCE)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def scrubbed_environment(monkeypatch):
    """No setting of the person who runs the tests reaches the code under test."""
    for name in list(os.environ):
        if name.startswith("SEATRIAL_") and name != "SEATRIAL_DATA":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, or a skip that says what is missing."""
    folder = os.environ.get("SEATRIAL_DATA")
    if not folder:
        pytest.skip("SEATRIAL_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Where Chromium is; without it the test is skipped, in CI it fails."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    message = "Chromium is not installed, and only root can install it"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@pytest.fixture
def seatrial(monkeypatch):
    """Call the command line in this process, where a warning is an error."""
    monkeypatch.setattr(sys, "warnoptions", ["error"])

    def call(*arguments, cwd=None):
        if cwd is not None:
            monkeypatch.chdir(cwd)
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        err = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            err += "".join(traceback.format_exception(result.exception))
        return Ended(result.exit_code, result.stdout, err)

    return call


@pytest.fixture
def process():
    """Call the command line in a process of its own."""

    def call(*arguments, cwd=None, timeout=150):
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call
