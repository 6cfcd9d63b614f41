"""The figure beside the page is honest at every look, and says what more labels bring."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seatrial.records.reviewing import ReviewLabel
from seatrial.stats.sequences import anytime_mean
from seatrial.web.sampled import Sampled
from seatrial.web.standing import FEW, agreed, agreement_lines, narrower, standing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(place, output="a", label=None, *, status="answered", probability=0.1, **more) -> Sampled:
    given = dict(more) if label is None else {"anna": label, **more}
    said = {
        name: ReviewLabel(id=str(place), reviewer=name, label=one, time=NOON)
        for name, one in given.items()
    }
    return Sampled(
        id=str(place),
        row=0,
        turn=place / 1000,
        time=NOON,
        status=status,
        output=output,
        confidence=0.5,
        stratum="s",
        probability=probability,
        labels=said,
    )


def test_few_labels_are_no_figure() -> None:
    found = standing([row(place, label="a") for place in range(FEW - 1)], metric="accuracy")
    assert (found.headline, found.narrower) == ("", [])
    assert found.lines == ["9 of 10 labels with which a figure begins to mean something."]


def test_rows_weigh_by_the_chance_they_had() -> None:
    rare = [row(place, label="a", probability=1.0) for place in range(50)]
    usual = [row(100 + place, label="b", probability=0.25) for place in range(50)]
    found = standing([*rare, *usual], metric="accuracy")
    assert found.headline == "20.0 %"
    ends = anytime_mean([1.0] * 50 + [0.0] * 50, weights=[1.0] * 50 + [4.0] * 50)
    assert f"{100 * ends.low:.1f} to {100 * ends.high:.1f} %" in found.lines[1]
    assert "however often one looks" in found.lines[1]


def test_requests_without_an_answer_count_as_wrong() -> None:
    rows = [row(place, label="a") for place in range(10)]
    rows += [row(10 + place, label="a", status="abstained") for place in range(10)]
    found = standing(rows, metric="accuracy")
    assert found.headline == "50.0 %"
    assert found.lines[2].startswith("10 of these rows had no answer")


def test_where_reviewers_differ_most_of_them_count() -> None:
    rows = [row(place, label="a", ben="b", zoe="b") for place in range(10)]
    assert standing(rows, metric="accuracy").headline == "0.0 %"


def test_numbers_are_scored_within_the_tolerance() -> None:
    rows = [row(place, output=100.0, label=103.0 if place % 2 else 120.0) for place in range(20)]
    assert standing(rows, metric="within:5").headline == "50.0 %"


def test_more_labels_narrow_it_as_far_as_rows_are_left() -> None:
    steps = narrower(0.5, [1.0] * 100, left=300)
    assert [step.more for step in steps] == [25, 50, 100]
    assert [step.points for step in steps] == sorted((step.points for step in steps), reverse=True)
    assert narrower(0.5, [1.0] * 100, left=10) == []
    unequal = narrower(0.5, [1.0] * 50 + [9.0] * 50, left=300)
    assert unequal[0].points > steps[0].points


def test_agreement_is_told_once_there_is_some() -> None:
    alone = [row(place, label="a") for place in range(30)]
    assert "one in five" in agreement_lines(agreed(alone))[0]
    two = [row(place, label="a" if place % 2 else "b", ben="a") for place in range(8)]
    assert agreement_lines(agreed(two))[1] == "Too few to say more."
    many = [
        row(place, label="ab"[place % 2], ben="ab"[place % 2 if place else 1])
        for place in range(40)
    ]
    lines = agreement_lines(agreed(many))
    assert lines[0].startswith("39 of 40 pairs of labels agree")
    assert "Cohen's kappa 0.95 (" in lines[1]
    same = [row(place, label="a", ben="a") for place in range(40)]
    assert "beyond chance, nothing is known" in agreement_lines(agreed(same))[1]


def test_types_that_can_never_be_equal_are_an_error_not_a_zero() -> None:
    from seatrial.core.errors import DataError

    with pytest.raises(DataError):
        standing([row(place, output=1, label="1") for place in range(20)], metric="accuracy")
