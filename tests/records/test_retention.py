from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatrial.records import lines
from seatrial.records.files import Files
from seatrial.records.log import LogWriter
from seatrial.records.manifest import Sealed
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.retention import Keep, Span, compact, due, enforce, together
from seatrial.records.sealing import check, seal
from seatrial.testing.clock import ManualClock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=NOW)


@pytest.fixture
def fill(make_record):
    """Seal files of two rows each; each as many days old as said."""

    def write(folder: Path, *ages: float, first: int = 0, **fields) -> None:
        for place, age in enumerate(ages):
            with LogWriter(folder, clock=ManualClock(start=NOW - age * DAY)) as writer:
                number = first + 2 * place
                writer.append(
                    [make_record(n, time=NOW - age * DAY, **fields) for n in (number, number + 1)]
                )
        assert seal(folder).problems == ()

    return write


def sealed(folder: Path) -> list[str]:
    return sorted(path.name for path in Places.of(folder).sealed.iterdir())


def inputs(folder: Path) -> Counter[bool]:
    return Counter(value is not None for value in Log(folder).production_rows().inputs)


def ids(count: int) -> Counter[str]:
    return Counter(f"r{n}" for n in range(count))


def test_rows_are_let_go_when_the_last_of_their_file_is_due(tmp_path, fill, clock, ids_in) -> None:
    fill(tmp_path, 40, 31, 29, 1)
    done = enforce(tmp_path, Keep(rows_days=30), clock=clock)
    assert (done.rows, done.files_removed, done.problems, done.retired) == (4, 2, (), ())
    assert ids_in(tmp_path) == ids(8) - ids(4)
    assert len(sealed(tmp_path)) == 2
    assert Log(tmp_path).problems() == ()
    assert enforce(tmp_path, Keep(rows_days=30), clock=clock).rows == 0


def test_inputs_are_forgotten_and_what_is_known_of_them_stays(
    tmp_path, fill, clock, ids_in
) -> None:
    fill(tmp_path, 10, 1, confidence=0.5)
    done = enforce(tmp_path, Keep(inputs_days=7), clock=clock)
    assert (done.inputs, done.rows, done.problems) == (2, 0, ())
    assert inputs(tmp_path) == {True: 2, False: 2}
    assert ids_in(tmp_path) == ids(4)
    assert set(Log(tmp_path).production_rows().confidences) == {0.5}
    assert b"text 0" not in b"".join(p.read_bytes() for p in Places.of(tmp_path).sealed.iterdir())
    assert enforce(tmp_path, Keep(inputs_days=7), clock=clock).inputs == 0
    assert check(tmp_path).quarantined == ()


def test_what_is_kept_for_good_is_left_alone(tmp_path, fill, clock) -> None:
    fill(tmp_path, 1000)
    before = sealed(tmp_path)
    assert enforce(tmp_path, Keep(), clock=clock).rows == 0
    assert sealed(tmp_path) == before


def test_a_folder_without_a_log_is_left_alone(tmp_path, clock) -> None:
    assert enforce(tmp_path, Keep(rows_days=1), clock=clock).rows == 0
    assert compact(tmp_path, clock=clock).files_together == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("age", "kept", "rows", "inputs_"),
    [
        (31, Keep(rows_days=30), 1, 0),
        (29, Keep(rows_days=30), 0, 0),
        (9, Keep(inputs_days=7), 0, 1),
    ],
)
def test_due_is_a_matter_of_the_last_event(age, kept, rows, inputs_) -> None:
    found = due([Span(name="a", last=NOW - age * DAY, inputs=1)], kept, now=NOW)
    assert (len(found.rows), len(found.inputs)) == (rows, inputs_)


def test_inputs_that_were_forgotten_are_not_due_again() -> None:
    span = Span(name="a", last=NOW - 9 * DAY, inputs=0)
    assert due([span], Keep(inputs_days=7), now=NOW).inputs == ()


