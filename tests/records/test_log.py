from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from seatrial.core.errors import EnvironmentMismatchError, ServingError
from seatrial.records import lines
from seatrial.records.files import Files
from seatrial.records.log import RETRY_S, LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.sealing import seal
from seatrial.testing.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class Switch(Files):
    """A disk that can be made to refuse."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.number = errno.ENOSPC
        self.synced = 0

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._ask("write")
        return super().write(descriptor, data)

    def rename(self, source: Path, target: Path) -> None:
        self._ask("rename")
        super().rename(source, target)

    def create(self, path: Path) -> int:
        self._ask("create")
        return super().create(path)

    def sync(self, descriptor: int) -> None:
        self._ask("sync")
        self.synced += 1
        super().sync(descriptor)

    def _ask(self, name: str) -> None:
        if name in self.refuses:
            raise OSError(self.number, os.strerror(self.number))


def test_what_was_appended_is_in_a_file_when_append_returns(tmp_path, make_record) -> None:
    writer = LogWriter(tmp_path)
    writer.append([make_record(1), make_record(2)])
    (segment,) = Places.of(tmp_path).open.iterdir()
    assert len(lines.read(segment.read_bytes()).bodies) == 2
    assert writer.state().written == 2
    writer.close()


def test_one_append_is_one_write(tmp_path, make_record) -> None:
    class Counting(Files):
        writes = 0

        def write(self, descriptor: int, data: bytes | memoryview) -> int:
            self.writes += 1
            return super().write(descriptor, data)

    files = Counting()
    with LogWriter(tmp_path, files=files) as writer:
        writer.append(make_record(n) for n in range(50))
        writer.append([])
    assert files.writes == 1


def test_a_full_segment_is_closed_and_the_next_begun(tmp_path, make_record, ids_in) -> None:
    with LogWriter(tmp_path, segment_max_bytes=1000) as writer:
        for number in range(10):
            writer.append([make_record(number)])
    assert len(list(Places.of(tmp_path).closed.iterdir())) > 3
    assert ids_in(tmp_path) == Counter(f"r{n}" for n in range(10))


def test_an_old_segment_is_closed_by_a_tick_and_an_empty_one_is_not(
    tmp_path, make_record, clock
) -> None:
    places = Places.of(tmp_path)
    with LogWriter(tmp_path, clock=clock, segment_max_age_s=60) as writer:
        clock.advance(61)
        writer.tick()
        assert not places.closed.exists()
        writer.append([make_record(1)])
        clock.advance(61)
        writer.tick()
        assert len(list(places.closed.iterdir())) == 1


def test_a_segment_that_cannot_be_renamed_is_written_on(
    tmp_path, make_record, clock, ids_in
) -> None:
    files = Switch()
    with LogWriter(tmp_path, clock=clock, segment_max_bytes=1, files=files) as writer:
        writer.append([make_record(1)])
        files.refuses = {"rename"}
        writer.append([make_record(2)])
        assert writer.state().buffered == 0
        files.refuses = set()
        clock.advance(RETRY_S)
        writer.append([make_record(3)])
    assert ids_in(tmp_path) == {"r1": 1, "r2": 1, "r3": 1}
    assert len(list(Places.of(tmp_path).closed.iterdir())) == 2


def test_a_full_disk_fills_the_buffer_and_loses_nothing_once_there_is_room(
    tmp_path, make_record, clock, ids_in
) -> None:
    files = Switch()
    with LogWriter(tmp_path, clock=clock, files=files) as writer:
        writer.append([make_record(0)])
        files.refuses = {"write"}
        writer.append([make_record(1), make_record(2)])
        writer.append([make_record(3)])
        state = writer.state()
        assert (state.written, state.buffered, state.dropped) == (1, 3, 0)
        assert "No space left" in state.failure
        files.refuses = set()
        clock.advance(RETRY_S)
        writer.append([make_record(4)])
        assert writer.state().failure == ""
        assert (writer.state().written, writer.state().buffered) == (5, 0)
    assert ids_in(tmp_path) == Counter(f"r{n}" for n in range(5))


def test_a_tick_recovers_without_traffic(tmp_path, make_record, clock) -> None:
    files = Switch()
    with LogWriter(tmp_path, clock=clock, files=files) as writer:
        files.refuses = {"write"}
        writer.append([make_record(1)])
        files.refuses = set()
        clock.advance(RETRY_S)
        writer.tick()
        assert writer.state().written == 1


def test_a_refusing_disk_is_not_tried_at_every_request(tmp_path, make_record, clock) -> None:
    class Counting(Switch):
        tries = 0

        def write(self, descriptor: int, data: bytes | memoryview) -> int:
            self.tries += 1
            return super().write(descriptor, data)

    files = Counting()
    with LogWriter(tmp_path, clock=clock, files=files) as writer:
        files.refuses = {"write"}
        for number in range(100):
            writer.append([make_record(number)])
        assert files.tries == 1


def test_what_memory_cannot_hold_is_dropped_oldest_first_counted_and_told(
    tmp_path, make_record, clock, ids_in
) -> None:
    files = Switch()
    one = len(lines.encode(make_record(1)))
    with LogWriter(tmp_path, clock=clock, files=files, buffer_max_bytes=3 * one) as writer:
        files.refuses = {"write"}
        for number in range(10):
            writer.append([make_record(number)])
        assert (writer.state().buffered, writer.state().dropped) == (3, 7)
        files.refuses = set()
        clock.advance(RETRY_S)
        writer.tick()
    assert ids_in(tmp_path) == {"r7": 1, "r8": 1, "r9": 1}
    assert "7 events were dropped" in " ".join(Log(tmp_path).problems())


def test_a_strict_log_refuses_the_request_that_it_cannot_record(
    tmp_path, make_record, clock, ids_in
) -> None:
    files = Switch()
    with LogWriter(tmp_path, clock=clock, files=files, when_full="refuse") as writer:
        files.refuses = {"write"}
        with pytest.raises(ServingError, match="No space left"):
            writer.append([make_record(1)])
        files.refuses = set()
        clock.advance(RETRY_S)
        writer.append([make_record(2)])
    assert ids_in(tmp_path) == {"r2": 1}


def test_a_folder_deleted_under_the_writer_is_made_again(tmp_path, make_record, ids_in) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(1)])
        (segment,) = Places.of(tmp_path).open.iterdir()
        segment.unlink()
        Places.of(tmp_path).open.rmdir()
        writer.append([make_record(2)])
    assert ids_in(tmp_path) == {"r2": 1}


def test_a_log_that_cannot_be_written_is_refused_at_the_start_in_one_line(tmp_path) -> None:
    (tmp_path / ".seatrial").write_text("in the way")
    with pytest.raises(EnvironmentMismatchError, match=r"log cannot be written in .*\.seatrial"):
        LogWriter(tmp_path)


@pytest.mark.parametrize("sync", ["never", "group", "always"])
def test_rows_are_forced_to_the_disk_when_asked(tmp_path, make_record, sync) -> None:
    files = Switch()
    with LogWriter(tmp_path, files=files, sync=sync) as writer:
        writer.append([make_record(1)])
        assert files.synced == (sync == "always")
        writer.tick()
        writer.tick()
        assert files.synced == (sync != "never")


def test_a_row_that_was_written_but_not_synced_is_not_written_twice(
    tmp_path, make_record, clock, ids_in
) -> None:
    files = Switch()
    files.number = errno.EIO
    with LogWriter(tmp_path, clock=clock, files=files, sync="always") as writer:
        files.refuses = {"sync"}
        writer.append([make_record(1)])
        assert "Input/output error" in writer.state().failure
        files.refuses = set()
        clock.advance(RETRY_S)
        writer.append([make_record(2)])
    seal(tmp_path)
    assert ids_in(tmp_path) == {"r1": 1, "r2": 1}


def test_a_group_sync_that_fails_is_told(tmp_path, make_record) -> None:
    files = Switch()
    with LogWriter(tmp_path, files=files, sync="group") as writer:
        writer.append([make_record(1)])
        files.refuses = {"sync"}
        writer.tick()
        assert writer.state().failure
        files.refuses = set()


def test_the_kernel_cutting_a_write_short_leaves_no_half_row(tmp_path, make_record, clock) -> None:
    """RLIMIT_FSIZE makes the kernel itself take half a write and refuse the rest."""
    writer = LogWriter(tmp_path, clock=clock)
    size = len(lines.encode(make_record(0)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * size + size // 2, hard))
    try:
        for number in range(6):
            writer.append([make_record(number)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (segment,) = Places.of(tmp_path).open.iterdir()
    held = lines.read(segment.read_bytes())
    assert (len(held.bodies), held.torn, held.corrupt) == (3, 0, 0)
    clock.advance(RETRY_S)
    writer.close()
    assert writer.state().written == 6


@pytest.mark.parametrize("lasts", [1, 2, 5])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("half", [False, True])
def test_an_error_at_any_call_loses_and_doubles_nothing(
    tmp_path, make_record, clock, *, faulty_files, number, lasts, half
) -> None:
    at, reached = 0, True
    while reached:
        at += 1
        folder = tmp_path / str(at)
        files = faulty_files(at, OSError(number, "fault"), lasts=lasts, half=half)
        try:
            writer = LogWriter(folder, clock=clock, files=files, segment_max_bytes=900)
        except EnvironmentMismatchError:
            continue
        for start in range(0, 6, 2):
            writer.append([make_record(start), make_record(start + 1)])
            clock.advance(RETRY_S)
        for _ in range(lasts):
            writer.tick()
            clock.advance(RETRY_S)
        writer.close()
        reached = files.reached()
        held = Counter()
        for path in Places.of(folder).root.rglob("*.ndjson"):
            held.update(
                line.partition(b'"id":"')[2].partition(b'"')[0].decode()
                for line in lines.read(path.read_bytes()).bodies
            )
        assert writer.state().dropped == 0
        waiting = writer.state().buffered
        assert sum(held.values()) + waiting == 6, f"fault at call {at}"
        assert set(held.values()) <= {1}, f"fault at call {at}"
    assert at > 15


def test_a_process_killed_at_any_call_keeps_every_row_it_acknowledged(
    tmp_path, make_record, clock, *, ids_in, faulty_files, killed
) -> None:
    for half in (False, True):
        at, reached = 0, True
        while reached:
            at += 1
            folder = tmp_path / f"{half}{at}"
            files = faulty_files(at, killed(), half=half)
            acknowledged = 0
            with suppress(killed):
                writer = LogWriter(folder, clock=clock, files=files, segment_max_bytes=900)
                for number in range(4):
                    writer.append([make_record(number)])
                    acknowledged += 1
                writer.close()
            files.bury()
            reached = files.reached()
            found = ids_in(folder)
            assert all(found[f"r{n}"] == 1 for n in range(acknowledged)), f"killed at call {at}"
            assert max(found.values(), default=1) == 1
        assert at > 10


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from seatrial.records.log import LogWriter
from seatrial.records.record import Record
writer = LogWriter(Path(sys.argv[1]), segment_max_bytes=20_000)
number = 0
while True:
    writer.append([Record(id=f"{sys.argv[2]}-{number}", time=datetime.now(UTC), origin="user",
                          release="m@0", status="answered", input="x" * (number % 300))])
    sys.stdout.write(f"{sys.argv[2]}-{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_servers_killed_with_signal_nine_lose_no_acknowledged_row(tmp_path, ids_in) -> None:
    """Two servers on one folder, killed in the middle of writing, round after round."""
    acknowledged: list[str] = []
    for round_ in range(2):
        children = [
            subprocess.Popen(
                [sys.executable, "-c", CHILD, str(tmp_path), f"{round_}{side}"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for side in "ab"
        ]
        for child, wanted in zip(children, (100, 250), strict=True):
            assert child.stdout is not None
            acknowledged += [child.stdout.readline().strip() for _ in range(wanted)]
            os.kill(child.pid, signal.SIGKILL)
            acknowledged += child.stdout.read().split("\n")[:-1]
            child.wait()
            child.stdout.close()
        found = ids_in(tmp_path)
        assert all(found[name] == 1 for name in acknowledged)
        assert not seal(tmp_path).problems
        assert not list(Places.of(tmp_path).open.iterdir())
    found = ids_in(tmp_path)
    assert all(found[name] == 1 for name in acknowledged)
    assert max(found.values()) == 1


def test_many_threads_share_one_writer(tmp_path, make_record, ids_in) -> None:
    with LogWriter(tmp_path, segment_max_bytes=5_000) as writer:

        def work(first: int) -> None:
            for number in range(first, first + 100):
                writer.append([make_record(number)])

        threads = [Thread(target=work, args=(first,)) for first in range(0, 400, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ids_in(tmp_path) == Counter(f"r{n}" for n in range(400))
