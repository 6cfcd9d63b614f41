"""``seatrial review`` on a folder of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seatrial.records.log import LogWriter
from seatrial.records.record import Record
from seatrial.records.sealing import seal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def logged(folder):
    """A small project with a sealed log of 300 rows."""
    rows = [
        Record(
            id=f"{place:040x}",
            time=NOON,
            origin="user",
            release="words@3f2a",
            input=f"good thing {place}",
            output="yes",
            confidence=0.9,
            status="answered",
        )
        for place in range(300)
    ]
    with LogWriter(folder) as writer:
        writer.append(rows)
    assert seal(folder).problems == ()
    return folder


def test_a_sample_goes_out_and_comes_back(logged, seatrial, tmp_path) -> None:
    sheet = tmp_path / "sheet.csv"
    ended = seatrial("review", logged, "--size", 300, "--export", sheet, "--json")
    assert (ended.status, ended.document["format"]) == (0, "CSV")
    assert ended.document["rows"] == 300
    text = sheet.read_text(encoding="utf-8-sig")
    sheet.write_text(text.replace('"0","","",', '"0","","no",'))
    refused = seatrial("review", logged, "--import", sheet)
    assert refused.status == 2
    assert "nothing was imported: line 2: the reviewer is empty" in refused.err
    taken = seatrial("review", logged, "--import", sheet, "--reviewer", "anna")
    assert (taken.status, taken.out) == (0, "300 labels by anna; 0 were known already\n")
    again = seatrial("review", logged, "--import", sheet, "--reviewer", "anna", "--json")
    assert again.document == {"labels": 0, "unchanged": 300, "reviewers": ["anna"]}


def test_out_and_in_at_once_is_refused(logged, seatrial) -> None:
    ended = seatrial("review", logged, "--export", "a.csv", "--import", "b.csv")
    assert ended.status == 2
    assert "accepted is one of them" in ended.err
