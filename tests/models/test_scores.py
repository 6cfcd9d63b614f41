"""A row of scores is read the same way alone and in company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import softmax

from seatrial.core.errors import OutputContractError
from seatrial.models.scores import bare, classified, is_distribution

LOGITS = arrays.arrays(
    float, st.tuples(st.integers(1, 5), st.integers(2, 4)), elements=st.floats(-30, 30)
)


@given(LOGITS)
def test_logits_become_their_softmax(logits):
    for answer, row in zip(classified(logits), logits, strict=True):
        expected = row if is_distribution(row) else softmax(row)
        assert list(answer["scores"].values()) == pytest.approx(expected)
        assert answer["confidence"] == pytest.approx(expected.max())
        assert expected[answer["output"]] == pytest.approx(expected.max())


@given(LOGITS)
def test_a_row_alone_is_the_row_in_company(logits):
    together = classified(logits)
    assert together == [classified(row[None])[0] for row in logits]


@given(LOGITS)
def test_probabilities_are_left_as_they_are(logits):
    probabilities = softmax(logits, axis=1)
    found = [list(answer["scores"].values()) for answer in classified(probabilities)]
    np.testing.assert_array_equal(found, probabilities)


@pytest.mark.parametrize(("single_is_probability", "expected"), [(True, 0.25), (False, 0.562177)])
def test_a_single_column_is_the_positive_class(single_is_probability, expected):
    answer = classified(
        np.array([0.25]), classes=["no", "yes"], single_is_probability=single_is_probability
    )[0]
    assert answer["scores"]["yes"] == pytest.approx(expected, abs=1e-6)
    assert answer["output"] == ("yes" if expected > 0.5 else "no")


def test_distances_beside_labels_give_no_confidence():
    answer = classified(np.array([[-1.5, 0.3, 2.0]]), labels=["b"])[0]
    assert answer == {"output": "b"}


def test_probabilities_beside_labels_give_the_confidence_of_the_label():
    answer = classified(np.array([[0.6, 0.4]]), labels=["b"], classes=["a", "b"])[0]
    assert (answer["output"], answer["confidence"]) == ("b", 0.4)


def test_a_wrong_number_of_class_names_is_counted():
    with pytest.raises(OutputContractError, match="scores 3 classes, 2 are named"):
        classified(np.ones((1, 3)), classes=["a", "b"])


def test_scores_of_tokens_are_no_scores_of_classes():
    with pytest.raises(OutputContractError, match=r"\(rows, classes\)"):
        classified(np.ones((2, 3, 4)))


def test_a_single_column_of_values_is_flat():
    assert bare(np.array([[1.0], [2.0]])) == [1.0, 2.0]
    assert bare(np.array([[1.0, 2.0]])) == [[1.0, 2.0]]
