from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.gap.labelfree.verdict import (
    EVAL_ROWS_MIN,
    FOREIGN_MAX,
    HALF_WIDTH_MAX,
    ROWS_MIN,
    Facts,
    bounds,
    evenness,
    mixed,
    refusals,
)

FINE = {"eval_rows": 1_000, "rows": 500, "foreign": 0.0, "learnt": True}

shares = st.floats(0.0, 1.0)


def test_where_nothing_speaks_against_it_a_number_is_shown():
    """Each limit is itself within bounds."""
    assert refusals(Facts(**FINE)) == []
    edge = {"eval_rows": EVAL_ROWS_MIN, "rows": ROWS_MIN, "foreign": FOREIGN_MAX}
    assert refusals(Facts(**FINE | edge, half_width=HALF_WIDTH_MAX)) == []


@pytest.mark.parametrize(
    ("facts", "reason", "words"),
    [
        ({"foreign": 0.31}, "language", "31 % of traffic is in languages the model was never"),
        ({"eval_rows": 149}, "few-rows", "149 eval rows are too few (of 150)"),
        ({"rows": 49}, "few-rows", "49 production rows are too few (of 50)"),
        ({"learnt": False}, "few-stresses", "too few spoilt versions"),
        ({"evenness": 0.5}, "collapse", "nearly all answers are the same"),
        ({"support": 0.2, "least_support": 0.5}, "support", "only 20 % of an input"),
        ({"loss": 0.4, "worst": 0.3}, "beyond-stress", "a loss of 40 points"),
        ({"half_width": 0.13}, "too-wide", "±13 points"),
    ],
)
def test_each_reason_alone_refuses_and_says_why(facts, reason, words):
    """In words that name what was seen."""
    ((found, why),) = refusals(Facts(**FINE | facts))
    assert found == reason
    assert words in why


def test_all_reasons_are_told_the_gravest_first():
    """A reader sees every one of them."""
    worst = Facts(
        eval_rows=10,
        rows=5,
        foreign=0.9,
        learnt=False,
        evenness=0.1,
        support=0.0,
        least_support=0.9,
        loss=0.5,
        worst=0.1,
        half_width=0.4,
    )
    reasons = [reason for reason, _ in refusals(worst)]
    assert reasons[0] == "language"
    assert len(reasons) == len(set(reasons)) == 7
    assert (
        "10 eval rows are too few (of 150), 5 production rows" in dict(refusals(worst))["few-rows"]
    )


@given(shares, shares, shares)
def test_bounds_hold_whatever_the_unknown_rows_turn_out_to_be(accuracy, half, unknown):
    """Any accuracy of the unknown share, with any known one inside its interval, lies between."""
    low, high = bounds((accuracy, half), unknown)
    assert 0.0 <= low <= high <= 1.0 + 1e-12
    for there in (0.0, 0.5, 1.0):
        assert low - 1e-12 <= (1 - unknown) * accuracy + unknown * there <= high + 1e-12


@given(shares, st.floats(0.0, 0.2), shares, shares)
def test_more_foreign_rows_never_promise_more(accuracy, half, foreign, chance):
    """What a model gets right of a language it does not know is no more than of one it knows."""
    whole, width = mixed((accuracy, half), foreign, chance)
    assert whole <= accuracy + 1e-12
    assert width >= 0.0
    assert mixed((accuracy, half), 0.0, chance) == (accuracy, half)


def test_answers_that_are_all_the_same_are_not_even():
    """Whatever eval looked like; where eval has one answer only, nothing is lost."""
    assert evenness(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == 0.0
    assert evenness(np.array([1.0]), np.array([1.0])) == 1.0
