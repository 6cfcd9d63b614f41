from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from seatrial.records import sealing
from seatrial.records.descriptions import Descriptions
from seatrial.records.files import Files
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.sealing import check, seal, to_parquet
from seatrial.records.snapshot import gather

ROWS = Counter(f"r{n}" for n in range(6))


@pytest.fixture
def fill(make_record):
    """Leave two closed segments and one of a dead writer, six rows in all."""

    def write(folder: Path) -> None:
        for first in (0, 2):
            with LogWriter(folder) as writer:
                writer.append([make_record(first), make_record(first + 1)])
        abandoned = LogWriter(folder)
        abandoned.append([make_record(4), make_record(5)])
        assert abandoned._segment is not None
        abandoned._segment.abandon()

    return write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def assert_all_sealed(folder: Path, ids_in) -> None:
    places = Places.of(folder)
    assert ids_in(folder) == ROWS
    assert not names(places.open)
    assert not names(places.closed)
    assert len(names(places.sealed)) == 3
    assert Log(folder).problems() == ()


def test_closed_segments_and_those_of_dead_writers_become_parquet(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    done = seal(tmp_path)
    assert (done.segments, done.rows, done.problems) == (3, 6, ())
    assert_all_sealed(tmp_path, ids_in)


def test_sealing_twice_is_sealing_once(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    seal(tmp_path)
    assert seal(tmp_path).segments == 0
    assert_all_sealed(tmp_path, ids_in)


def test_a_folder_without_a_log_is_left_alone(tmp_path) -> None:
    assert seal(tmp_path).segments == 0
    assert check(tmp_path).quarantined == ()
    assert not names(tmp_path)


def test_the_segment_of_a_living_writer_is_left_to_it(tmp_path, make_record, ids_in) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0)])
        assert seal(tmp_path).segments == 0
        writer.append([make_record(1)])
        assert ids_in(tmp_path) == {"r0": 1, "r1": 1}
    assert seal(tmp_path).rows == 2


def test_two_keepers_do_not_work_at_once(tmp_path, fill) -> None:
    fill(tmp_path)
    files = Files()
    lock = files.open_lock(Places.of(tmp_path).keeper_lock)
    assert files.lock(lock)
    assert seal(tmp_path).busy
    files.close(lock)
    assert seal(tmp_path).segments == 3


def test_half_a_line_at_the_end_is_cut_off_and_counted(tmp_path, make_record, ids_in) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0), make_record(1)])
    (segment,) = Places.of(tmp_path).closed.iterdir()
    segment.write_bytes(segment.read_bytes()[:-10])
    done = seal(tmp_path)
    assert (done.rows, done.torn, done.corrupt, done.quarantined) == (1, 1, 0, ())
    assert ids_in(tmp_path) == {"r0": 1}
    assert Log(tmp_path).problems() == ()


def test_a_damaged_line_costs_itself_and_its_segment_is_kept(tmp_path, make_record, ids_in) -> None:
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(n) for n in range(3)])
    places = Places.of(tmp_path)
    (segment,) = places.closed.iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"text 1", b"text X"))
    assert ids_in(tmp_path) == {"r0": 1, "r2": 1}
    assert "1 lines fail their checksum" in " ".join(Log(tmp_path).problems())
    done = seal(tmp_path)
    assert (done.rows, done.corrupt, done.quarantined) == (2, 1, (segment.name,))
    assert names(places.quarantine) == [segment.name]
    assert not names(places.closed)
    assert ids_in(tmp_path) == {"r0": 1, "r2": 1}
    assert segment.name in " ".join(Log(tmp_path).problems())


@pytest.mark.parametrize("content", [b"\x00" * 5000, b"garbage\nmore garbage\n", b"{}\n"])
def test_a_segment_of_garbage_does_not_stop_the_others(tmp_path, fill, ids_in, content) -> None:
    fill(tmp_path)
    (Places.of(tmp_path).closed / "garbage.ndjson").write_bytes(content)
    done = seal(tmp_path)
    assert done.rows == 6
    assert done.torn + done.corrupt >= 1
    assert ids_in(tmp_path) == ROWS


