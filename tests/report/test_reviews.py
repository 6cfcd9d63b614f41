"""The section on reviews says which interval holds when, and what more reviews would give."""

import io

import msgspec
import pytest
from rich.console import Console

from seatrial.evidence.reviews import (
    ReviewInterval,
    ReviewNeed,
    ReviewPlan,
    Reviews,
    ReviewStratum,
)
from seatrial.report.html import render_html
from seatrial.report.reviews import review_sections
from seatrial.report.terminal import render_gap


@pytest.fixture
def reviewed_gap(gap):
    reviews = Reviews(
        labelled=200,
        answered=18_000,
        gain=1.08,
        intervals=(
            ReviewInterval(
                valid="one declared look", low=0.57, high=0.70, level=0.95,
                method="stratified PPI++",
            ),
            ReviewInterval(
                valid="whenever you look", low=0.52, high=0.73, level=0.95,
                method="beta-binomial confidence sequence",
            ),
        ),
        strata=(
            ReviewStratum(name="other language, <b>", share=0.25, n=50, accuracy=0.5),
            ReviewStratum(name="language of eval", share=0.75, n=150, accuracy=0.7),
        ),
        plans=(ReviewPlan(reviews=1000, declared_points=2.8, anytime_points=4.9),),
        needs=(
            ReviewNeed(points=3.0, declared=905, anytime=2_900),
            ReviewNeed(points=1.0, declared=6_100, anytime=None),
        ),
    )  # fmt: skip
    return msgspec.structs.replace(gap, reviews=reviews)


def test_each_interval_says_how_often_one_may_look(reviewed_gap):
    (section,) = review_sections(reviewed_gap)
    assert section.lines == (
        "200 of 18,000 answered requests are reviewed.",
        "57.0 to 70.0 %, valid at one declared look (95 %, stratified PPI++).",
        "52.0 to 73.0 %, valid whenever you look (95 %, beta-binomial confidence sequence).",
        "Strata and confidence make one label worth 1.08 of a plain random one.",
    )


def test_what_more_reviews_would_give_is_a_table(reviewed_gap):
    (section,) = review_sections(reviewed_gap)
    tables = dict(section.tables)
    assert tables["What so many reviews would give"].rows == (("1,000", "±2.8", "±4.9"),)
    assert tables["Reviews that a width needs"].rows[1] == ("±1", "6,100", "all")


def test_no_gain_is_not_spoken_of(reviewed_gap):
    plain = msgspec.structs.replace(reviewed_gap.reviews, gain=1.0, strata=())
    (section,) = review_sections(msgspec.structs.replace(reviewed_gap, reviews=plain))
    assert not any("worth" in line for line in section.lines)
    assert "Reviewed, by stratum" not in dict(section.tables)


def test_where_nothing_is_to_be_reviewed_nothing_is_said(gap):
    assert review_sections(gap) == ()


def test_the_terminal_shows_it(reviewed_gap):
    written = io.StringIO()
    render_gap(reviewed_gap, console=Console(file=written, width=100))
    assert "valid whenever you look" in written.getvalue()


def test_the_report_shows_it_escaped(trial, reviewed_gap):
    page = render_html(trial, reviewed_gap, plotlyjs="omit")
    assert "valid at one declared look" in page
    assert "other language, &lt;b&gt;" in page
