from __future__ import annotations

from pathlib import Path

from seatrial.records.places import Places


def test_all_that_is_written_about_a_folder_lies_under_its_own_hidden_one(tmp_path: Path) -> None:
    places = Places.of(tmp_path)
    root = tmp_path / ".seatrial" / "log"
    parts = [places.open, places.closed, places.sealed, places.quarantine, places.manifest]
    assert all(part.parent == root for part in parts)
    assert len(set(parts)) == len(parts)


def test_a_relative_folder_is_made_absolute_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Places.of(Path()).root == tmp_path / ".seatrial" / "log"
