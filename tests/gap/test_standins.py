"""Stand-ins come from eval rows of the same label, and shifts are seen given the label."""

import numpy as np
import pytest

from seatrial.gap.standins import Donors, cell, replaced, shifted


def test_donors_have_the_label_and_are_never_oneself(rng):
    labels = ["a", "b", "a", "b", "a"]
    donors = Donors(list(range(5)), labels)
    for _ in range(20):
        own = donors.draw(donors.groups, own=True, rng=rng)
        assert all(labels[donor] == labels[row] for row, donor in enumerate(own))
        assert all(donor != row for row, donor in enumerate(own))


def test_an_unknown_label_may_have_any_donor(rng):
    donors = Donors(list(range(50)), ["a"] * 50)
    drawn = donors.draw(donors.group(["z"] * 100), own=False, rng=rng)
    assert len(set(drawn.tolist())) > 10


def test_numeric_labels_are_banded(rng):
    labels = np.linspace(0, 1, 200).tolist()
    donors = Donors(list(range(200)), labels)
    drawn = donors.draw(donors.group([0.05] * 50), own=False, rng=rng)
    assert max(labels[row] for row in drawn) <= 0.11


@pytest.mark.parametrize(
    ("row", "donor", "expected"),
    [
        ({"0": 1, "1": 2}, {"0": 8, "1": 9}, {"0": 1, "1": 9}),
        ([1, 2], [8, 9], [1, 9]),
        ((1, 2), (8, 9), (1, 9)),
    ],
)
def test_a_cell_is_replaced_in_any_kind_of_row(row, donor, expected):
    assert replaced(row, donor, ["1"]) == expected
    assert cell(row, "1") == 2


def test_arrays_and_single_numbers_too():
    row = np.array([1.0, 2.0])
    assert replaced(row, np.array([8.0, 9.0]), ["0"]).tolist() == [8.0, 2.0]
    assert row.tolist() == [1.0, 2.0]
    assert replaced(3.0, 4.0, ["0"]) == 4.0
    assert (cell(row, "1"), cell(3.0, "0")) == (2.0, 3.0)


def test_a_shift_given_the_label_is_seen(rng):
    groups = np.array(["a", "b"] * 200, dtype=object)
    values = np.where(groups == "a", 0.0, 3.0) + rng.normal(size=400)
    assert not shifted(values.tolist(), groups, rng.permutation(values).tolist()[:1], groups[:1])
    same = np.where(groups == "a", 0.0, 3.0) + rng.normal(size=400)
    assert not shifted(values.tolist(), groups, same.tolist(), groups)
    shuffled = rng.permutation(same)
    assert shifted(values.tolist(), groups, shuffled.tolist(), groups)


def test_a_label_mix_alone_is_no_shift(rng):
    few, many = np.array(["a"] * 50 + ["b"] * 350), np.array(["a"] * 350 + ["b"] * 50)
    first = np.where(few == "a", 0, 3) + rng.normal(size=400)
    second = np.where(many == "a", 0, 3) + rng.normal(size=400)
    assert not shifted(first.tolist(), few.astype(object), second.tolist(), many.astype(object))


def test_categories_are_counted(rng):
    groups = np.array(["a"] * 300, dtype=object)
    before = rng.choice(["x", "y"], 300, p=[0.9, 0.1]).tolist()
    after = rng.choice(["x", "y"], 300, p=[0.5, 0.5]).tolist()
    assert shifted(before, groups, after, groups)
    assert not shifted(before, groups, list(reversed(before)), groups)
