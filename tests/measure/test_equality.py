import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.measure.equality import HALF_EPSILON, RELATIVE, ROUNDING_UNITS, Ruler
from seatrial.models.answers import Answer

SCORED = [
    Answer("a", 0.61234567, {"a": 0.61234567, "b": 0.38765433}),
    Answer("b", 0.71111111, {"a": 0.28888889, "b": 0.71111111}),
    Answer("a", 0.91234321, {"a": 0.91234321, "b": 0.08765679}),
]
LABELS = [Answer("a"), Answer("b"), Answer("a")]


def test_the_same_answer_is_no_change():
    assert Ruler(SCORED).difference(SCORED[0], SCORED[0]) == (0.0, 0.0)


def test_another_label_is_a_change():
    difference = Ruler(LABELS).difference(Answer("a"), Answer("b"))
    assert difference.changed
    assert math.isinf(difference.tolerances)


def test_the_noise_of_single_precision_is_no_change():
    noisy = Answer("a", 0.6123458, {"a": 0.6123458, "b": 0.3876542})
    assert not Ruler(SCORED).difference(SCORED[0], noisy).changed


def test_a_score_that_moves_in_the_third_digit_is_a_change():
    moved = Answer("a", 0.613, {"a": 0.613, "b": 0.387})
    assert Ruler(SCORED).difference(SCORED[0], moved).changed


def test_two_classes_that_are_level_may_change_places():
    first = Answer("a", 0.50000001, {"a": 0.50000001, "b": 0.49999999})
    second = Answer("b", 0.50000001, {"a": 0.49999999, "b": 0.50000001})
    assert not Ruler(SCORED).difference(first, second).changed


def test_another_label_with_the_same_clear_scores_is_a_change():
    assert Ruler(SCORED).difference(SCORED[2], Answer("b", *_rest(SCORED[2]))).changed


def test_a_tie_shows_in_the_confidence_alone_too():
    ruler = Ruler([Answer("a", 0.71234), Answer("b", 0.51235), Answer("a", 0.61231)])
    assert not ruler.difference(Answer("a", 0.5000001), Answer("b", 0.5000001)).changed
    assert ruler.difference(Answer("a", 0.9000001), Answer("b", 0.9000001)).changed


def test_whole_numbers_are_compared_exactly():
    assert Ruler([Answer(1000), Answer(7)]).difference(Answer(1000), Answer(1001)).changed


def test_answers_of_16_bits_get_the_room_that_their_precision_needs():
    halves = [Answer(float(np.float16(value))) for value in (0.1, 0.2, 0.7, 1.3)]
    assert Ruler(halves).relative == ROUNDING_UNITS * HALF_EPSILON
    assert Ruler([Answer(0.1), Answer(0.2), Answer(0.7)]).relative == RELATIVE


def test_bfloat16_is_told_from_float32():
    bits = np.array([0.1, 0.2, 0.7, 1.3], dtype=np.float32).view(np.uint32) & 0xFFFF0000
    values = bits.astype(np.uint32).view(np.float32)
    assert Ruler([Answer(float(value)) for value in values]).relative > ROUNDING_UNITS * (
        HALF_EPSILON
    )


@pytest.mark.parametrize(
    ("values", "graded"),
    [
        ([0.125931, 0.7712983], True),
        ([0.1, 2.5, 3.0], False),
        ([float(np.float32(-9.1)), float(np.float32(2.1))], False),
        (["a", "b"], False),
    ],
)
def test_it_knows_whether_small_changes_can_show(values, graded):
    assert Ruler([Answer(value) for value in values]).graded is graded


def test_vectors_of_other_lengths_and_mappings_of_other_keys_are_changes():
    ruler = Ruler([Answer([0.12345, 0.2])])
    assert ruler.difference(Answer([0.12345, 0.2]), Answer([0.12345])).changed
    assert ruler.difference(Answer({"x": 0.1}), Answer({"y": 0.1})).changed
    assert not ruler.difference(Answer({"x": 0.1}), Answer({"x": 0.1})).changed


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8), st.floats(-1e-6, 1e-6))
def test_differences_are_symmetric_and_grow_with_the_distance(values, nudge):
    ruler = Ruler([Answer(value) for value in values])
    first, second = Answer(values[0]), Answer(values[0] + nudge)
    assert ruler.difference(first, second) == ruler.difference(second, first)
    assert ruler.difference(first, first).tolerances <= ruler.difference(first, second).tolerances


def _rest(answer):
    return answer.confidence, answer.scores
