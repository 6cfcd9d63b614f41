"""Percentiles are values that occurred, and far ones are unknown until there is enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats.quantiles import (
    exact_quantile,
    least_values,
    quantile_interval,
    quantiles,
    rank,
)

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(numbers, st.floats(0.01, 1.0))
def test_agrees_with_numpys_inverted_distribution(values, q):
    # numpy rounds q * n in binary; ours allows for that, so the two may differ by that rounding.
    if abs(q * len(values) - round(q * len(values))) > 1e-6:
        assert exact_quantile(values, q) == np.quantile(values, q, method="inverted_cdf")


@given(numbers, st.floats(0.01, 1.0))
def test_is_a_value_that_at_least_the_share_does_not_exceed(values, q):
    found = exact_quantile(values, q)
    assert found in values
    assert np.mean(np.array(values) <= found) >= q - 1e-6


def test_binary_rounding_does_not_move_a_rank():
    assert [rank(q / 100, 100) for q in range(1, 101)] == list(range(1, 101))


def test_intervals_cover_the_true_quantile(rng):
    for q in (0.5, 0.9):
        truth = -np.log(1 - q)
        covered = [
            quantile_interval(rng.exponential(size=200), q).covers(truth) for _ in range(300)
        ]
        assert np.mean(covered) >= 0.93


def test_too_few_values_bound_nothing():
    assert quantile_interval([1.0, 2.0], 0.99) is None


def test_far_percentiles_are_unknown_until_there_is_enough():
    known, unknown = quantiles(np.arange(9_999), [0.99, 0.999])
    assert (known.value, unknown.value) == (9_899.0, None)
    assert unknown.why == "9,999 values; p99.9 needs 10,000"
    assert quantiles(np.arange(10_000), [0.999])[0].value == 9_989.0
    assert least_values(0.9999) == 100_000


def test_an_open_side_is_open():
    only = quantiles(range(20), [0.99])[0]
    assert (only.value, only.high) == (19.0, None)


def test_no_values_have_no_quantile():
    with pytest.raises(ValueError, match="needs values"):
        exact_quantile([], 0.5)
