from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.serve.doors.outputs import Output, of_values, outputs
from seatrial.serve.messages import Result


@pytest.mark.parametrize(
    ("values", "datatype", "shape", "flat"),
    [
        (["a", "b"], "BYTES", [2], ["a", "b"]),
        (["a", None], "BYTES", [2], ["a", None]),
        ([True, False], "BOOL", [2], [True, False]),
        ([True, None], "FP64", [2], [1.0, None]),
        ([1, 2], "INT64", [2], [1, 2]),
        ([1, None], "FP64", [2], [1.0, None]),
        ([1, 2.5], "FP64", [2], [1.0, 2.5]),
        ([2**63], "BYTES", [1], ["9223372036854775808"]),
        ([[1, 2], [3, 4]], "INT64", [2, 2], [1, 2, 3, 4]),
        ([[1, 2], None], "FP64", [2, 2], [1.0, 2.0, None, None]),
        ([[[0.5]], [[1]]], "FP64", [2, 1, 1], [0.5, 1.0]),
        ([["a", "b"]], "BYTES", [1, 2], ["a", "b"]),
        ([["a"], ["b", "c"]], "BYTES", [2], ['["a"]', '["b","c"]']),
        ([{"box": [1]}, None], "BYTES", [2], ['{"box":[1]}', None]),
        (["a", 1], "BYTES", [2], ['"a"', "1"]),
        ([True, 1], "BYTES", [2], ["true", "1"]),
        ([[]], "BYTES", [1], ["[]"]),
        ([], "BYTES", [0], []),
        ([None], "BYTES", [1], [None]),
    ],
)
def test_what_a_model_says_is_the_plainest_tensor(values, datatype, shape, flat):
    """Nothing is rounded, cut or dropped; what is no tensor is JSON text."""
    made = of_values(values)
    assert (made.datatype, made.shape) == (datatype, shape)
    assert [(type(v), v) for v in made.flat] == [(type(v), v) for v in flat]


def test_rows_that_all_abstain_have_the_type_that_answers_have():
    """What has been seen says which."""
    usual = Output("output", "FP64", [-1, 2], [])
    assert of_values([None], usual=usual).shape == [1, 2]
    assert of_values([], usual=Output("output", "INT64", [-1], [])).datatype == "INT64"
    assert of_values([None], usual=Output("output", "INT64", [-1], [])).datatype == "FP64"
    assert of_values([None], usual=Output("output", "FP64", [-1, -1], [])).shape == [1]


def test_scores_are_one_column_per_class_and_confidence_one_per_row():
    """Classes in the order of their first mention; what a row lacks is missing."""
    made = {
        one.name: one
        for one in outputs(
            [
                Result("a", 0.75, {"a": 0.75, "b": 0.25}, abstained=False),
                Result("c", None, {"c": 1.0}, abstained=False),
                Result(None, 0.1, None, abstained=True),
            ]
        )
    }
    assert list(made) == ["output", "scores", "confidence", "abstained"]
    assert made["scores"].parameters == {"classes": ["a", "b", "c"]}
    assert made["scores"].shape == [3, 3]
    assert made["scores"].flat == [0.75, 0.25, None, None, None, 1.0, None, None, None]
    assert made["confidence"].flat == [0.75, None, 0.1]
    assert made["abstained"].flat == [False, False, True]


def test_only_what_is_asked_for_is_made_even_where_there_is_none():
    """In the order of asking."""
    made = outputs([Result("a", None, None, abstained=False)], asked=("confidence", "scores"))
    assert [(one.name, one.shape) for one in made] == [("confidence", [1]), ("scores", [1, 0])]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=4))
def test_whatever_a_model_says_has_a_tensor(values):
    """As many values as the shape says, rows first, of one type."""
    made = of_values(values)
    assert made.shape[0] == len(values)
    assert len(made.flat) == math.prod(made.shape)
    assert len({type(value) for value in made.flat if value is not None}) <= 1
    msgspec.json.encode(made)
