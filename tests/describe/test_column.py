"""One column beside the reference."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.describe.column import Column

AGES = list(range(20, 60)) * 5
COLOURS = ["red"] * 60 + ["green"] * 30 + ["blue"] * 10
NAMES = [f"Person number {number} of many" for number in range(100)]

cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
)


def signs(reference, values):
    return {name: found.tolist() for name, found in Column.of(reference).signs(values).items()}


def test_usual_cells_have_no_sign():
    for reference in (AGES, COLOURS, [True, False] * 20):
        found = Column.of(reference).signs(reference)
        assert max(values.max() for values in found.values()) == 0.0


def test_a_missing_cell_counts_in_full_where_the_reference_has_none():
    assert signs(AGES, [None, float("nan"), 30])["missing"] == [1.0, 1.0, 0.0]


def test_a_missing_cell_counts_less_the_more_the_reference_misses():
    often = [None] * 30 + AGES[:70]
    seldom = [None] * 2 + AGES[:98]
    assert signs(often, [None])["missing"][0] < 0.1
    assert signs(seldom, [None])["missing"][0] == pytest.approx(0.5)


def test_a_number_out_of_range_counts_more_the_further_out():
    near, far, inside = signs(AGES, [62, 600, 59])["outside"]
    assert 0.5 < near < far < 1.0
    assert inside == 0.0


def test_a_number_sent_as_text_is_mistyped_but_read():
    found = signs(AGES, ["31", "600", "many", True])
    assert found["mistyped"] == [0.75, 0.75, 1.0, 1.0]
    assert found["outside"][1] > 0.5


def test_a_new_category_is_unseen():
    assert signs(COLOURS, ["violet", "red"])["unseen"] == [1.0, 0.0]


def test_new_categories_count_less_where_they_are_usual():
    cities = ["Rome"] * 60 + [f"City{number}" for number in range(19)]
    assert signs(cities, ["Oslo"])["unseen"][0] < 0.1


def test_whole_numbers_with_few_values_are_codes():
    found = signs([1, 2, 4] * 50, [3, 4])
    assert found["unseen"] == [1.0, 0.0]
    assert signs(AGES[:40], [30.5])["unseen"] == [0.0]


def test_free_text_is_judged_by_its_shape_not_by_its_words():
    column = Column.of(NAMES)
    assert column.kind == "text"
    found = column.signs(["Person number 42 or so", "x", "!!" * 300])["outside"]
    assert found[0] < 0.2
    assert found[1:].min() > 0.3


def test_a_value_in_a_column_that_was_always_empty_is_new():
    assert signs([None] * 10, [None, 5])["unseen"] == [0.0, 1.0]
    assert signs([None] * 10, [None])["missing"][0] < 0.05


def test_positions_are_quantiles_of_the_reference():
    found = Column.of(AGES).positions([10, 39.5, 90, None, "x"])
    assert found[0] == 0.0
    assert found[1] == pytest.approx(0.5, abs=0.02)
    assert found[2] == 1.0
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize(
    ("reference", "sent", "meant"),
    [
        (AGES, "31", 31),
        ([0.5, 1.5, 2.5], "1.25", 1.25),
        (COLOURS, " RED", "red"),
        (COLOURS, "violet", "violet"),
        (AGES, None, None),
        (AGES, 600, 600),
        (["a", "A"], "Ａ", "Ａ"),
    ],
)
def test_a_cell_is_restored_only_where_its_meaning_is_beyond_doubt(reference, sent, meant):
    assert Column.of(reference).restored(sent) == meant


def test_the_typical_cell_is_the_median_or_the_most_frequent():
    assert Column.of(AGES).stand_in() == 39
    assert Column.of(COLOURS).stand_in() == "red"
    assert Column.of([True, True, False]).stand_in() is True


@given(st.lists(cells, max_size=30), st.lists(cells, max_size=30))
def test_any_mixture_of_cells_is_described(reference, values):
    column = Column.of(reference)
    again = msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(column))), Column)
    found = column.signs(values)
    for name, part in found.items():
        assert part.shape == (len(values),)
        assert ((part >= 0.0) & (part <= 1.0)).all()
        assert np.array_equal(part, again.signs(values)[name])
    assert np.array_equal(column.positions(values), again.positions(values), equal_nan=True)
