"""The bootstrap resamples rows, and its intervals cover."""

import numpy as np
import pytest
from scipy import stats

from seatrial.stats.resampling import (
    basic_interval,
    bca,
    bootstrap,
    percentile_interval,
    resampled_weights,
)


def mean_of(values):
    return lambda weights: float(np.average(values, weights=weights))


def test_each_resample_draws_as_many_rows_as_there_are(rng):
    drawn = list(resampled_weights(7, rng=rng, replicates=5))
    assert [weights.sum() for weights in drawn] == [7.0] * 5
    assert len(drawn[0]) == 7


def test_percentiles_leave_out_what_is_not_a_number():
    assert percentile_interval([1.0, np.nan, 1.0]).high == 1.0
    with pytest.raises(ValueError, match="finite"):
        percentile_interval([np.nan])


def test_the_basic_interval_mirrors_the_percentiles():
    ends = basic_interval(2.0, [1.0, 2.0, 5.0], level=1.0)
    assert (ends.low, ends.high) == (-1.0, 3.0)


def test_the_interval_of_a_mean_is_near_the_normal_one(rng):
    values = rng.normal(3.0, 2.0, 400)
    ends = bootstrap(mean_of(values), 400, rng=rng, replicates=2000)
    half = 1.96 * values.std() / 20
    assert ends.low == pytest.approx(values.mean() - half, abs=0.04)
    assert ends.high == pytest.approx(values.mean() + half, abs=0.04)


def test_bca_agrees_with_scipy_on_a_skewed_mean(rng):
    values = rng.exponential(size=60)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = bca(mean_of(values), 60, rng=rng, replicates=4000)
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.04)


def test_bca_of_a_constant_is_that_constant(rng):
    ends = bca(lambda _: 1.0, 10, rng=rng, replicates=50)
    assert (ends.low, ends.high) == (1.0, 1.0)
