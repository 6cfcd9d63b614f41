"""One stratum's mean, pinned by hand and against a regression done elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.stats.stratum import LEAST_WEIGHT, estimated


def test_equal_predictions_leave_the_plain_mean_and_its_variance():
    scores = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    part = estimated(scores, np.ones(5), np.full(5, 0.7), centre=0.7, size=50.0)
    assert part.mean == pytest.approx(0.6)
    # sum of squares 1.2 over n^2, times n / (n - 2) and what is left of 50
    assert part.variance == pytest.approx(1.2 / 25 * 5 / 3 * 0.9)


def test_a_slope_beyond_doubt_is_that_of_a_regression(rng):
    predictions = rng.random(400)
    scores = 0.2 + 0.5 * predictions + 0.02 * rng.normal(size=400)
    theirs = stats.linregress(predictions, scores)
    part = estimated(scores, np.ones(400), predictions, centre=0.5, size=1e9)
    assert part.slope == pytest.approx(theirs.slope, rel=1e-3)
    assert part.mean == pytest.approx(theirs.intercept + 0.5 * theirs.slope, abs=1e-3)
    assert part.variance == pytest.approx(0.02**2 / 400, rel=0.2)


def test_a_slope_that_chance_could_give_is_not_believed():
    predictions = np.tile([0.1, 0.9], 50)
    scores = np.repeat([0.0, 1.0], 50)  # as many right among the high as among the low
    part = estimated(scores, np.ones(100), predictions, centre=0.9, size=1e6)
    assert (part.slope, part.mean) == (0.0, 0.5)


def test_weights_are_those_of_the_draw():
    scores, drawn = np.tile([1.0, 0.0], 3), np.tile([3.0, 1.0], 3)
    part = estimated(scores, drawn, np.zeros(6), centre=0.0, size=1e6)
    assert part.mean == pytest.approx(0.75)


@given(st.integers(5, 60), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_no_row_counts_against_itself_and_all_give_the_mean(n, seed, centre):
    rng = np.random.default_rng(seed)
    predictions = rng.random(n)
    scores = np.clip(predictions + 0.05 * rng.normal(size=n), 0, 1)
    part = estimated(scores, 1 + rng.random(n), predictions, centre=centre, size=1e6)
    assert part.weights.sum() == pytest.approx(1.0)
    assert part.weights.min() >= LEAST_WEIGHT / (2 * n) - 1e-12
    assert part.weights @ scores == pytest.approx(part.mean)
    assert part.variance >= 0.0
