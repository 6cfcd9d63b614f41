import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.measure.mismatch import mismatch
from seatrial.models.answers import Answer

TOLERANCE = 1e-6
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


def kind(inside, outside, **options):
    found = mismatch(Answer(inside), Answer(outside), tolerance=TOLERANCE, **options)
    return found.kind if found else None


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        ("a", "a", None),
        ("a", "b", "value"),
        (1, "1", "type"),
        ("1", 1, "type"),
        (1, 1.0, "type"),
        (1.0, 1, None),
        (True, 1, "type"),
        (True, "true", "type"),
        (1, 2, "number"),
        (1, "2", "value"),
        (None, "None", "type"),
        (None, 0, "value"),
        (0.1 + 0.2, 0.3, None),
        (0.3, 0.3001, "number"),
        ("caf\u00e9", "cafe\u0301", "encoding"),
        ([1.0, 2.0], [1.0], "shape"),
        ([1.0, 2.0], [1.0, 2.5], "number"),
        ({"a": 1}, {"b": 1}, "shape"),
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, "value"),
    ],
)
def test_every_kind_of_difference_is_named(inside, outside, expected):
    assert kind(inside, outside) == expected


def test_the_place_of_the_first_difference_is_a_path():
    found = mismatch(
        Answer({"a": [1, {"b": "x"}]}), Answer({"a": [1, {"b": "y"}]}), tolerance=TOLERANCE
    )
    assert (found.where, found.inside, found.outside) == ("$.a[1].b", "'x'", "'y'")


def test_the_type_is_visible_in_what_is_shown():
    found = mismatch(Answer(1), Answer(1.0), tolerance=TOLERANCE)
    assert (found.inside, found.outside) == ("1", "1.0")


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [(0.8734, 0.87, None), (0.87, 0.80, "confidence"), (0.87, None, None)],
)
def test_a_rounded_confidence_is_a_format_and_another_one_is_not(inside, outside, expected):
    found = mismatch(
        Answer("a", confidence=inside), Answer("a", confidence=outside), tolerance=TOLERANCE
    )
    assert (found.kind if found else None) == expected


@given(JSON)
def test_every_answer_equals_itself(value):
    assert kind(value, value) is None
