"""The calibration error is what it says, with a floor for noise."""

import numpy as np
import pytest

from seatrial.stats.calibration import calibration


def test_by_hand(rng):
    confidence = np.repeat([0.6, 0.9], 40)
    correct = np.r_[np.ones(30), np.zeros(10), np.ones(20), np.zeros(20)]
    found = calibration(confidence, correct, rng=rng, bins=2)
    assert found.error == pytest.approx((40 * 0.15 + 40 * 0.4) / 80)
    assert [(one.n, one.accuracy) for one in found.bins] == [(40, 0.75), (40, 0.5)]


def test_a_calibrated_model_is_at_its_floor(rng):
    confidence = rng.uniform(0.5, 1.0, 2000)
    correct = (rng.random(2000) < confidence).astype(float)
    found = calibration(confidence, correct, rng=rng)
    assert found.error < 2.5 * found.floor
    assert found.low < 0.02


def test_an_overconfident_model_is_far_above_it(rng):
    truth = rng.uniform(0.5, 0.8, 2000)
    correct = (rng.random(2000) < truth).astype(float)
    found = calibration(truth + 0.15, correct, rng=rng)
    assert found.low <= 0.15 <= found.high
    assert found.low > found.floor


def test_bins_have_equal_mass_and_order(rng):
    found = calibration(rng.random(1000), rng.integers(0, 2, 1000), rng=rng)
    assert [one.n for one in found.bins] == [100] * 10
    assert sorted(one.low for one in found.bins) == [one.low for one in found.bins]


def test_few_rows_make_few_bins(rng):
    assert len(calibration(rng.random(30), np.ones(30), rng=rng).bins) == 1


def test_one_confidence_is_one_bin(rng):
    assert len(calibration([0.7] * 300, [1.0] * 300, rng=rng).bins) == 1


def test_pairs_are_needed(rng):
    with pytest.raises(ValueError, match="pairs"):
        calibration([0.5], [1, 0], rng=rng)
