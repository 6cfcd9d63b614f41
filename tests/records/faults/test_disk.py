"""What becomes of the log when the disk, or the process that writes it, fails (D1 to D5)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatrial.core.errors import EnvironmentMismatchError, SeatrialError
from seatrial.records.deletion import Subject, delete, finish
from seatrial.records.files import Files
from seatrial.records.log import RETRY_S, LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.retention import Keep, compact, enforce
from seatrial.records.reviewing import Plan, ReviewLabel, ReviewSample
from seatrial.records.sealing import check, seal
from seatrial.testing.clock import ManualClock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP = Keep(rows_days=30, inputs_days=7)
ANN = Subject("customer", "1")

GONE = {"r0", "r1", "r5", "r7"}
"""Too old, or of customer 1."""

FORGOTTEN = "r3"
"""Of customer 1 too; where its input was forgotten before it was asked for, it says so no more."""
FULL = OSError(28, "No space left on device")


class Life:
    """A log from the first row to the last: written, sealed, reviewed, let go, deleted from."""

    AGES = (40, 10, 2, 2)

    def __init__(self, folder: Path, make_record) -> None:
        self.folder = folder
        self.make_record = make_record
        self.acknowledged: list[str] = []

    def write(self, files: Files) -> None:
        """Two rows an age: the first of customer 0, the second of customer 1."""
        for place, age in enumerate(self.AGES):
            clock = ManualClock(start=NOW - age * DAY)
            with LogWriter(self.folder, clock=clock, files=files, when_full="refuse") as writer:
                for customer in (0, 1):
                    clock.advance(RETRY_S)
                    name = f"r{2 * place + customer}"
                    with suppress(SeatrialError):
                        writer.append([self._record(2 * place + customer, customer, age)])
                        self.acknowledged.append(name)

    def _record(self, number: int, customer: int, age: float):
        return self.make_record(
            number, time=NOW - age * DAY, input={"customer": customer}, output="yes"
        )

    def tend(self, files: Files) -> None:
        seal(self.folder, files=files)
        with ReviewSample(self.folder, files=files) as sample, suppress(SeatrialError):
            sample.draw(Plan(first_share=1.0), seed=1)
            for row in sample.rows(limit=1):
                sample.label(ReviewLabel(id=row.id, reviewer="ann", label="no", time=NOW))
        clock = ManualClock(start=NOW)
        enforce(self.folder, KEEP, clock=clock, files=files)
        compact(self.folder, clock=clock, files=files)

    def forget(self, files: Files) -> None:
        with suppress(SeatrialError):
            delete(self.folder, [ANN], clock=ManualClock(start=NOW), files=files, patience_s=0)

    def everything(self, files: Files) -> None:
        with suppress(EnvironmentMismatchError):
            self.write(files)
        self.tend(files)
        self.forget(files)

    def settle(self) -> None:
        """What the next keeper and the next person do, on a disk that works."""
        self.tend(Files())
        finish(self.folder, clock=ManualClock(start=NOW))
        self.forget(Files())
        self.tend(Files())

    def due(self) -> Counter[str]:
        """Rows that were acknowledged and neither too old nor deleted."""
        return Counter(name for name in self.acknowledged if name not in {*GONE, FORGOTTEN})


def unexplained(problems: tuple[str, ...]) -> list[str]:
    """Leave out what is told of rows that were refused, and of half a line that stayed behind."""
    told = ("fail their checksum", "were damaged and left out", "events were dropped")
    return [problem for problem in problems if not any(words in problem for words in told)]


def assert_whole(life: Life, ids_in, where: str) -> None:
    found = ids_in(life.folder)
    assert not life.due() - found, where
    assert max(found.values(), default=1) == 1, where


def assert_settled(life: Life, ids_in, where: str) -> None:
    life.settle()
    found = ids_in(life.folder)
    assert not life.due() - found, where
    assert max(found.values(), default=1) == 1, where
    assert not GONE & set(found), where
    assert check(life.folder).quarantined == (), where
    assert unexplained(Log(life.folder).problems()) == [], where
    places = Places.of(life.folder)
    left = [name for name in Files().names(places.sealed) if not name.endswith(".parquet")]
    assert left == [], where


def walk(tmp_path, make_record, ids_in, faults, *, first: int, step: int) -> int:
    """Live one life per fault, each failing at a later file operation, until one fails at none."""
    at, reached = first, True
    while reached:
        life = Life(tmp_path / str(at), make_record)
        files = faults(at)
        with suppress(type(files.fault)):
            life.everything(files)
        files.bury()
        reached = files.reached()
        where = f"fault at file operation {at}"
        assert_whole(life, ids_in, where)
        assert_settled(life, ids_in, where)
        at += step
    return at


STEP = 67
"""A prime stride through about 300 operations, so that a default run meets some of every kind."""


def test_fault_D1_a_disk_that_is_full_for_a_moment_costs_no_row(
    tmp_path, make_record, ids_in, faulty_files
) -> None:
    def faults(at: int):
        return faulty_files(at, FULL, lasts=2, half=True)

    assert walk(tmp_path, make_record, ids_in, faults, first=17, step=STEP) > 150


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("lasts", [1, 4])
def test_fault_D1_a_disk_that_fails_at_any_operation_costs_no_row(
    tmp_path, make_record, ids_in, *, faulty_files, lasts
) -> None:
    def faults(at: int):
        return faulty_files(at, FULL, lasts=lasts, half=True)

    assert walk(tmp_path, make_record, ids_in, faults, first=1, step=1) > 200


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one mebibyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("we may not mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_fault_D1_a_disk_that_is_really_full_refuses_and_recovers(
    small_disk, make_record, ids_in
) -> None:
    """What is in memory is written once there is room; a strict log refuses instead."""
    clock = ManualClock(start=NOW)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    with LogWriter(small_disk, clock=clock, segment_max_bytes=100_000) as writer:
        for number in range(60):
            writer.append([make_record(number, input="y" * 10_000)])
        state = writer.state()
        assert 0 < state.written < 60
        assert (state.written + state.buffered, state.dropped) == (60, 0)
        assert "No space left" in state.failure
        assert set(ids_in(small_disk).values()) == {1}
        ballast.unlink()
        clock.advance(RETRY_S)
        writer.tick()
        assert (writer.state().failure, writer.state().buffered) == ("", 0)
    assert ids_in(small_disk) == Counter(f"r{n}" for n in range(60))


def test_fault_D1_sealing_on_a_full_disk_leaves_the_segment_and_is_done_later(
    small_disk, make_record, ids_in
) -> None:
    with LogWriter(small_disk) as writer:
        writer.append([make_record(number, input=os.urandom(2_000).hex()) for number in range(60)])
    ballast = small_disk / "ballast"
    with suppress(OSError):
        ballast.write_bytes(b"x" * 1_000_000)
    done = seal(small_disk)
    assert done.segments == 0
    assert done.problems
    assert ids_in(small_disk) == Counter(f"r{n}" for n in range(60))
    ballast.unlink()
    assert seal(small_disk).problems == ()
    assert ids_in(small_disk) == Counter(f"r{n}" for n in range(60))


def test_fault_D2_a_log_that_is_gone_is_made_again_and_reviews_go_on(
    tmp_path, make_record, ids_in
) -> None:
    import shutil

    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0)])
        shutil.rmtree(Places.of(tmp_path).root)
        writer.append([make_record(1)])
    assert ids_in(tmp_path) == {"r1": 1}
    seal(tmp_path)
    with ReviewSample(tmp_path) as sample:
        assert sample.draw(Plan(first_share=1.0)) == 1
        shutil.rmtree(Places.of(tmp_path).root)
        assert sample.rows() == []
        assert sample.progress().drawn == 1


@pytest.mark.parametrize("what", ["log", "review"])
def test_fault_D2_where_nothing_can_be_written_one_line_says_so(
    tmp_path, make_record, what
) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0)])
    seal(tmp_path)
    if what == "log":
        (tmp_path / "other" / ".seatrial").mkdir(parents=True)
        (tmp_path / "other" / ".seatrial" / "log").write_text("in the way")
        with pytest.raises(EnvironmentMismatchError, match="cannot be written"):
            LogWriter(tmp_path / "other")
        return
    Places.of(tmp_path).review.parent.write_text("in the way")
    with ReviewSample(tmp_path) as sample, pytest.raises(EnvironmentMismatchError, match="written"):
        sample.draw()


LIVING = """
import os, random, signal, sys, threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from seatrial.records.deletion import Subject, delete
from seatrial.records.log import LogWriter
from seatrial.records.record import Record
from seatrial.records.retention import Keep, compact, enforce
from seatrial.records.reviewing import Plan, ReviewSample
from seatrial.records.sealing import seal
from seatrial.testing.clock import ManualClock
folder, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
later = ManualClock(start=datetime.now(UTC) + timedelta(days=2))
number = 0
def write(rows):
    global number
    with LogWriter(folder, segment_max_bytes=4_000) as writer:
        for _ in range(rows):
            writer.append([Record(id=f"{name}-{number}", time=datetime.now(UTC), origin="user",
                release="m@0", status="answered", output="yes",
                input={"customer": number % 5, "text": "x" * (number % 300)})])
            print(f"{name}-{number}", number % 5, flush=True)
            number += 1
