"""Intervals of changes: wide enough to choose by, and for what other rows will show."""

import numpy as np
import pytest

from seatrial.stats.change import change_interval, chosen_level
from seatrial.stats.intervals import paired_difference

RUNS = 400


def test_rows_that_all_weigh_the_same_get_the_paired_interval():
    before = np.r_[np.ones(60), np.zeros(40)]
    after = before.copy()
    after[55:70] = 1 - after[55:70]
    expected = paired_difference(before, after)
    found = change_interval(after - before)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_rows_of_no_weight_are_left_out():
    kept, change = np.ones(100), np.r_[np.ones(10), np.zeros(90)]
    kept[50:] = 0
    found = change_interval(change, weights=kept)
    expected = change_interval(change[:50])
    assert (found.low, found.high) == (expected.low, expected.high)
    with pytest.raises(ValueError, match="0 changes"):
        change_interval(change, weights=np.zeros(100))


def test_uneven_weights_and_graded_scores_make_no_interval_too_short():
    rng = np.random.default_rng(0)
    covered = {"uneven": 0, "graded": 0}
    for _ in range(RUNS):
        heavy = rng.random(200) < 0.3
        chance = np.where(heavy, 0.3, 0.1)
        change = (rng.random(200) < chance).astype(float)
        weights = np.where(heavy, 6.0, 1.0)
        share = 0.3 * 6.0 / (0.3 * 6.0 + 0.7)
        truth = share * 0.3 + (1 - share) * 0.1
        covered["uneven"] += change_interval(change, weights=weights).covers(truth)
        graded = rng.beta(2, 5, 80) - rng.beta(2, 5, 80)
        covered["graded"] += change_interval(graded).covers(0.0)
    assert min(covered.values()) / RUNS >= 0.92


def test_the_best_of_many_that_do_nothing_is_not_believed():
    rng = np.random.default_rng(1)
    believed = 0
    for _ in range(RUNS):
        changes = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(12, 150))
        best = max(changes, key=np.mean)
        believed += change_interval(best, level=chosen_level(12)).low > 0
    assert believed / RUNS <= 0.05


def test_half_as_many_other_rows_show_what_was_said():
    rng = np.random.default_rng(2)
    kept = 0
    for _ in range(RUNS):
        rows = rng.choice([-1.0, 0.0, 1.0], p=[0.03, 0.85, 0.12], size=450)
        kept += change_interval(rows[:300], level=chosen_level(1)).covers(rows[300:].mean())
    assert kept / RUNS >= 0.92


def test_more_tries_are_paid_for():
    assert chosen_level(1000) > chosen_level(100) > chosen_level(1) >= 0.99
