"""Who is shown which row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seatrial.core.errors import ConflictError
from seatrial.records.reviewing import ReviewLabel
from seatrial.web.sampled import OVERLAP, Sampled, drawn, pages, wanted

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHARED, ALONE = 0.0, 1.5 / (1 << 30)


def row(turn=ALONE, **labels) -> Sampled:
    said = {
        name: ReviewLabel(id="a", reviewer=name, label=label, skipped=label is None, time=NOON)
        for name, label in labels.items()
    }
    return Sampled(
        id="a",
        row=0,
        turn=turn,
        time=NOON,
        status="answered",
        output="x",
        confidence=0.5,
        stratum="s",
        probability=0.1,
        labels=said,
    )


@pytest.mark.parametrize("first", [True, False])
def test_nobody_sees_a_row_again(first) -> None:
    assert wanted(row(), "anna", first=first) is first
    assert not wanted(row(anna="x"), "anna", first=first)
    assert not wanted(row(anna=None), "anna", first=first)


def test_what_somebody_labelled_is_left_for_last_but_for_the_shared_rows() -> None:
    assert not wanted(row(ben="x"), "anna", first=True)
    assert wanted(row(ben="x"), "anna", first=False)
    assert wanted(row(SHARED, ben="x"), "anna", first=True)
    assert not wanted(row(SHARED, ben="x"), "anna", first=False)


def test_what_somebody_skipped_is_still_to_be_labelled() -> None:
    assert wanted(row(ben=None), "anna", first=True)


def test_one_row_in_five_is_shared() -> None:
    shared = sum(row(turn=place / 10_007).shared for place in range(10_007))
    assert 0.9 < shared / (10_007 / OVERLAP) < 1.1


def test_others_are_everybody_else() -> None:
    assert [one.reviewer for one in row(ben="x", anna="y", zoe="z").others("anna")] == [
        "ben",
        "zoe",
    ]


class Busy:
    """A sample that somebody else is drawing."""

    def draw(self) -> int:
        raise ConflictError("busy")

    def rows(self, *, limit=None, after=None):
        return []


def test_a_draw_by_somebody_else_is_as_good() -> None:
    assert drawn(Busy()) == {}
    assert list(pages(Busy())) == []
