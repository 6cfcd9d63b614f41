"""Whatever a model returns becomes one shape, or a clear error."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import NonFiniteOutputError, OutputContractError
from seatrial.models.answers import Answer, normalise, plain


@dataclass(frozen=True)
class Box:
    side: Any


@pytest.mark.parametrize(
    "raw",
    [
        [1, 2],
        (1, 2),
        np.array([1, 2]),
        np.array([[1], [2]]),
        pd.Series([1, 2], index=[7, 9]),
        [np.int64(1), np.int32(2)],
        [{"output": 1}, Answer(2)],
    ],
    ids=lambda raw: type(raw).__name__,
)
def test_lists_arrays_and_series_give_plain_outputs(raw):
    outputs = [answer.output for answer in normalise(raw, expected=2)]
    assert outputs == [1, 2]
    assert [type(output) for output in outputs] == [int, int]


@pytest.mark.parametrize("raw", [None, "ab", b"ab", {"a": 1, "b": 2}, 3, np.array(3), iter([1, 2])])
def test_what_is_no_list_of_answers_is_refused_with_what_is_accepted(raw):
    with pytest.raises(OutputContractError, match="accepted is a list or array"):
        normalise(raw, expected=2)


class OnAnotherDevice:
    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def test_an_array_on_another_device_is_named():
    with pytest.raises(OutputContractError, match="cuda:0"):
        normalise(OnAnotherDevice(), expected=1)


@pytest.mark.parametrize("count", [1, 3])
def test_one_answer_too_few_or_too_many_is_counted(count):
    with pytest.raises(OutputContractError, match=f"{count} answers for 2 inputs") as caught:
        normalise([0] * count, expected=2)
    assert caught.value.details == {"received": count, "expected": 2}


@pytest.mark.parametrize(
    "bad",
    [
        float("nan"),
        np.float32("inf"),
        {"output": "a", "confidence": float("nan")},
        {"output": "a", "scores": {"a": float("-inf")}},
        [1.0, [float("nan")]],
        {"boxes": [0.0, float("nan")]},
        frozenset({float("nan")}),
        Box(float("nan")),
        np.array([[float("nan")], ["a"]], dtype=object),
    ],
    ids=repr,
)
def test_a_value_that_is_not_finite_is_named_by_row_wherever_it_hides(bad):
    with pytest.raises(NonFiniteOutputError) as caught:
        normalise([0.0, bad, bad], expected=3)
    assert caught.value.details == {"row": 1}


def test_a_confidence_that_is_no_number_is_refused():
    with pytest.raises(OutputContractError, match="row 0 is 'high'"):
        normalise([{"output": 1, "confidence": "high"}], expected=1)


def test_a_score_that_is_missing_is_refused_and_not_zero():
    with pytest.raises(OutputContractError, match="score of row 0 is None"):
        normalise([{"output": 1, "scores": {"a": None}}], expected=1)


def test_objects_with_fields_become_mappings_of_plain_values():
    assert plain(Box(np.ones(2))) == {"side": [1.0, 1.0]}


def test_scores_that_are_no_mapping_are_refused():
    with pytest.raises(OutputContractError, match="class -> number"):
        normalise([{"output": 1, "scores": [0.5]}], expected=1)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_plain_values_stay_as_they_are(value):
    assert plain(value) == value
