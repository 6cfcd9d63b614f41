from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.records import manifest
from seatrial.records.files import Files
from seatrial.records.log import LogWriter
from seatrial.records.manifest import Manifest, Quarantined
from seatrial.records.places import Places
from seatrial.records.sealing import seal


@pytest.fixture
def sealed(tmp_path: Path, make_record) -> Path:
    """A folder with three sealed files of one row each."""
    for number in range(3):
        with LogWriter(tmp_path) as writer:
            writer.append([make_record(number)])
        seal(tmp_path)
    return tmp_path


def read(folder: Path) -> tuple[Manifest, str]:
    return manifest.read(Places.of(folder), files=Files())


def test_a_folder_without_a_log_has_an_empty_manifest(tmp_path: Path) -> None:
    assert read(tmp_path) == (Manifest(), "")


def test_it_lists_every_sealed_file_with_its_rows_and_digest(sealed: Path) -> None:
    listed, problem = read(sealed)
    assert problem == ""
    assert [entry.rows for entry in listed.files] == [1, 1, 1]
    assert [manifest.damage(entry, Places.of(sealed)) for entry in listed.files] == ["", "", ""]


def test_any_flipped_byte_is_noticed_and_the_list_rebuilt_from_the_files(sealed: Path) -> None:
    path = Places.of(sealed).manifest
    whole = path.read_bytes()
    expected = {(entry.name, entry.sha256, entry.rows) for entry in read(sealed)[0].files}
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(bytes(damaged))
        rebuilt, problem = read(sealed)
        assert "damaged" in problem
        assert {(entry.name, entry.sha256, entry.rows) for entry in rebuilt.files} == expected


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]"])
def test_a_manifest_of_garbage_is_rebuilt_too(sealed: Path, content: bytes) -> None:
    Places.of(sealed).manifest.write_bytes(content)
    rebuilt, problem = read(sealed)
    assert len(rebuilt.files) == 3
    assert problem


def test_a_lost_manifest_is_rebuilt(sealed: Path) -> None:
    Places.of(sealed).manifest.unlink()
    assert len(read(sealed)[0].files) == 3


def test_rebuilding_leaves_out_a_file_whose_segment_still_counts(sealed: Path) -> None:
    places = Places.of(sealed)
    first = read(sealed)[0].files[0]
    places.closed.mkdir(exist_ok=True)
    (places.closed / first.segment).write_bytes(b"")
    places.manifest.unlink()
    assert first.name not in {entry.name for entry in read(sealed)[0].files}


def test_rebuilding_sets_aside_what_cannot_be_read(sealed: Path) -> None:
    places = Places.of(sealed)
    first = read(sealed)[0].files[0]
    (places.sealed / first.name).write_bytes(b"PAR1 not really")
    places.manifest.unlink()
    rebuilt, _ = read(sealed)
    assert len(rebuilt.files) == 2
    assert [entry.name for entry in rebuilt.quarantined] == [first.name]


def test_a_file_in_quarantine_counts_no_more_and_is_named_once(sealed: Path) -> None:
    listed, _ = read(sealed)
    name = listed.files[0].name
    following = listed.with_quarantined(Quarantined(name=name, why="a"))
    following = following.with_quarantined(Quarantined(name=name, why="b"))
    assert name not in {entry.name for entry in following.files}
    assert [entry.why for entry in following.quarantined] == ["b"]
    assert following.generation == listed.generation + 2