def test_a_damaged_parquet_file_is_named_and_the_rest_answered(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    seal(tmp_path)
    places = Places.of(tmp_path)
    victim = places.sealed / names(places.sealed)[1]
    whole = victim.read_bytes()
    for damaged in (whole[:-30], whole[:200] + b"\x00\x01" + whole[202:], b""):
        victim.write_bytes(damaged)
        assert len(ids_in(tmp_path)) == 4
        assert f"{victim.name} is left out" in Log(tmp_path).problems()[0]
        assert "2 rows are missing" in Log(tmp_path).problems()[0]
    done = check(tmp_path)
    assert done.quarantined == (victim.name,)
    assert names(places.quarantine) == [victim.name]
    assert len(ids_in(tmp_path)) == 4
    assert f"{victim.name} is in quarantine" in Log(tmp_path).problems()[0]


def test_a_sealed_file_that_is_gone_is_said_to_be(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    seal(tmp_path)
    places = Places.of(tmp_path)
    (places.sealed / names(places.sealed)[0]).unlink()
    assert len(ids_in(tmp_path)) == 4
    assert check(tmp_path).quarantined
    assert "2 rows are missing" in Log(tmp_path).problems()[0]


def test_a_damaged_manifest_is_rebuilt_and_written_again(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    seal(tmp_path)
    Places.of(tmp_path).manifest.write_bytes(b"{broken")
    assert ids_in(tmp_path) == ROWS
    assert "rebuilt" in seal(tmp_path).problems[0]
    assert seal(tmp_path).problems == ()
    assert_all_sealed(tmp_path, ids_in)


def test_an_older_manifest_put_back_loses_no_file(tmp_path, fill, make_record, ids_in) -> None:
    fill(tmp_path)
    seal(tmp_path)
    older = Places.of(tmp_path).manifest.read_bytes()
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(6)])
    seal(tmp_path)
    Places.of(tmp_path).manifest.write_bytes(older)
    seal(tmp_path)
    assert ids_in(tmp_path) == ROWS + Counter(["r6"])


def test_descriptors_are_added_when_sealed(tmp_path, fill) -> None:
    fill(tmp_path)
    seal(tmp_path, descriptions=Descriptions(lambda inputs: [{"length": len(i)} for i in inputs]))
    assert Log(tmp_path).production_rows().descriptors == [{"length": 6}] * 6


@pytest.mark.parametrize(
    "describe", [lambda inputs: 1 / 0, lambda inputs: [], lambda inputs: [object()] * len(inputs)]
)
def test_a_describer_that_fails_costs_descriptors_not_rows(
    tmp_path, fill, ids_in, describe
) -> None:
    fill(tmp_path)
    done = seal(tmp_path, descriptions=Descriptions(describe))
    assert done.rows == 6
    assert "sealed without descriptors" in done.problems[0]
    assert_all_sealed(tmp_path, ids_in)


def test_rows_that_come_faster_than_they_can_be_described_are_sealed_with_a_share(
    tmp_path, ids_in, make_record, monkeypatch
) -> None:
    """Once nothing waits any more, all rows get descriptors again."""
    rows = 400
    for segment in range(2):
        with LogWriter(tmp_path) as writer:
            writer.append([make_record(n + rows * segment) for n in range(rows)])
    size = sum(path.stat().st_size for path in Places.of(tmp_path).closed.iterdir()) // 2
    monkeypatch.setattr(sealing, "BEHIND_BYTES", size)
    adds = Descriptions(lambda inputs: [{"length": len(value)} for value in inputs])
    done = seal(tmp_path, descriptions=adds)
    assert (done.segments, done.rows, done.waiting_bytes) == (2, 2 * rows, 0)
    assert rows / 4 < done.undescribed < 3 * rows / 4
    described = [found is not None for found in Log(tmp_path).production_rows().descriptors]
    assert described.count(False) == done.undescribed
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(2 * rows)])
    assert seal(tmp_path, descriptions=adds).undescribed == 0
    assert sum(ids_in(tmp_path).values()) == 2 * rows + 1


