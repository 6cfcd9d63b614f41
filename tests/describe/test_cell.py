"""What stands in one cell."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from seatrial.describe.cell import is_missing, number_in, number_of, word_of


@pytest.mark.parametrize(
    "cell", [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), "", " \t"]
)
def test_nothing_is_missing_in_all_its_forms(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", [0, False, "0", "None", [], {}, np.inf, b""])
def test_anything_else_is_there(cell):
    assert not is_missing(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (3, 3.0),
        (np.int8(3), 3.0),
        (Decimal("1.5"), 1.5),
        (np.float32(0.5), 0.5),
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 60.0),
        (date(1970, 1, 2), 86_400.0),
        (pd.Timestamp("1970-01-02"), 86_400.0),
        (np.datetime64("1970-01-02"), 86_400.0),
        (True, None),
        (np.True_, None),
        ("3", None),
        ([3], None),
    ],
)
def test_numbers_and_times_are_numbers(cell, number):
    assert number_of(cell) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("12.5", 12.5), (" 1,200 ", 1200.0), ("1e3", 1000.0), ("inf", None), ("x", None), (5, None)],
)
def test_numbers_are_read_from_text(text, number):
    assert number_in(text) == number


def test_categories_of_different_type_are_told_apart_only_by_what_they_say():
    assert word_of(1) == word_of(1.0) == word_of(np.int64(1)) == "1"
    assert [word_of(cell) for cell in (True, np.True_)] == ["true", "true"]
    assert word_of({"b": 1, "a": [2]}) == '{"a":[2],"b":1}'
    assert word_of(float("inf")) == "inf"
    assert word_of(object) == str(object)
