"""An interval that is looked at after every batch misses the truth as seldom as it says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from seatrial.stats.intervals import wilson
from seatrial.stats.sequences import (
    CONCENTRATION,
    anytime_mean,
    anytime_proportion,
    anytime_sample_size,
)


def ever_missed(truth, batches, ends):
    """Say whether the interval of all batches so far ever misses the truth."""
    seen = []
    for batch in batches:
        seen.extend(batch)
        if not ends(seen).covers(truth):
            return True
    return False


@pytest.mark.parametrize("truth", [0.05, 0.63, 0.87, 0.99])
def test_daily_looks_rarely_ever_miss(rng, truth):
    runs = 60
    missed = 0
    for _ in range(runs):
        right = rng.binomial(20, truth, 90).cumsum()
        missed += any(
            not anytime_proportion(float(x), 20.0 * (day + 1)).covers(truth)
            for day, x in enumerate(right)
        )
    assert missed / runs <= 0.05


def test_wilson_looked_at_daily_misses_often(rng):
    missed = 0
    for _ in range(60):
        right = rng.binomial(20, 0.63, 90).cumsum()
        ends = [wilson(float(x), 20.0 * (day + 1)) for day, x in enumerate(right)]
        missed += any(not one.covers(0.63) for one in ends)
    assert missed / 60 > 0.2


def test_the_ends_are_where_the_wealth_reaches_its_limit():
    ends = anytime_proportion(126, 200)
    for p in (ends.low, ends.high):
        first, second = CONCENTRATION * p, CONCENTRATION * (1 - p)
        wealth = special.betaln(first + 126, second + 74) - special.betaln(first, second)
        assert wealth - 126 * math.log(p) - 74 * math.log1p(-p) == pytest.approx(math.log(20))


def test_expected_wealth_of_a_true_proportion_is_one():
    n, p = 30, 0.4
    x = np.arange(n + 1)
    chance = special.comb(n, x) * p**x * (1 - p) ** (n - x)
    first, second = CONCENTRATION * p, CONCENTRATION * (1 - p)
    wealth = special.betaln(first + x, second + n - x) - special.betaln(first, second)
    wealth -= x * math.log(p) + (n - x) * math.log1p(-p)
    assert chance @ np.exp(wealth) == pytest.approx(1.0)


def test_expected_wealth_of_a_true_draw_without_replacement_is_one(rng):
    right, wrong, n = 24, 16, 15
    population = np.repeat([1.0, 0.0], [right, wrong])
    missed = sum(
        not anytime_proportion(
            rng.choice(population, n, replace=False).sum(), n, population=40
        ).covers(0.6)
        for _ in range(200)
    )
    assert missed / 200 <= 0.05


def test_a_fixed_population_is_known_exactly_when_all_was_seen():
    assert anytime_proportion(6, 10, population=10).low == 0.6
    near = anytime_proportion(590, 990, population=1000)
    assert near.high - near.low <= 0.011


def test_it_pays_in_width_and_no_more_than_twice():
    for n in (50, 200, 1000):
        always, once = anytime_proportion(0.65 * n, n), wilson(0.65 * n, n)
        assert 1.3 < (always.high - always.low) / (once.high - once.low) < 2.0


def test_betting_on_zeros_and_ones_agrees_with_the_closed_form():
    scores = [1.0] * 130 + [0.0] * 70
    nearly = [*scores[:-1], 1e-9]  # no longer zeros and ones: the bets are made one by one
    closed, betting = anytime_mean(scores), anytime_mean(nearly)
    assert betting.low == pytest.approx(closed.low, abs=0.012)
    assert betting.high == pytest.approx(closed.high, abs=0.012)


def test_graded_scores_are_held_at_every_look_and_are_narrower(rng):
    missed = sum(
        ever_missed(0.6, rng.beta(6, 4, (5, 25)).tolist(), anytime_mean) for _ in range(20)
    )
    assert missed / 20 <= 0.05
    ends = anytime_mean(rng.beta(6, 4, 200))
    assert ends.high - ends.low < 0.6 * (0.73 - 0.52)


def test_unequal_weights_are_held_at_every_look(rng):
    missed = 0
    for _ in range(30):
        heavy = rng.random((6, 30)) < 0.5
        scores = (rng.random((6, 30)) < np.where(heavy, 0.8, 0.4)).astype(float)
        weights = np.where(heavy, 3.0, 1.0)
        seen = [
            anytime_mean(scores[:day].ravel(), weights=weights[:day].ravel()) for day in range(1, 7)
        ]
        missed += any(not one.covers(0.7) for one in seen)  # (3 x 0.8 + 0.4) / 4
    assert missed / 30 <= 0.07


def test_many_distinct_scores_are_rounded_outwards(rng):
    scores = rng.beta(6, 4, 2500)
    rounded, exact = anytime_mean(scores), anytime_mean(np.round(scores, 2))
    assert rounded.high - rounded.low < exact.high - exact.low + 0.003


def test_nothing_seen_is_nothing_known():
    assert (anytime_mean([]).low, anytime_mean([]).high) == (0.0, 1.0)


def test_the_sample_size_is_the_least_that_is_narrow_enough():
    n = anytime_sample_size(0.1, share=0.8)
    here, before = (anytime_proportion(0.8 * k, k) for k in (n, n - 1))
    assert here.high - here.low <= 0.1 < before.high - before.low


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 3000), st.floats(0, 1))
def test_holds_the_estimate_mirrors_and_narrows(n, share):
    right = round(share * n)
    ends, mirrored = anytime_proportion(right, n), anytime_proportion(n - right, n)
    assert 0.0 <= ends.low <= right / n <= ends.high <= 1.0
    assert ends.low == pytest.approx(1 - mirrored.high, abs=1e-6)
    more = anytime_proportion(2 * right, 2 * n)
    assert more.high - more.low <= ends.high - ends.low + 1e-9


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 400), st.floats(0, 1))
def test_what_is_refuted_is_everything_outside(n, share):
    """The wealth falls towards the mean and rises after it, so that the set is an interval."""
    right = round(share * n)
    grid = np.linspace(0.001, 0.999, 400)
    first, second = CONCENTRATION * grid, CONCENTRATION * (1 - grid)
    wealth = special.betaln(first + right, second + n - right) - special.betaln(first, second)
    wealth -= special.xlogy(right, grid) + special.xlog1py(n - right, -grid)
    kept = wealth < math.log(20)
    assert kept.any()
    assert (np.diff(np.flatnonzero(kept)) == 1).all()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.randoms())
def test_graded_intervals_hold_the_mean_in_any_order(scores, random):
    ends = anytime_mean(scores)
    assert 0.0 <= ends.low <= np.mean(scores) + 1e-9
    assert np.mean(scores) - 1e-9 <= ends.high <= 1.0
    random.shuffle(scores)
    again = anytime_mean(scores)
    assert (again.low, again.high) == pytest.approx((ends.low, ends.high), abs=1e-6)
