"""Bands: what is usual, and how far outside something lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.describe.band import Band, either

numbers = st.floats(-1e6, 1e6)


def test_a_value_inside_the_band_has_no_intensity():
    assert Band.of(range(101), floor=1.0).intensity([1, 50, 99]).tolist() == [0.0, 0.0, 0.0]


def test_half_beyond_either_edge_is_one_half():
    assert Band(0.0, 10.0, 4.0).intensity([14.0, -4.0]).tolist() == [0.5, 0.5]


def test_at_most_two_rows_in_a_hundred_of_the_reference_are_outside():
    values = np.random.default_rng(0).normal(size=5_000)
    assert (Band.of(values, floor=0.1).intensity(values) > 0).mean() <= 0.02


def test_a_constant_reference_has_no_cliff():
    assert Band.of([3.0] * 50, floor=1.0).intensity([3.5])[0] == pytest.approx(1 / 3)


def test_a_reference_without_numbers_finds_nothing_unusual():
    assert Band.of([], floor=1.0).intensity([1e9, np.nan, -5.0]).tolist() == [0.0, 0.0, 0.0]


def test_infinity_is_as_far_outside_as_can_be():
    assert Band(0.0, 1.0, 1.0).intensity([np.inf, -np.inf]) == pytest.approx([1.0, 1.0])


@given(st.lists(numbers, min_size=1), numbers, numbers)
def test_further_outside_is_never_less_intense(reference, one, other):
    band = Band.of(reference, floor=0.5)
    near, far = sorted([one, other], key=lambda value: abs(value - (band.low + band.high) / 2))
    low, high = band.intensity([near, far])
    assert 0.0 <= low <= high + 1e-12 <= 1.0 + 1e-12


def test_two_weak_signs_make_a_stronger_one():
    assert either([0.5], [0.5]).tolist() == [0.75]
