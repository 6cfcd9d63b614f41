import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.measure.pairing import PAIRS_MAX, interval, paired_ratio
from seatrial.testing.clock import ManualClock


def test_the_interval_of_six_pairs_is_their_range():
    ratio = interval(np.log([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert (ratio.low, ratio.high) == (pytest.approx(1.0), pytest.approx(6.0))


def test_two_pairs_have_no_interval():
    assert interval([0.0, 0.0]).value is None


def test_three_pairs_use_students_interval():
    logs = [0.1, 0.2, 0.3]
    ratio = interval(logs)
    reach = 4.303 * np.std(logs, ddof=1) / np.sqrt(3)
    assert ratio.low == pytest.approx(np.exp(0.2 - reach))
    assert ratio.high == pytest.approx(np.exp(0.2 + reach))


def test_the_interval_of_the_median_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(600):
        ratio = interval(rng.normal(size=15))
        covered += ratio.low <= 1.0 <= ratio.high
    assert covered / 600 > 0.94


def test_a_burst_that_hits_both_halves_of_a_pair_leaves_the_ratio_alone():
    factors = iter(np.repeat([1.0, 50.0, 1.0, 7.0, 1.0, 3.0], 2))
    clock = ManualClock()
    ratio = paired_ratio(
        lambda: 2e-3 * next(factors),
        lambda: 1e-3 * next(factors),
        budget=TimeBudget(10, clock=clock),
        pairs_max=6,
    )
    assert ratio.value == pytest.approx(2.0)
    assert ratio.low == pytest.approx(2.0)


def test_it_stops_once_it_is_settled():
    ratio = paired_ratio(
        lambda: 1.0,
        lambda: 1.0,
        budget=TimeBudget(1, clock=ManualClock()),
        settled=lambda found: found.low is not None,
    )
    assert ratio.pairs == 6


def test_it_never_takes_more_pairs_than_allowed():
    budget = TimeBudget(1, clock=ManualClock())
    assert paired_ratio(lambda: 1.0, lambda: 1.0, budget=budget).pairs == PAIRS_MAX


def test_a_spent_budget_still_buys_three_short_pairs_but_no_long_one():
    clock = ManualClock()
    budget = TimeBudget(1.0, clock=clock)
    clock.advance(2.0)
    assert paired_ratio(lambda: 0.1, lambda: 0.1, budget=budget).pairs == 3
    assert paired_ratio(lambda: 9.0, lambda: 9.0, budget=budget).pairs == 1
