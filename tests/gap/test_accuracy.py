"""Production accuracy counts every request, and its interval covers the truth."""

import numpy as np
import pytest

from seatrial.core.errors import DataError
from seatrial.gap.accuracy import (
    ProductionScores,
    production_accuracy,
    score_eval,
    score_production,
)
from seatrial.models.answers import Answer


def scores(given, *, fate=None, weights=None):
    given = np.array(given, dtype=float)
    codes = np.zeros(given.size, dtype=np.int64) if fate is None else np.array(fate)
    drawn = np.ones(given.size) if weights is None else np.array(weights, dtype=float)
    return ProductionScores(codes, given, ~np.isnan(given), drawn)


def test_unanswered_requests_are_wrong_with_or_without_a_label():
    found = production_accuracy(scores([1, 1, np.nan, 1], fate=[0, 0, 2, 1]), guess=0.8)
    assert (found.state, found.accuracy, found.n) == ("measured", 0.5, 4)


def test_a_sample_stands_for_the_answered_ones_only():
    given = [1, 1, 1, 0] + [np.nan] * 6
    found = production_accuracy(scores(given, fate=[0] * 8 + [2, 2]), guess=0.8)
    assert found.accuracy == pytest.approx(0.8 * 0.75)
    assert (found.n, found.rows) == (4, 10)


def test_inclusion_probabilities_weigh(world, changed):
    case = world.case(n=4, n_eval=2)
    right = list(case.production.labels)
    answers = [Answer(right[0]), Answer(1 - right[1]), None, None]
    answers[2:] = [Answer(0), Answer(0)]
    case = changed(
        case,
        production={
            "answers": answers,
            "labels": [right[0], right[1], None, None],
            "probabilities": [0.25, 0.75, 0.5, 0.5],
        },
    )
    found = production_accuracy(score_production(case), guess=0.8)
    assert found.accuracy == pytest.approx(4 / (4 + 4 / 3))


@pytest.mark.parametrize("wrong", [0.0, 1.5, -0.1])
def test_probabilities_are_probabilities(world, changed, wrong):
    case = changed(world.case(n=2, n_eval=2), production={"probabilities": [0.5, wrong]})
    with pytest.raises(DataError, match="inclusion probability"):
        score_production(case)


def test_two_hundred_labels_of_four_thousand_cover_the_truth(rng):
    truth = (rng.random(4000) < 0.62).astype(float)
    held = []
    for _ in range(600):
        given = np.full(4000, np.nan)
        rows = rng.choice(4000, 200, replace=False)
        given[rows] = truth[rows]
        found = production_accuracy(scores(given), guess=0.8)
        held.append(found.low <= truth.mean() <= found.high)
    assert np.mean(held) >= 0.92


def test_unequal_probabilities_cover_too(rng):
    truth = (rng.random(4000) < np.where(np.arange(4000) < 1000, 0.4, 0.7)).astype(float)
    chance = np.where(np.arange(4000) < 1000, 0.1, 0.05)
    held = []
    for _ in range(200):
        given = np.where(rng.random(4000) < chance, truth, np.nan)
        weights = np.where(np.isnan(given), 0, 1 / chance)
        found = production_accuracy(scores(given, weights=weights), guess=0.8)
        held.append(found.low <= truth.mean() <= found.high)
    assert np.mean(held) >= 0.92


def test_an_answer_that_is_none_has_failed(world, changed):
    case = changed(world.case(n=2, n_eval=2), production={"answers": [None, Answer(0)]})
    assert score_production(case).fate.tolist() == [2, 0]


def test_every_eval_row_needs_a_label(world, changed):
    case = changed(world.case(n=3, n_eval=3), evals={"labels": [1, None, 0]})
    with pytest.raises(DataError, match="eval row 1 has no label"):
        score_eval(case)


def test_withheld_answers_on_eval_count_for_the_ledger_only(world, changed):
    case = world.case(n=2, n_eval=2)
    right = [Answer(label) for label in case.eval.labels]
    case = changed(
        case,
        evals={"original": right, "served": [right[0], None],
               "served_fate": ["abstained", "abstained"]},
    )  # fmt: skip
    found = score_eval(case)
    assert found.served.tolist() == [0.0, 0.0]
    assert found.reached.tolist() == [1.0, 1.0]
