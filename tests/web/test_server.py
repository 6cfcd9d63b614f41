"""What ``seatrial review`` does with files and folders."""

from __future__ import annotations

import csv
import stat

import pytest

from seatrial.core.errors import DataError, EnvironmentMismatchError, SettingsError, UsageError
from seatrial.web.server import Review


@pytest.fixture
def folder(make_folder):
    return make_folder([f"text {place}" for place in range(12)], ["positive"] * 12)


@pytest.fixture
def opened(folder):
    with Review(folder.path) as review:
        yield review


def lines(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def filled(path, label="neutral", reviewer="anna"):
    """Fill in every line of a sheet."""
    rows = lines(path)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": label, "reviewer": reviewer} for row in rows)


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_what_is_exported_is_private_and_whole(opened, tmp_path, name) -> None:
    done = opened.export(tmp_path / name, answers=False)
    assert done.rows == 12
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".*.new"))
    assert "positive" not in (tmp_path / name).read_text()
    opened.export(tmp_path / name, answers=True)
    assert "positive" in (tmp_path / name).read_text()


def test_a_sheet_that_was_filled_in_comes_back(opened, folder, tmp_path) -> None:
    sheet = tmp_path / "out.csv"
    opened.export(sheet, answers=False)
    filled(sheet)
    done = opened.take(sheet)
    assert (done.labels, done.unchanged, done.reviewers) == (12, 0, ("anna",))
    assert {one.label for one in folder.labels()["anna"].values()} == {"neutral"}


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_labels_go_out_and_come_back_the_same(folder, tmp_path, name) -> None:
    with Review(folder.path) as review:
        review.export(tmp_path / "fill.csv", answers=False)
        filled(tmp_path / "fill.csv")
        review.take(tmp_path / "fill.csv")
    with Review(folder.path) as review:
        review.export(tmp_path / name, answers=False)
        again = review.take(tmp_path / name)
    assert (again.labels, again.unchanged) == (0, 12)


def test_a_mistake_imports_nothing(opened, folder, tmp_path) -> None:
    sheet = tmp_path / "out.csv"
    opened.export(sheet, answers=False)
    filled(sheet)
    sheet.write_text(sheet.read_text().replace("neutral", "neutrl", 1))
    with pytest.raises(DataError, match="nothing was imported") as refused:
        opened.take(sheet)
    assert "none of the 3 known ones" in refused.value.message
    assert folder.labels() == {}


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.jsonl"])
def test_other_endings_are_refused_both_ways(opened, tmp_path, name) -> None:
    (tmp_path / name).write_text("kept")
    for work in (lambda path: opened.export(path, answers=False), opened.take):
        with pytest.raises(UsageError, match=r"accepted are \.csv"):
            work(tmp_path / name)
    assert (tmp_path / name).read_text() == "kept"


def test_files_that_are_not_there_or_not_text_are_refused(opened, tmp_path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        opened.take(tmp_path / "none.csv")
    (tmp_path / "bad.csv").write_bytes(b"id,row,reviewer,label\n\xff\xfe\n")
    with pytest.raises(DataError, match="cannot be read"):
        opened.take(tmp_path / "bad.csv")
    with pytest.raises(EnvironmentMismatchError, match="cannot be written"):
        opened.export(tmp_path / "nowhere" / "out.csv", answers=False)


def test_a_folder_without_settings_is_no_project(tmp_path) -> None:
    with pytest.raises(SettingsError):
        Review(tmp_path)
