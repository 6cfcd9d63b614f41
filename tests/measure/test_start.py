import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatrial.core.clock import SYSTEM, TimeBudget
from seatrial.core.errors import DataError
from seatrial.evidence.recorder import conditions
from seatrial.measure.start import Started, measure_start

SERVER = Path(__file__).parent / "planted_server.py"
BODIES = [b'{"inputs": ["a"]}', b'{"inputs": ["b"]}']
AT = conditions("model@0")


def starting(path, ended=None):
    @contextmanager
    def start():
        spawned_s = SYSTEM.now_s()
        command = [sys.executable, str(SERVER)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                port = int(process.stdout.readline())
                yield Started(f"http://127.0.0.1:{port}{path}", spawned_s)
            finally:
                process.kill()
        if ended is not None:
            ended.append(process.wait())

    return start


def test_a_cold_first_request_is_told_from_warm_ones():
    evidence = measure_start(starting("/cold/400"), BODIES, at=AT, rounds=2)
    assert evidence.value("first_request_ms").low >= 400
    assert evidence.value("warm_request_ms").high < evidence.value("first_request_ms").low
    assert evidence.value("ready_s").value > 0
    assert evidence.value("ready_s").n == 2
    assert len(evidence.table("starts")) == 2


def test_every_start_is_ended():
    ended = []
    measure_start(starting("/answer", ended), BODIES, at=AT, rounds=3)
    assert len(ended) == 3


def test_a_first_request_that_fails_is_unknown_and_not_zero():
    evidence = measure_start(starting("/status/500"), BODIES, at=AT, rounds=1)
    assert evidence.value("first_request_ms").value is None
    assert "500: because" in evidence.value("first_request_ms").note


def test_a_first_request_that_fails_once_is_not_made_good_by_the_other_starts():
    """The median of the starts that answered would hide the one that did not."""
    starts = iter([starting("/answer"), starting("/status/500"), starting("/answer")])

    def start():
        return next(starts)()

    evidence = measure_start(start, BODIES, at=AT, rounds=3)
    assert evidence.value("first_request_ms").value is None
    assert "500: because" in evidence.value("first_request_ms").note


def test_a_spent_budget_ends_the_rounds_and_says_so():
    evidence = measure_start(starting("/answer"), BODIES, at=AT, budget=TimeBudget(0.0), rounds=3)
    assert evidence.cut_short
    assert len(evidence.table("starts")) == 1
    assert "1 of 3 starts" in evidence.criticisms[0]


def test_without_rows_nothing_is_measured():
    with pytest.raises(DataError, match="no body"):
        measure_start(starting("/answer"), [], at=AT)
