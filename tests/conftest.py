"""What every test gets: a scrubbed environment and the real data, where there is some."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


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
