from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatrial.core.errors import EnvironmentMismatchError, UsageError
from seatrial.records.deletion import Subject, delete, finish
from seatrial.records.files import Files
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.record import Feedback
from seatrial.records.reviewing import Plan, ReviewSample
from seatrial.records.sealing import seal

LATER = datetime(2026, 11, 21, tzinfo=UTC)
ANN = Subject("customer", "42")


@pytest.fixture
def put(tmp_path, make_record):
    """Write one row per customer, sealed or not."""

    def write(*customers, first: int = 0, sealed: bool = True, folder=tmp_path, **fields) -> None:
        with LogWriter(folder) as writer:
            writer.append(
                make_record(
                    first + n, input={"customer": who, "text": f"secret of {who}"}, **fields
                )
                for n, who in enumerate(customers)
            )
        if sealed:
            assert seal(folder).problems == ()

    return write


def bytes_of(folder: Path) -> bytes:
    places = Places.of(folder)
    return b"".join(path.read_bytes() for path in places.root.rglob("*") if path.is_file())


def unpacked(folder: Path) -> str:
    return str(Log(folder).query("SELECT * FROM events").rows)


def test_every_row_of_a_subject_goes_whatever_type_the_value_has(tmp_path, put, ids_in) -> None:
    put(42, "42", 43)
    put(1, 2, first=3)
    done = delete(tmp_path, [ANN])
    assert (done.rows, done.files, done.waiting, done.problems) == (2, 1, 0, ())
    assert ids_in(tmp_path) == {"r2": 1, "r3": 1, "r4": 1}
    assert "secret of 42" not in unpacked(tmp_path)
    assert Log(tmp_path).problems() == ()
    assert delete(tmp_path, [ANN]).rows == 0


def test_what_was_said_of_the_rows_goes_with_them_and_later_too(tmp_path, put, ids_in) -> None:
    put(42, 43)

    def say(number: int) -> None:
        with LogWriter(tmp_path) as writer:
            writer.append([Feedback(id=f"r{number}", time=LATER, label=f"label {number}")])
        seal(tmp_path)

    say(0)
    say(1)
    assert delete(tmp_path, [ANN]).rows == 2
    say(0)
    assert "label 0" not in unpacked(tmp_path)
    assert Log(tmp_path).query("SELECT label FROM feedback").rows == [('"label 1"',)]


def test_rows_that_come_late_are_neither_shown_nor_sealed(tmp_path, put, ids_in) -> None:
    put(1)
    put(42, 43, first=1, sealed=False)
    done = delete(tmp_path, [ANN])
    assert (done.rows, done.waiting) == (0, 1)
    assert ids_in(tmp_path) == {"r0": 1, "r2": 1}
    assert seal(tmp_path).problems == ()
    assert ids_in(tmp_path) == {"r0": 1, "r2": 1}
    assert b"secret of 42" not in bytes_of(tmp_path)
    put(42, first=5)
    assert ids_in(tmp_path) == {"r0": 1, "r2": 1}


def test_who_comes_back_after_it_is_somebody_new(tmp_path, put, ids_in) -> None:
    put(42)
    delete(tmp_path, [ANN])
    put(42, first=1, time=datetime.now(UTC) + timedelta(days=1))
    assert ids_in(tmp_path) == {"r1": 1}


def test_a_request_goes_by_its_id_with_all_its_rows(tmp_path, put, ids_in) -> None:
    put("a", "b", "c")
    put("d", first=1, row=1)
    assert delete(tmp_path, [Subject("id", "r1")]).rows == 2
    assert ids_in(tmp_path) == {"r0": 1, "r2": 1}


def test_rows_go_by_the_key_that_their_caller_showed(tmp_path, put, ids_in) -> None:
    put("a", key_id="k1")
    put("b", first=1, key_id="k2")
    assert delete(tmp_path, [Subject("key_id", "k1")]).rows == 1
    assert ids_in(tmp_path) == {"r1": 1}


