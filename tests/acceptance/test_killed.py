"""Killed at any moment, a trial leaves nothing running, and the next one starts clean."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import psutil
import pytest

SETTINGS = """
[model]
name = "words"
load = "model:load"

[eval]
data = "eval.jsonl"

[production]
data = "production.jsonl"

[trial]
time_budget_s = 60
"""
SLOW_LOAD = "import time\n\ntime.sleep(0.7)\n"


@dataclass(frozen=True)
class Stage:
    """Where a trial is once it has said these words, if it judges these items."""

    words: str
    items: str


LOADING = Stage("reading rows", "production-sample")
STARTING = Stage("measuring start", "warm-up")
SERVING = Stage("comparing eval", "production-evaluation")
UNDER_LOAD = Stage("measuring latency", "end-to-end-latency")
COMMAND = (sys.executable, "-m", "seatrial", "trial")
GONE_S = 40.0
"""A server may drain for 20 s, and this machine may be busy."""

SEEDS = range(2)


@pytest.fixture
def folder(projects):
    projects.text()
    projects.code(SLOW_LOAD + (projects.folder / "model.py").read_text())
    return projects.settings(SETTINGS)


@pytest.fixture
def scratch(tmp_path):
    """Where temporary folders go."""
    place = tmp_path / "scratch"
    place.mkdir()
    return place


class Running:
    """A trial in a process of its own, and every process that it ever had below it."""

    def __init__(self, folder, scratch, *, items):
        self.folder = folder
        self.seen = {}
        self.said = ""
        self.process = psutil.Popen(
            [*COMMAND, str(folder), "--only", items],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(scratch)},
        )
        os.set_blocking(self.process.stderr.fileno(), False)

    def until(self, words, *, then_s=0.0):
        """Wait for a line of progress, and a little longer."""
        while words not in self.said:
            assert self.process.poll() is None, self.said
            self._look()
        ends = time.monotonic() + then_s
        while time.monotonic() < ends:
            self._look()

    def end(self):
        """Wait for its end and return its exit status."""
        while self.process.poll() is None:
            self._look()
        self._look()
        self.process.stderr.close()
        return self.process.returncode

    def left(self):
        """Wait until nothing that belongs to it runs any more; return what still does."""
        _, alive = psutil.wait_procs(list(self.seen.values()), timeout=GONE_S)
        return [*alive, *about(self.folder)]

    def _look(self):
        for child in below(self.process):
            self.seen[child.pid] = child
        self.said += (self.process.stderr.read() or b"").decode()
        time.sleep(0.01)


def below(process):
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def about(folder):
    """Return the processes with this folder on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in word for word in process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def next_run(folder, scratch):
    return subprocess.run(
        [*COMMAND, str(folder), "--only", "end-to-end-latency", "--quiet", "--time-budget", "4"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
        check=False,
    )


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
QUICK = {(signal.SIGINT, UNDER_LOAD, 0), (signal.SIGKILL, UNDER_LOAD, 0)}
MOMENTS = [
    pytest.param(
        *moment,
        id=f"{moment[0].name}-{moment[1].words}-{moment[2]}",
        marks=[] if moment in QUICK else pytest.mark.slow,
    )
    for moment in itertools.product(SIGNALS, (LOADING, STARTING, SERVING, UNDER_LOAD), SEEDS)
]


@pytest.mark.parametrize(("number", "stage", "seed"), MOMENTS)
def test_nothing_is_left_running(number, stage, seed, folder, scratch):
    delay_s = np.random.default_rng([seed, number]).uniform(0.0, 1.5)
    trial = Running(folder, scratch, items=stage.items)
    trial.until(stage.words, then_s=delay_s)
    trial.process.send_signal(number)
    assert trial.end() == SIGNALS[number]
    assert trial.left() == []
    assert "Traceback" not in trial.said
    if number != signal.SIGKILL:
        assert list(scratch.iterdir()) == []
        return
    again = next_run(folder, scratch)
    assert again.returncode == 0, again.stderr
    assert "Traceback" not in again.stderr
    assert about(folder) == []
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_is_killed_is_reported_and_leaves_nothing(seed, folder, scratch):
    trial = Running(folder, scratch, items=UNDER_LOAD.items)
    trial.until(UNDER_LOAD.words, then_s=np.random.default_rng(seed).uniform(0.0, 2.0))
    (server,) = [one for one in below(trial.process) if "serve" in one.cmdline()]
    server.kill()
    assert trial.end() in {0, 1, 3}
    assert "Traceback" not in trial.said
    assert trial.left() == []
    assert list(scratch.iterdir()) == []
