"""Answers are scored from 0 to 1; what could never be equal is an error, not a 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import DataError, OutputContractError, UnknownNameError, UsageError
from seatrial.stats.scores import check_types, missing, row_scores


def test_accuracy_compares():
    assert row_scores(["a", "b"], ["a", "a"]).tolist() == [1.0, 0.0]


def test_whole_and_broken_numbers_compare():
    assert row_scores([1.0, 2], [1, 2.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("answers", "labels"),
    [([1, 0], ["1", "0"]), (["1"], [1]), ([True], [1]), ([1], [True]), ([[1]], [1])],
)
def test_other_types_are_refused(answers, labels):
    with pytest.raises(DataError, match="the same type for both") as caught:
        row_scores(answers, labels)
    assert repr(answers[0]) in str(caught.value)
    assert repr(labels[0]) in str(caught.value)
    assert caught.value.hint


def test_one_strange_answer_is_only_wrong():
    assert row_scores([1, "n/a"], [1, 2]).tolist() == [1.0, 0.0]


def test_one_strange_label_is_refused():
    with pytest.raises(DataError, match="text"):
        row_scores([1, 2], [1, "2"])


def test_what_is_absent_is_no_type():
    assert row_scores([None, 1], [1, 1]).tolist() == [0.0, 1.0]
    assert np.isnan(row_scores([1], [None])).all()
    assert np.isnan(row_scores([1.0], [float("nan")])).all()
    check_types([], ["a"])


def test_within_a_tolerance_ends_included():
    scores = row_scores([1.5, 1.6, None], [1.0, 1.0, 1.0], metric="within:0.5")
    assert scores.tolist() == [1.0, 0.0, 0.0]


def test_within_needs_numbers():
    with pytest.raises(DataError, match="numbers"):
        row_scores(["1"], ["1"], metric="within:1")


@pytest.mark.parametrize("metric", ["within:", "within:x", "within:-1", "within:nan", "within:inf"])
def test_a_tolerance_is_a_number(metric):
    with pytest.raises(UsageError, match="within:<a number"):
        row_scores([1], [1], metric=metric)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownNameError, match='"accuracy"'):
        row_scores([1], [1], metric="acuracy")


def test_a_rule_of_ones_own_is_held_to_its_range():
    half = row_scores(["x"], [3], metric="m:f", custom=lambda *_: 0.5)
    assert half.tolist() == [0.5]
    for wrong in (2.0, "a", float("nan")):
        with pytest.raises(UsageError, match="row 0"):
            row_scores([1], [1], metric="m:f", custom=lambda *_, wrong=wrong: wrong)


def test_one_answer_per_label():
    with pytest.raises(OutputContractError, match="1 answers for 2 labels"):
        row_scores([1], [1, 2])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_the_mean_is_the_share_of_equal_pairs(pairs):
    answers, labels = zip(*pairs, strict=True)
    share = sum(a == b for a, b in pairs) / len(pairs)
    assert row_scores(answers, labels).mean() == pytest.approx(share)


def test_only_none_and_nan_are_missing():
    assert [missing(value) for value in (None, float("nan"), 0, "", False)] == [
        True, True, False, False, False,
    ]  # fmt: skip
