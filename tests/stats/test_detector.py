"""A drop is seen soon, and quiet days stay quiet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats.detector import DropDetector


def first_alarm(detector, batches):
    """Return the look at which the alarm is raised, from 1; 0 for none."""
    for look, batch in enumerate(batches, 1):
        detector = detector.after(batch)
        if detector.alarmed:
            return look
    return 0


def flips(rng, chance, size):
    return (rng.random(size) < chance).astype(float)


def test_87_to_63_is_seen_within_three_days_of_twenty(rng):
    days = [first_alarm(DropDetector(level=0.87), flips(rng, 0.63, (30, 20))) for _ in range(100)]
    assert 0 < np.median(days) <= 3
    assert max(days) <= 15


@pytest.mark.parametrize("level", [0.55, 0.87, 0.98])
def test_ninety_quiet_days_seldom_raise_an_alarm(rng, level):
    false = sum(
        first_alarm(DropDetector(level=level), flips(rng, level, (90, 20))) > 0 for _ in range(120)
    )
    assert false / 120 <= 0.05


def test_quiet_days_after_an_eval_that_was_lucky_stay_quiet(rng):
    """The level is itself an estimate: eval rows and production have the same true accuracy."""
    false = 0
    for _ in range(120):
        detector = DropDetector.below_eval(rng.binomial(400, 0.87), 400)
        false += first_alarm(detector, flips(rng, 0.87, (90, 20))) > 0
    assert false / 120 <= 0.05


@pytest.mark.parametrize(("before", "after", "most"), [(0.6, 0.4, 9), (0.95, 0.8, 5)])
def test_other_levels_and_drops_are_seen(rng, before, after, most):
    days = [
        first_alarm(DropDetector(level=before), flips(rng, after, (60, 20))) for _ in range(100)
    ]
    assert 0 < np.median(days) <= most


def test_a_drop_after_quiet_weeks_is_seen_as_soon(rng):
    days = []
    for _ in range(100):
        quiet, sick = flips(rng, 0.87, (60, 20)), flips(rng, 0.63, (20, 20))
        found = first_alarm(DropDetector(level=0.87), [*quiet, *sick])
        days.append(found - 60)
    assert np.median(days) <= 4


def test_graded_scores_and_unequal_batches_stay_quiet(rng):
    false = 0
    for _ in range(100):
        batches = [rng.beta(8, 2, size) for size in rng.poisson(20, 90)]
        false += first_alarm(DropDetector(level=0.8), batches) > 0
    assert false / 100 <= 0.05


def test_weights_keep_the_rate(rng):
    false = 0
    for _ in range(100):
        heavy = rng.random((90, 20)) < 0.5
        scores = flips(rng, np.where(heavy, 0.9, 0.6), (90, 20))  # (2 x 0.9 + 0.6) / 3 = 0.8
        detector = DropDetector(level=0.8)
        for batch, weight in zip(scores, np.where(heavy, 1.0, 0.5), strict=True):
            detector = detector.after(batch, weights=weight)
            if detector.alarmed:
                false += 1
                break
    assert false / 100 <= 0.05


def test_a_bet_is_worth_one_on_average_at_the_level():
    detector = DropDetector(level=0.8)
    right, wrong = detector.after([1.0]), detector.after([0.0])
    assert 0.8 * right.evidence + 0.2 * wrong.evidence == pytest.approx(1.0)


def test_a_look_without_labels_changes_nothing():
    detector = DropDetector(level=0.9).after([0, 1])
    assert detector.after([]) is detector


def test_evidence_that_no_number_holds_is_infinite():
    detector = DropDetector(level=0.99)
    for _ in range(30):
        detector = detector.after([0.0] * 200)
    assert detector.alarmed
    assert detector.evidence == np.inf


def test_an_eval_without_errors_still_has_a_level_below_one():
    assert 0.9 < DropDetector.below_eval(100, 100).level < 1.0


def test_a_level_from_few_eval_rows_is_lower():
    few, many = DropDetector.below_eval(87, 100), DropDetector.below_eval(8700, 10_000)
    assert few.level < many.level < 0.87


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1])
def test_a_level_lies_between_none_and_all(level):
    with pytest.raises(ValueError, match="accepted"):
        DropDetector(level=level)


def test_nothing_can_fall_from_zero():
    with pytest.raises(ValueError, match="0 right of 50"):
        DropDetector.below_eval(0, 50)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_the_order_inside_a_batch_does_not_matter(scores, random):
    one = DropDetector(level=0.7).after(scores).evidence
    random.shuffle(scores)
    assert DropDetector(level=0.7).after(scores).evidence == pytest.approx(one)


@given(st.integers(0, 20), st.integers(0, 20))
def test_fewer_right_answers_are_more_evidence(one, two):
    def evidence(right):
        return DropDetector(level=0.8).after([1.0] * right + [0.0] * (20 - right)).evidence

    few, many = sorted((one, two))
    assert evidence(few) >= evidence(many)
