"""Records become columns that do not depend on key order or on the company of a row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import InputError
from seatrial.models import columns

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3)


@given(st.lists(st.tuples(SCALARS, SCALARS), min_size=1, max_size=6), st.randoms())
def test_the_order_of_keys_means_nothing(rows, random):
    records = []
    for a, b in rows:
        items = [("a", a), ("b", b), ("extra", 0)]
        random.shuffle(items)
        records.append(dict(items))
    found = columns.by_column(records, ["b", "a"])
    assert list(found.items()) == [("b", [b for _, b in rows]), ("a", [a for a, _ in rows])]


@given(st.lists(st.none() | st.floats(-9, 9) | st.integers(-9, 9), min_size=1, max_size=8))
def test_a_number_is_the_same_alone_and_in_company(values):
    together = columns.column(values)
    for value, found in zip(values, together, strict=True):
        alone = columns.column([value])[0]
        assert found == alone or (columns.is_missing(found) and columns.is_missing(alone))


def test_missing_text_is_nan_and_never_none():
    assert [type(value) for value in columns.column(["a", None, float("nan")])] == [
        str,
        float,
        float,
    ]


def test_a_column_of_nothing_is_one_of_objects():
    assert columns.column([None, None]).dtype == object


def test_whole_numbers_beyond_64_bits_become_floats():
    assert columns.column([2**70, 1]).tolist() == [2.0**70, 1.0]


@pytest.mark.parametrize("record", ["text", 3, None, ["a"]])
def test_a_row_that_is_no_record_is_named(record):
    with pytest.raises(InputError, match="row 1 is") as caught:
        columns.by_column([{"a": 1}, record], ["a"])
    assert caught.value.details == {"row": 1}


def test_a_lacking_column_is_named_with_all_that_are_accepted():
    with pytest.raises(InputError, match="row 0 lacks the column b; accepted are all of a, b"):
        columns.by_column([{"a": 1}], ["a", "b"])


def test_a_data_frame_has_exactly_the_columns_asked_for():
    frame = columns.data_frame([{"b": "x", "a": None, "c": 1}, {"a": 2, "b": None}], ["a", "b"])
    assert list(frame.columns) == ["a", "b"]
    assert np.isnan(frame["a"][0])
    assert frame["b"].isna().tolist() == [False, True]


def test_a_matrix_with_text_is_one_of_objects():
    found = columns.matrix([{"n": 1, "t": "x"}, {"n": None, "t": None}], ["t", "n"])
    assert found.dtype == object
    assert found[0].tolist() == ["x", 1]


def test_inputs_of_different_shapes_are_told_apart():
    with pytest.raises(InputError, match=r"shapes \[\(1,\), \(2,\)\]"):
        columns.array([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("inputs", [["text"], [["a", "b"]], [[{}]]])
def test_what_is_no_number_is_refused(inputs):
    with pytest.raises(InputError):
        columns.array(inputs)
