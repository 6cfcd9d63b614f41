"""Temporary folders end with their owner, or with the next one."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from seatrial.trials.scratch import LOCK, remove_orphans, scratch_folder

OWNER = """
import sys
from seatrial.trials.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "drill.log").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_is_empty_and_goes_away(temporary):
    with scratch_folder() as folder:
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("x")
    assert list(temporary.iterdir()) == []


def test_it_goes_away_after_an_error(temporary):
    with pytest.raises(KeyboardInterrupt), scratch_folder():
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


def test_the_next_one_removes_what_a_killed_owner_left(temporary):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    with owner:
        left = Path(owner.stdout.readline().strip())
        with scratch_folder():
            assert left.exists(), "a living owner keeps its folder"
        owner.kill()
        owner.wait()
    assert left.exists()
    with scratch_folder():
        assert not left.exists()
    assert list(temporary.iterdir()) == []


def test_folders_of_others_are_left_alone(temporary):
    for name in ("seatrial-notebook", "other"):
        (temporary / name).mkdir()
        (temporary / name / "kept").write_text("x")
    (temporary / "other" / LOCK).write_text("")
    remove_orphans()
    assert (temporary / "seatrial-notebook" / "kept").exists()
    assert (temporary / "other" / "kept").exists()


def test_a_folder_whose_lock_is_held_is_left_alone(temporary):
    place = temporary / "seatrial-held"
    place.mkdir()
    with (place / LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_orphans()
        assert place.exists()
    remove_orphans()
    assert not place.exists()