def test_a_conversion_that_loses_rows_is_not_committed(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    done = seal(tmp_path, convert=lambda rows, target: to_parquet(list(rows)[1:], target))
    assert done.segments == 0
    assert "1 of 2 rows came out" in done.problems[0]
    assert ids_in(tmp_path) == ROWS
    seal(tmp_path)
    assert_all_sealed(tmp_path, ids_in)


def to_text(rows, target: Path) -> int:
    """Stand in for Parquet where only the order of file operations matters: far faster."""
    return target.write_bytes(b"".join(rows)) and target.read_bytes().count(b"\n")


def ids_in_text(folder: Path) -> Counter[str]:
    places = Places.of(folder)
    seen = gather(places, files=Files())
    rows = [body for held in seen.segments.values() for body in held.bodies]
    for entry in seen.manifest.files:
        rows += (places.sealed / entry.name).read_bytes().splitlines()
    return Counter(json.loads(row)["id"] for row in rows)


def walk(tmp_path, files_at, fill, *, convert, count) -> int:
    """Let a keeper meet a fault at its first call, its second, … until it meets none."""
    at, reached = 0, True
    while reached:
        at += 1
        folder = tmp_path / str(at)
        fill(folder)
        files = files_at(at)
        counted = files.counted(convert, "convert")

        def cut_short(rows, target, counted=counted, files=files):
            if files.half and files.calls + 1 == files.at:
                convert(list(rows)[:1], target)
            return counted(rows, target)

        with suppress(type(files.fault)):
            seal(folder, files=files, convert=cut_short)
        files.bury()
        reached = files.reached()
        assert count(folder) == ROWS, f"fault at call {at}"
        assert seal(folder, convert=convert).problems == (), f"fault at call {at}"
        assert count(folder) == ROWS, f"fault at call {at}"
        places = Places.of(folder)
        assert [names(places.open), names(places.closed)] == [[], []], f"fault at call {at}"
        assert len(names(places.sealed)) == 3, f"fault at call {at}"
    return at


@pytest.mark.parametrize("half", [False, True])
def test_a_keeper_killed_at_any_call_leaves_every_row_exactly_once(
    tmp_path, fill, *, faulty_files, killed, half
) -> None:
    calls = walk(
        tmp_path,
        lambda at: faulty_files(at, killed(), half=half),
        fill,
        convert=to_text,
        count=ids_in_text,
    )
    assert calls > 40


@pytest.mark.parametrize("lasts", [1, 3])
def test_an_error_at_any_call_is_made_good_by_the_next_run(
    tmp_path, fill, faulty_files, lasts
) -> None:
    calls = walk(
        tmp_path,
        lambda at: faulty_files(at, OSError(28, "No space left on device"), lasts=lasts),
        fill,
        convert=to_text,
        count=ids_in_text,
    )
    assert calls > 40


@pytest.mark.slow
def test_a_keeper_killed_at_any_call_leaves_every_row_exactly_once_in_real_parquet(
    tmp_path, fill, *, ids_in, faulty_files, killed
) -> None:
    walk(
        tmp_path,
        lambda at: faulty_files(at, killed()),
        fill,
        convert=to_parquet,
        count=ids_in,
    )


def test_an_error_stops_neither_the_keeper_nor_the_other_segments(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    refused = names(Places.of(tmp_path).closed)[0]

    def convert(rows, target: Path) -> int:
        if target.stem in refused:
            raise OSError(28, "No space left on device")
        return to_parquet(rows, target)

    done = seal(tmp_path, convert=convert)
    assert done.segments == 2
    assert done.problems == (f"{refused} was not sealed: No space left on device",)
    assert ids_in(tmp_path) == ROWS


KEEPER = """
import os, signal, sys
from pathlib import Path
from seatrial.records.files import Files
from seatrial.records.sealing import seal
class Deadly(Files):
    def rename(self, source, target):
        if sys.argv[2] == "before" and target.name == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)
        super().rename(source, target)
        if sys.argv[2] == "after" and target.name == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)
seal(Path(sys.argv[1]), files=Deadly())
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_keeper_killed_with_signal_nine_around_the_commit_is_finished_by_the_next(
    tmp_path, fill, ids_in, moment
) -> None:
    fill(tmp_path)
    keeper = [sys.executable, "-c", KEEPER, str(tmp_path), moment, "manifest.json"]
    died = subprocess.run(keeper, check=False)
    assert died.returncode == -signal.SIGKILL
    assert ids_in(tmp_path) == ROWS
    assert not seal(tmp_path).busy
    assert_all_sealed(tmp_path, ids_in)


def test_the_raw_log_is_for_its_own_account_only(tmp_path, fill) -> None:
    fill(tmp_path)
    (segment, *_) = Places.of(tmp_path).closed.iterdir()
    assert segment.stat().st_mode & 0o077 == 0


def test_flat_rows_that_a_dead_run_left_are_removed(tmp_path, fill, ids_in) -> None:
    fill(tmp_path)
    left = Places.of(tmp_path).sealed / "flat-of-a-run-that-died"
    left.mkdir(parents=True)
    (left / "000000.ndjson").write_bytes(b"{}\n")
    assert seal(tmp_path).problems == ()
    assert_all_sealed(tmp_path, ids_in)
    assert not left.exists()


def test_where_it_cannot_be_known_what_was_deleted_nothing_is_sealed(
    tmp_path, fill, ids_in
) -> None:
    fill(tmp_path)
    deleted = Places.of(tmp_path).deleted
    deleted.mkdir()
    done = seal(tmp_path)
    assert done.segments == 0
    assert all("was not sealed" in problem for problem in done.problems)
    assert len(done.problems) == 3
    deleted.rmdir()
    assert seal(tmp_path).problems == ()
    assert_all_sealed(tmp_path, ids_in)