write(1)
seal(folder)
# The moment of death is drawn once everything is imported: it falls into work, not into imports.
threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
while True:
    write(30)
    seal(folder)
    with ReviewSample(folder) as sample:
        sample.draw(Plan(first_share=0.5), seed=3)
    compact(folder, clock=later)
    enforce(folder, Keep(inputs_days=1), clock=later)
    delete(folder, [Subject("customer", "4")], patience_s=0)
"""


def live_and_die(folder: Path, ids_in, *, rounds: int, longest_s: float) -> None:
    """Kill a log's only process again and again; every row it said was written is there once."""
    acknowledged: Counter[str] = Counter()
    moments = random.Random(6)
    for number in range(rounds):
        seconds = moments.uniform(0, longest_s)
        command = [sys.executable, "-c", LIVING, str(folder), str(number), str(seconds)]
        died = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        assert died.returncode == -signal.SIGKILL
        said = [line.split() for line in died.stdout.split("\n")[:-1]]
        acknowledged.update(row for row, customer in said if customer != "4")
        found = ids_in(folder)
        assert not acknowledged - found, f"lost in round {number}"
        assert set(found.values()) == {1}, f"doubled in round {number}"
        assert check(folder).quarantined == (), f"unreadable in round {number}"
        with ReviewSample(folder) as sample:
            drawn = Counter((row.id, row.row) for row in sample.rows())
            assert set(drawn.values()) <= {1}
    assert len(acknowledged) >= rounds
    finish(folder)
    assert seal(folder).problems == ()
    assert Log(folder).problems() == ()


