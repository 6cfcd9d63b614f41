"""Lists, arrays, series and frames become columns of plain values."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import DataError
from seatrial.trials.rows import column, plain_rows

SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=3) | st.floats()


@given(st.lists(SCALARS, min_size=1))
def test_a_column_keeps_every_value_but_those_that_are_missing(values):
    for kept, value in zip(column(values), values, strict=True):
        absent = value is None or (isinstance(value, float) and math.isnan(value))
        assert kept is None if absent else (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["a", None]),
        pd.Series(["a", pd.NA], dtype="string"),
        pd.Categorical(["a", None]),
        np.array(["a", None], dtype=object),
        ("a", float("nan")),
        (value for value in ("a", pd.NaT)),
    ],
)
def test_missing_is_none_whatever_held_it(values):
    assert column(values) == ["a", None]


def test_times_become_text_that_json_holds():
    assert column(pd.to_datetime(pd.Series(["2030-01-31"]))) == ["2030-01-31T00:00:00"]


def test_gaps_inside_arrays_are_missing_too():
    rows = plain_rows(np.array([[1.0, np.nan]]), None, what="inputs")
    assert rows.inputs == {"input": [[1.0, None]]}
    assert (rows.kind, rows.form) == ("array", "array")


def test_records_share_their_columns():
    rows = plain_rows([{"a": 1}, {"b": "x"}], ["p", "q"], what="inputs")
    assert rows.inputs == {"a": [1, None], "b": [None, "x"]}
    assert (rows.kind, rows.form, len(rows)) == ("record", "list", 2)


def test_a_series_of_texts_is_told_from_a_list():
    assert plain_rows(pd.Series(["a"]), None, what="inputs").form == "series"
    assert plain_rows(["a"], None, what="inputs").form == "list"


def test_columns_of_one_name_are_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="more than one column named a"):
        plain_rows(frame, None, what="inputs")
