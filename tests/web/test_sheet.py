"""A sheet goes out and comes back the same, and runs nothing in between."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seatrial.core.errors import DataError
from seatrial.records.reviewing import ReviewLabel, ReviewRow
from seatrial.web.sheet import CELL_MAX, guarded, read, unguarded, write

LISTED = json.loads((Path(__file__).parent / "hostile.json").read_text())
HOSTILE = [text for text in LISTED["texts"] if isinstance(text, str)]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(value="a text", *, number=0, **labels) -> ReviewRow:
    said = {
        name: ReviewLabel(id=f"id{number}", row=number, reviewer=name, time=NOON, **given)
        for name, given in labels.items()
    }
    return ReviewRow(
        id=f"id{number}",
        row=number,
        turn=0.5,
        time=NOON,
        input=value,
        output="secret answer",
        confidence=0.875,
        status="answered",
        stratum="answered / known",
        probability=0.01,
        descriptors=None,
        labels=said,
    )


def sheet_of(*rows, answers=False) -> str:
    file = io.StringIO(newline="")
    write(file, rows, answers=answers)
    return file.getvalue()


def back(text):
    return list(read(io.StringIO(text, newline="")))


def cells(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_without_a_label_is_a_line_to_fill_in_and_says_nothing() -> None:
    text = sheet_of(row())
    (line,) = cells(text)
    assert (line["id"], line["row"], line["label"], line["input"]) == ("id0", "0", "", "a text")
    assert line["probability"] == "0.01"
    assert "secret" not in text
    assert "0.875" not in text
    assert back(text) == []


def test_answers_are_told_only_where_they_are_asked_for() -> None:
    (line,) = cells(sheet_of(row(), answers=True))
    assert (line["output"], line["confidence"]) == ("secret answer", "0.875")


@pytest.mark.parametrize(
    "given",
    [
        {"label": "positive"},
        {"label": "=1+1", "tags": ("@tag", "wrong language")},
        {"label": "'=quoted"},
        {"label": -1.5},
        {"label": 3},
        {"label": True},
        {"label": ""},
        {"label": 'two\nlines, "quoted"; and\ttabbed'},
        {"skipped": True},
        {"tags": ("only a tag",)},
    ],
)
def test_a_label_comes_back_as_it_went(given) -> None:
    (said,) = back(sheet_of(row(number=7, **{"=anna": given})))
    assert (said.id, said.row, said.reviewer) == ("id7", 7, "=anna")
    label = given.get("label")
    if isinstance(label, str) or label is None:
        assert said.text == label
    else:
        assert said.text == {-1.5: "-1.5", 3: "3", True: "true"}[label]
    assert said.tags == given.get("tags", ())
    assert said.skipped is given.get("skipped", False)


@pytest.mark.parametrize("text", [*LISTED["formulas"], *HOSTILE])
def test_fault_S6_a_spreadsheet_runs_nothing_that_users_wrote(text) -> None:
    written = sheet_of(row(text, anna={"label": text, "tags": (text[:20].replace(";", ""),)}))
    for line in cells(written):
        for cell in line.values():
            bare = cell.lstrip(" \t\r\n\x00")
            is_number = bare.lstrip("+-").replace(".", "").isdigit()
            assert is_number or not bare.startswith(("=", "+", "-", "@")), cell
        assert not any(ord(char) < 32 and char not in "\n\t" for char in line["input"])
        assert "\u202e" not in line["input"]
    assert unguarded(guarded(text)) == text


def test_a_long_text_is_cut_to_what_a_spreadsheet_holds() -> None:
    (line,) = cells(sheet_of(row("x" * 50_000)))
    assert len(line["input"]) < CELL_MAX + 100
    assert line["input"].endswith("… 18000 more characters")


def test_sheets_from_elsewhere_are_separated_by_something_else() -> None:
    for separator in ";\t":
        (said,) = back(
            separator.join(["id", "row", "reviewer", "label"])
            + f"\nid1{separator}0{separator}anna{separator}yes\n"
        )
        assert (said.id, said.reviewer, said.text) == ("id1", "anna", "yes")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column id"),
        ("id,row,reviewer\n", "no column label"),
        ("id,row,reviewer,label\nid1,zero,anna,yes\n", "line 2: row is 'zero'"),
        ("id,row,reviewer,label\nid1,-1,anna,yes\n", "line 2: row is '-1'"),
        ("id,row,reviewer,label\nid1,0,anna,yes,more\n", "more cells"),
        ("id,row,reviewer,label,skipped\nid1,0,anna,,perhaps\n", "skipped is 'perhaps'"),
        ('id,row,reviewer,label\nid1,0,anna,"yes\n', "not CSV"),
    ],
)
def test_what_is_no_sheet_says_where_and_why(text, why) -> None:
    with pytest.raises(DataError) as refused:
        back(text)
    assert why in str(refused.value)