def test_fault_D3_D4_processes_killed_at_any_moment_lose_and_double_nothing(
    tmp_path, ids_in
) -> None:
    live_and_die(tmp_path, ids_in, rounds=4, longest_s=1.5)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_fault_D3_D4_a_hundred_processes_killed_lose_and_double_nothing(tmp_path, ids_in) -> None:
    live_and_die(tmp_path, ids_in, rounds=100, longest_s=3.0)


def test_fault_D4_a_keeper_that_dies_at_an_operation_is_finished_by_the_next(
    tmp_path, make_record, ids_in, *, faulty_files, killed
) -> None:
    def faults(at: int):
        return faulty_files(at, killed(), half=True)

    assert walk(tmp_path, make_record, ids_in, faults, first=29, step=STEP) > 150


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_fault_D4_a_keeper_that_dies_at_any_operation_is_finished_by_the_next(
    tmp_path, make_record, ids_in, *, faulty_files, killed
) -> None:
    def faults(at: int):
        return faulty_files(at, killed(), half=True)

    assert walk(tmp_path, make_record, ids_in, faults, first=1, step=1) > 200


def flipped(path: Path, place: float) -> None:
    """Change one byte."""
    data = bytearray(path.read_bytes())
    at = int(place * (len(data) - 1))
    data[at] ^= 0x55
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 1.0])
def test_fault_D5_a_damaged_file_is_named_and_the_rest_is_answered(
    tmp_path, make_record, ids_in, place
) -> None:
    for part in range(3):
        with LogWriter(tmp_path) as writer:
            writer.append([make_record(n) for n in range(2 * part, 2 * part + 2)])
    seal(tmp_path)
    victim, *_ = sorted(Places.of(tmp_path).sealed.iterdir())
    flipped(victim, place)
    assert sum(ids_in(tmp_path).values()) == 4
    assert victim.name in " ".join(Log(tmp_path).problems())
    assert Log(tmp_path).summary().total.rows == 4
    with ReviewSample(tmp_path) as sample:
        assert sample.draw(Plan(first_share=1.0)) == 4
    assert compact(tmp_path, clock=ManualClock(start=NOW + 900 * DAY)).problems == ()
    assert (Places.of(tmp_path).quarantine / victim.name).exists()
    assert sum(ids_in(tmp_path).values()) == 4


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_fault_D5_a_damaged_line_of_a_segment_costs_itself(
    tmp_path, make_record, ids_in, place
) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(n) for n in range(5)])
    (segment,) = Places.of(tmp_path).closed.iterdir()
    flipped(segment, place)
    assert sum(ids_in(tmp_path).values()) == 4
    seal(tmp_path)
    assert sum(ids_in(tmp_path).values()) == 4


@pytest.mark.parametrize("place", [0.0, 0.2, 0.5, 0.9])
def test_fault_D5_a_damaged_manifest_loses_nothing_after_any_rewriting(
    tmp_path, make_record, ids_in, place
) -> None:
    life = Life(tmp_path, make_record)
    life.everything(Files())
    before = ids_in(tmp_path)
    flipped(Places.of(tmp_path).manifest, place)
    assert ids_in(tmp_path) == before
    assert_settled(life, ids_in, "manifest")
    assert ids_in(tmp_path) == before


@pytest.mark.parametrize("place", [0.01, 0.5, 0.99])
def test_fault_D5_a_damaged_sample_costs_the_line_and_no_row_is_drawn_twice(
    tmp_path, make_record, place
) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(n) for n in range(20)])
    seal(tmp_path)
    with ReviewSample(tmp_path) as sample:
        sample.draw(Plan(first_share=1.0), seed=1)
        flipped(Places.of(tmp_path).review, place)
        assert len(sample.rows()) in (0, 19)  # a row's line, or the line that makes them count
        sample.draw(Plan(first_share=1.0), seed=1)
        drawn = Counter(row.id for row in sample.rows())
        assert set(drawn.values()) == {1}
        assert len(drawn) in (19, 20)
