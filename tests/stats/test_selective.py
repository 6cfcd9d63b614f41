"""Selective prediction: a promise holds as often as it says, whatever the labels and weights."""

import numpy as np
import pytest

from seatrial.stats.intervals import clopper_pearson
from seatrial.stats.selective import (
    fewest_rows,
    fixed_sequence,
    lower_bound,
    rows_to_tell,
    thresholds_of,
)

RUNS = 300


def drawn(rng, n, curve):
    """Return ranks from the most confident (1) to the least (0), and whether each was right."""
    confidence = rng.random(n)
    return confidence, (rng.random(n) < curve(1 - confidence)).astype(float)


def promise(confidence, right, **options):
    thresholds = options.pop("thresholds", thresholds_of(confidence))
    settings = {"target": 0.8, "certainty": 0.9} | options
    return fixed_sequence(confidence, right, thresholds=thresholds, **settings)


def truth(threshold, curve):
    ranks = np.linspace(0, 1 - threshold, 2001)
    return curve(ranks).mean()


def test_the_bound_is_clopper_and_pearsons_where_rows_weigh_the_same():
    scores = [1.0] * 17 + [0.0] * 3
    both = clopper_pearson(17, 20, level=0.8)
    assert lower_bound(scores, certainty=0.9) == pytest.approx(both.low)
    assert lower_bound(scores, certainty=0.9, weights=[3.0] * 20) == pytest.approx(both.low)


def test_rows_that_weigh_much_make_the_bound_lower():
    scores = [1.0] * 17 + [0.0] * 3
    uneven = [1.0] * 10 + [9.0] * 10
    assert lower_bound(scores, certainty=0.9, weights=uneven) < lower_bound(scores, certainty=0.9)


def test_nothing_is_promised_of_nothing():
    assert lower_bound([], certainty=0.9) == 0.0
    assert lower_bound([0.0] * 10, certainty=0.9) == 0.0


@pytest.mark.parametrize(
    "curve",
    [
        lambda rank: 0.95 - 0.5 * rank,
        lambda rank: 0.79 + 0.0 * rank,
        lambda rank: np.where(rank < 0.2, 0.6, 0.9 - 0.3 * rank),
        lambda rank: 0.9 - 0.4 * rank,
    ],
    ids=["steep", "flat, just too low", "sure and wrong", "sloping"],
)
@pytest.mark.parametrize("n", [120, 600])
def test_a_promise_is_broken_no_more_often_than_it_says(curve, n):
    rng = np.random.default_rng(n)
    broken = 0
    for _ in range(RUNS):
        found = promise(*drawn(rng, n, curve))
        broken += found.threshold is not None and truth(found.threshold, curve) < 0.8
    assert broken / RUNS <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / RUNS)


@pytest.mark.parametrize(("heavy", "light"), [(0.8, 0.8), (0.75, 1.0), (0.86, 0.56)])
@pytest.mark.parametrize("shares", [(0.01, 0.1), (0.02, 0.4)])
def test_so_it_is_in_a_sample_whose_rows_were_drawn_with_unequal_chances(heavy, light, shares):
    """Four in five requests are of the heavy kind, of which few are reviewed; 80 % are right."""
    rng = np.random.default_rng(7)
    broken = 0
    for _ in range(RUNS):
        many, few = rng.binomial(8_000, shares[0]), rng.binomial(2_000, shares[1])
        right = np.r_[rng.random(many) < heavy, rng.random(few) < light].astype(float)
        weights = np.r_[np.full(many, 1 / shares[0]), np.full(few, 1 / shares[1])]
        broken += lower_bound(right, certainty=0.9, weights=weights) > 0.8
    assert broken / RUNS <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / RUNS)


def test_where_confidence_says_nothing_all_may_be_answered():
    rng = np.random.default_rng(2)
    everything = [promise(*drawn(rng, 1000, lambda rank: 0.87 + 0 * rank)) for _ in range(40)]
    assert np.mean([one.share > 0.9 for one in everything]) > 0.8


def test_few_labels_cannot_support_it_and_it_says_how_many_would():
    rng = np.random.default_rng(3)
    curve = lambda rank: 0.92 - 0.2 * rank  # noqa: E731  (one line)
    found = promise(*drawn(rng, 30, curve))
    assert found.threshold is None
    assert found.wanted >= 60
    enough = [promise(*drawn(rng, 1500, curve)).threshold is not None for _ in range(20)]
    assert np.mean(enough) > 0.9


def test_a_model_that_is_never_right_enough_gets_no_number():
    rng = np.random.default_rng(4)
    found = promise(*drawn(rng, 400, lambda rank: 0.5 + 0 * rank))
    assert found.threshold is None
    assert found.wanted is None


def test_thresholds_go_down_to_the_least_confidence():
    said = np.array([0.1, 0.5, 0.5, 0.9])
    thresholds = thresholds_of(said)
    assert thresholds[-1] == 0.1
    assert (np.diff(thresholds) < 0).all()


def test_more_certainty_takes_more_rows():
    assert fewest_rows(0.8, 0.95) > fewest_rows(0.8, 0.9) > 0
    assert rows_to_tell(0.85, 0.8, certainty=0.9) > rows_to_tell(0.9, 0.8, certainty=0.9)
    assert rows_to_tell(0.8, 0.8, certainty=0.9) == float("inf")
