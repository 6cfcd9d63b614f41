"""The chance that an answer is right: calibrated on eval, moved by production's own labels."""

import numpy as np
import pytest

from seatrial.gap.sureness import Sureness
from seatrial.models.answers import Answer


def said(confidence, output="a"):
    rest = 1.0 - confidence
    return Answer(output, confidence, {"a": confidence, "b": 0.75 * rest, "c": 0.25 * rest})


@pytest.fixture
def eager(rng):
    """A model that says 0.9 and is right in 7 of 10."""
    answers = [said(0.9, "ab"[place % 2]) for place in range(500)]
    return Sureness.fit(answers, np.repeat([1.0, 0.0], [350, 150]))


def test_confidence_is_what_eval_makes_of_it(eager):
    assert eager.told
    assert eager.right([said(0.9)]) == pytest.approx([0.7], abs=0.01)


def test_a_failure_has_no_chance_that_could_be_told(eager):
    assert np.isnan(eager.right([None])).all()


def test_labels_of_production_move_it_but_not_a_few(eager):
    moved = eager.shifted([said(0.9)] * 300, np.repeat([1.0, 0.0], [150, 150]))
    assert moved.right([said(0.9)]) == pytest.approx([0.5], abs=0.02)
    hardly = eager.shifted([said(0.9)] * 2, np.zeros(2))
    assert 0.55 < hardly.right([said(0.9)])[0] < 0.7


def test_nobody_labelled_changes_nothing(eager):
    assert eager.shifted([], np.empty(0)) == eager


def test_other_answers_share_the_rest_as_the_scores_say(eager):
    best = said(0.6)
    shares = [eager.of(output, best, 0.8) for output in "abc"]
    assert shares == pytest.approx([0.8, 0.15, 0.05])


def test_without_scores_the_rest_is_shared_evenly():
    answers = [Answer(output) for output in "abcd" * 50]
    plain = Sureness.fit(answers, np.full(200, 0.85))
    assert not plain.told
    assert plain.right(answers[:2]) == pytest.approx([0.55, 0.55])
    assert plain.of("b", Answer("a"), 0.55) == pytest.approx(0.15)
