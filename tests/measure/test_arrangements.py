import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.measure.arrangements import COMPANIES, Rows, diverse, magnitude, shuffled

TEXTS = [" ".join(["word"] * length) for length in range(1, 31)]
ROWS = Rows(
    TEXTS,
    [len(text) for text in TEXTS],
    [float(number) for number in range(30, 0, -1)],
    ["even" if number % 2 else "odd" for number in range(30)],
)


@pytest.mark.parametrize("name", COMPANIES)
@given(batch=st.integers(2, 70))
def test_every_batch_is_full_and_every_row_is_in_one(name, batch):
    batches = COMPANIES[name](ROWS, batch, np.random.default_rng(0))
    assert {len(one) for one in batches} == {batch}
    assert {row for one in batches for row in one} == set(range(30))


def test_every_row_meets_one_of_the_longest():
    for batch in COMPANIES["with the longest"](ROWS, 4, np.random.default_rng(0)):
        assert set(batch) & {27, 28, 29}


def test_the_guest_sits_at_the_end_and_at_the_front_in_turn():
    first, second, *_ = COMPANIES["with the longest"](ROWS, 4, np.random.default_rng(0))
    assert first[-1] == 29
    assert second[0] == 28


def test_half_of_a_batch_are_the_largest():
    for batch in COMPANIES["with the largest"](ROWS, 8, np.random.default_rng(0)):
        assert sum(row in {0, 1, 2} for row in batch) >= 4


def test_rows_that_are_answered_alike_stay_together():
    first, *_ = COMPANIES["of one kind"](ROWS, 15, np.random.default_rng(0))
    assert {ROWS.groups[row] for row in first} == {"even"}


def test_shuffling_keeps_the_company():
    batches = [[1, 2, 3], [4, 5, 6]]
    moved = shuffled(batches, np.random.default_rng(1))
    assert [sorted(batch) for batch in moved] == batches


def test_a_few_rows_hold_the_extremes():
    assert set(diverse(ROWS, 2, np.random.default_rng(0))) == {0, 29}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[3.0, -3.0], [np.nan, 6.0]]), 4.0),
        ([1, [2, 3]], 2.0),
        ({"a": -4, "b": None, "c": True}, 4.0),
        ("text", None),
        (np.array(["text"]), None),
        ([float("inf")], None),
    ],
)
def test_the_magnitude_of_a_row_is_its_mean_absolute_number(value, expected):
    assert magnitude(value) == expected