def test_files_of_a_day_that_is_over_are_put_together(tmp_path, fill, clock, ids_in) -> None:
    fill(tmp_path, 2, 2, 2, 1, 0, 0)
    done = compact(tmp_path, clock=clock)
    assert (done.files_together, done.problems) == (3, ())
    assert len(sealed(tmp_path)) == 4
    assert ids_in(tmp_path) == ids(12)
    assert Log(tmp_path).problems() == ()
    assert compact(tmp_path, clock=clock).files_together == 0
    assert check(tmp_path).quarantined == ()


def entry(name: str, size: int) -> Sealed:
    return Sealed(
        name=f"{name}.parquet", segment=f"{name}.ndjson", rows=1, size_bytes=size, sha256=""
    )


def test_large_files_and_those_of_today_stay_by_themselves() -> None:
    files = [
        entry("20261119T100000-1", 10),
        entry("20261119T110000-2", 10),
        entry("20261119T120000-3", 2**30),
        entry("20261120T100000-4", 10),
        entry("20261120T110000-5", 10),
        entry("named-otherwise", 10),
    ]
    assert together(files, today="20261120") == [files[:2]]


def test_a_file_put_together_does_not_grow_without_bound() -> None:
    files = [entry(f"20261119T10000{n}-1", 60 * 2**20) for n in range(9)]
    assert [len(group) for group in together(files, today="20261120")] == [5, 4]


def test_files_written_before_a_column_existed_can_be_put_together(tmp_path, fill, clock) -> None:
    """Older files lack the columns of reviews."""
    import duckdb

    fill(tmp_path, 2, 2)
    places = Places.of(tmp_path)
    (first, _) = sorted(places.sealed.iterdir())
    with duckdb.connect() as db:
        db.execute(
            f"COPY (SELECT * EXCLUDE (reviewer, tags, skipped) FROM '{first}') "
            f"TO '{first}.x' (FORMAT parquet)"
        )
    Path(f"{first}.x").replace(first)
    places.manifest.unlink()
    assert seal(tmp_path).problems == ()
    assert compact(tmp_path, clock=clock).files_together == 2
    assert Log(tmp_path).query("SELECT count(*), count(reviewer) FROM events").rows == [(4, 0)]


def test_a_damaged_file_is_set_aside_and_the_rest_put_together(
    tmp_path, fill, clock, ids_in
) -> None:
    fill(tmp_path, 2, 2, 2)
    victim = Places.of(tmp_path).sealed / sealed(tmp_path)[0]
    victim.write_bytes(b"damaged" + victim.read_bytes()[7:])
    done = compact(tmp_path, clock=clock)
    assert done.files_together == 2
    assert sum(ids_in(tmp_path).values()) == 4
    assert f"{victim.name} is in quarantine" in " ".join(Log(tmp_path).problems())


def test_what_lies_in_quarantine_goes_with_the_rest(tmp_path, fill, clock) -> None:
    fill(tmp_path, 40)
    (victim,) = Places.of(tmp_path).sealed.iterdir()
    victim.write_bytes(b"damaged")
    check(tmp_path)
    assert enforce(tmp_path, Keep(rows_days=30), clock=clock).files_removed == 0
    clock.advance((datetime.now(UTC) - clock.utc() + 31 * DAY).total_seconds())
    assert enforce(tmp_path, Keep(rows_days=30), clock=clock).files_removed == 1
    assert not list(Places.of(tmp_path).quarantine.iterdir())
    assert Log(tmp_path).problems() == ()


def test_nothing_is_removed_under_a_reader(tmp_path, fill, clock) -> None:
    fill(tmp_path, 40, 1)
    log = Log(tmp_path)
    with log._opened() as (db, _):
        done = enforce(tmp_path, Keep(rows_days=30), clock=clock)
        assert (done.rows, len(done.retired)) == (2, 1)
        assert db.execute("SELECT count(*) FROM events").fetchone() == (4,)
        assert log.counts()[0].rows == 2
    assert len(sealed(tmp_path)) == 2
    assert enforce(tmp_path, Keep(rows_days=30), clock=clock).retired == ()
    assert len(sealed(tmp_path)) == 1