@pytest.mark.parametrize(
    ("key", "value", "rows"),
    [
        ("/user/id", "7", 1),
        ("/tags/1", "b", 1),
        ("a/b", "x", 1),
        ("it's", "1.5", 1),
        ("yes", "true", 1),
        ("nothing", "null", 0),
        ("/user", "7", 0),
        ("customer", "42", 0),
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_fields_are_found_alike_in_sealed_and_unsealed_rows(
    tmp_path, make_record, *, key, value, rows, sealed
) -> None:
    given = {
        "user": {"id": 7},
        "tags": ["a", "b"],
        "a/b": "x",
        "it's": 1.5,
        "yes": True,
        "nothing": None,
    }
    with LogWriter(tmp_path) as writer:
        writer.append([make_record(0, input=given), make_record(1, input="a text")])
    if sealed:
        seal(tmp_path)
    done = delete(tmp_path, [Subject(key, value)])
    assert (done.rows, done.waiting) == ((rows, 0) if sealed else (0, rows))


def test_what_is_kept_of_the_request_to_delete_names_nobody(tmp_path, put) -> None:
    put("ann@example.org")
    delete(tmp_path, [Subject("customer", "ann@example.org")])
    assert b"ann@example.org" not in bytes_of(tmp_path)
    assert b"customer" in Places.of(tmp_path).deleted.read_bytes()


def test_drawn_rows_that_were_deleted_are_shown_to_no_reviewer(tmp_path, put) -> None:
    put(42, 43)
    with ReviewSample(tmp_path) as sample:
        sample.draw(Plan(first_share=1))
        delete(tmp_path, [ANN])
        assert [row.id for row in sample.rows()] == ["r1"]
        assert [row.id for row in sample.rows(limit=1)] == ["r1"]


def test_a_damaged_file_is_set_aside_and_said_to_be_unsearched(tmp_path, put, ids_in) -> None:
    put(42)
    put(42, first=1)
    victim, _ = sorted(Places.of(tmp_path).sealed.iterdir())
    victim.write_bytes(victim.read_bytes()[:-20])
    done = delete(tmp_path, [ANN])
    assert done.rows == 1
    assert done.quarantined == (victim.name,)
    assert ids_in(tmp_path) == {}


def test_a_file_that_somebody_reads_is_said_to_be_there_still(tmp_path, put) -> None:
    put(42, 43)
    with Log(tmp_path)._opened():
        assert len(delete(tmp_path, [ANN], patience_s=0).retired) == 1
    assert delete(tmp_path, [ANN]).retired == ()
    assert len(list(Places.of(tmp_path).sealed.iterdir())) == 1


def test_a_keeper_that_does_not_end_is_an_error(tmp_path, put) -> None:
    put(42)
    files = Files()
    lock = files.open_lock(Places.of(tmp_path).keeper_lock)
    assert files.lock(lock)
    with pytest.raises(EnvironmentMismatchError, match="nothing was deleted"):
        delete(tmp_path, [ANN], patience_s=0)
    files.close(lock)


def test_a_folder_without_a_log_has_nothing_to_delete(tmp_path) -> None:
    assert delete(tmp_path, [ANN]).rows == 0
    assert finish(tmp_path).rows == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "customer", "=42", "customer="])
def test_a_subject_has_a_key_and_a_value(text) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        Subject.parse(text)


def test_nobody_is_no_subject(tmp_path) -> None:
    with pytest.raises(UsageError, match="no subject"):
        delete(tmp_path, [])


def test_a_deletion_that_died_is_finished_by_the_keeper(tmp_path, put, ids_in, killed) -> None:
    class Deadly(Files):
        def rename(self, source: Path, target: Path) -> None:
            if target.suffix == ".parquet":
                raise killed
            super().rename(source, target)

    put(42, 43)
    with pytest.raises(killed):
        delete(tmp_path, [ANN], files=Deadly())
    assert "secret of 42" in unpacked(tmp_path)
    assert finish(tmp_path).rows == 1
    assert "secret of 42" not in unpacked(tmp_path)
    assert finish(tmp_path).rows == 0


def test_a_manifest_that_is_lost_in_the_middle_brings_nobody_back(
    tmp_path, put, ids_in, killed
) -> None:
    """The old file lies beside the new one when the manifest is found damaged."""

    class Deadly(Files):
        def remove(self, path: Path) -> None:
            if path.suffix == ".parquet":
                raise killed
            super().remove(path)

    put(42)
    with pytest.raises(killed):
        delete(tmp_path, [ANN], files=Deadly())
    Places.of(tmp_path).manifest.write_bytes(b"{broken")
    assert ids_in(tmp_path) == {}
    seal(tmp_path)
    assert ids_in(tmp_path) == {}
    assert len(list(Places.of(tmp_path).sealed.iterdir())) == 1
