"""Recalibration: found where it helps, left alone where it does not, judged on other rows."""

import numpy as np
import pytest

from seatrial.stats.calibration import calibration
from seatrial.stats.recalibration import Map, Said, fit, recalibrate, said_of

TEMPERATURE = 2.5


def honest(rng, n, classes=4):
    logits = rng.normal(size=(n, classes)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    chosen = shares.argmax(axis=1)
    label = np.array([rng.choice(classes, p=row) for row in shares])
    return shares, chosen, (label == chosen).astype(float)


def sharpened(shares, chosen):
    raised = shares**TEMPERATURE
    raised /= raised.sum(axis=1, keepdims=True)
    return Said(raised[np.arange(chosen.size), chosen], raised, chosen)


def test_a_temperature_that_was_left_out_is_found():
    shares, chosen, right = honest(np.random.default_rng(0), 3000)
    found = fit("temperature", sharpened(shares, chosen), right, np.ones(right.size))
    assert found.temperature == pytest.approx(TEMPERATURE, rel=0.12)


def test_it_mends_confidence_on_rows_that_it_was_not_fitted_on():
    rng = np.random.default_rng(1)
    shares, chosen, right = honest(rng, 1500)
    said = sharpened(shares, chosen)
    found = recalibrate(said, right, rng=rng)
    before = calibration(said.confidence, right, rng=rng).error
    after = calibration(found.confidence, right, rng=rng)
    assert found.map.method in {"temperature", "isotonic"}
    assert before > 0.1
    assert after.error < 0.05
    assert after.high < before


def test_confidence_that_is_right_is_left_alone():
    rng = np.random.default_rng(2)
    left = 0
    for _ in range(10):
        shares, chosen, right = honest(rng, 800)
        said = Said(shares[np.arange(800), chosen], shares, chosen)
        left += recalibrate(said, right, rng=rng).map == Map()
    assert left >= 6


def test_without_scores_the_odds_of_the_confidence_are_divided():
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.55, 0.99, 2000)
    odds = (chance / (1 - chance)) ** 2
    right = (rng.random(2000) < chance).astype(float)
    found = fit("temperature", Said(odds / (1 + odds)), right, np.ones(2000))
    assert found.temperature == pytest.approx(2.0, rel=0.2)


def test_a_step_function_is_carried_as_plain_numbers():
    rng = np.random.default_rng(4)
    said = Said(rng.uniform(0.5, 1.0, 2000))
    right = (rng.random(2000) < np.where(said.confidence > 0.75, 0.9, 0.3)).astype(float)
    found = recalibrate(said, right, rng=rng)
    assert found.map.method == "isotonic"
    low, high = found.map(Said(np.array([0.6, 0.9])))
    assert low == pytest.approx(0.3, abs=0.1)
    assert high == pytest.approx(0.9, abs=0.1)
    assert all(isinstance(value, float) for point in found.map.points for value in point)


def test_few_rows_are_not_fitted_to():
    rng = np.random.default_rng(5)
    said = Said(np.full(40, 0.99))
    found = recalibrate(said, (rng.random(40) < 0.5).astype(float), rng=rng)
    assert found.map == Map()
    assert (found.confidence == said.confidence).all()


def test_rows_count_what_they_weigh():
    """Overconfident rows that stand for nearly nobody do not decide the temperature."""
    rng = np.random.default_rng(6)
    said = Said(np.full(2000, 0.9))
    right = np.r_[rng.random(1000) < 0.9, rng.random(1000) < 0.5].astype(float)
    weights = np.r_[np.ones(1000), np.full(1000, 1e-3)]
    assert fit("temperature", said, right, weights).temperature == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize(
    ("scores", "outputs"),
    [
        ([{"a": 0.7, "b": 0.3}, None], ["a", "a"]),
        ([{"a": 0.7, "b": 0.3}, {"a": 1.0}], ["a", "a"]),
        ([{"a": 2.0, "b": -1.0}], ["a"]),
        ([{"a": 0.7, "b": 0.3}], ["c"]),
        ([{}], ["a"]),
    ],
    ids=["missing", "other classes", "margins", "another answer", "empty"],
)
def test_scores_that_are_no_probabilities_are_left_out(scores, outputs):
    said = said_of(np.full(len(scores), 0.7), scores, outputs)
    assert said.shares is None