def test_a_file_written_anew_survives_the_loss_of_the_manifest(
    tmp_path, fill, clock, ids_in
) -> None:
    fill(tmp_path, 2, 2, 9)
    compact(tmp_path, clock=clock)
    enforce(tmp_path, Keep(inputs_days=7), clock=clock)
    for damaged in (None, b"{broken"):
        manifest = Places.of(tmp_path).manifest
        manifest.unlink() if damaged is None else manifest.write_bytes(damaged)
        assert ids_in(tmp_path) == ids(6)
        seal(tmp_path)
        assert ids_in(tmp_path) == ids(6)
        assert inputs(tmp_path) == {True: 4, False: 2}


def test_an_older_manifest_put_back_loses_and_doubles_nothing(
    tmp_path, fill, clock, ids_in
) -> None:
    fill(tmp_path, 2, 2, 1)
    older = Places.of(tmp_path).manifest.read_bytes()
    compact(tmp_path, clock=clock)
    Places.of(tmp_path).manifest.write_bytes(older)
    seal(tmp_path)
    assert ids_in(tmp_path) == ids(6)
    assert Log(tmp_path).problems() == ()


def steps(folder: Path, clock, files: Files) -> None:
    enforce(folder, Keep(rows_days=30, inputs_days=7), clock=clock, files=files)
    compact(folder, clock=clock, files=files)


def walk(tmp_path, fill, clock, ids_in, faults, *, every: int) -> int:
    """Meet a fault at the first call, the second, …; after a clean run all is as it should be."""
    at, reached = 0, True
    while reached:
        at += every
        folder = tmp_path / str(at)
        fill(folder, 40, 10, 2, 2, 1)
        files = faults(at)
        with suppress(type(files.fault)):
            steps(folder, clock, files)
        files.bury()
        reached = files.reached()
        found = ids_in(folder)
        assert set(found.values()) == {1}, f"fault at call {at}"
        assert set(ids(10) - ids(2)) <= set(found), f"fault at call {at}"
        assert seal(folder).problems == (), f"fault at call {at}"
        steps(folder, clock, Files())
        assert ids_in(folder) == ids(10) - ids(2), f"fault at call {at}"
        assert inputs(folder) == {True: 6, False: 2}, f"fault at call {at}"
        assert len(sealed(folder)) == 3, f"fault at call {at}"
        assert Log(folder).problems() == (), f"fault at call {at}"
    return at


@pytest.mark.parametrize("half", [False, True])
def test_a_run_that_dies_is_finished_by_the_next(
    tmp_path, fill, clock, ids_in, *, faulty_files, killed, half
) -> None:
    calls = walk(
        tmp_path, fill, clock, ids_in, lambda at: faulty_files(at, killed(), half=half), every=7
    )
    assert calls > 40


def test_errors_are_made_good_by_the_next_run(tmp_path, fill, clock, ids_in, faulty_files) -> None:
    full = OSError(28, "No space left on device")
    calls = walk(tmp_path, fill, clock, ids_in, lambda at: faulty_files(at, full, lasts=2), every=7)
    assert calls > 40


def test_lineage_is_in_the_file_itself(tmp_path, fill, clock) -> None:
    from seatrial.records.manifest import inspect

    fill(tmp_path, 2, 2)
    names = sealed(tmp_path)
    compact(tmp_path, clock=clock)
    (merged,) = sealed(tmp_path)
    found = inspect(Places.of(tmp_path), merged, "unknown")
    assert isinstance(found, Sealed)
    assert found.covers == tuple(name.replace("parquet", "ndjson") for name in names)
    assert found.generation > 0


def test_the_lines_of_a_segment_that_is_not_sealed_are_not_touched(
    tmp_path, fill, clock, make_record
) -> None:
    fill(tmp_path, 40)
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(9)])
        enforce(tmp_path, Keep(rows_days=30), clock=clock)
        (segment,) = Places.of(tmp_path).open.iterdir()
        assert len(lines.read(segment.read_bytes()).bodies) == 1
