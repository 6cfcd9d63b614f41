"""A few coefficients in log odds: as scikit-learn finds them; the prior alone without rows."""

import numpy as np
import pytest

from seatrial.stats.logistic import chance, fit_logistic, log_odds


def test_it_finds_what_scikit_learn_finds():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 2))
    right = rng.random(500) < chance(0.4 + x @ np.array([1.0, -0.5]))
    ours = fit_logistic(
        np.c_[np.ones(500), x], right.astype(float), prior_mean=np.zeros(3), prior_sd=[1e3, 1, 1]
    )
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(x, right)
    assert ours == pytest.approx([theirs.intercept_[0], *theirs.coef_[0]], abs=1e-3)


def test_without_rows_the_prior_stands():
    found = fit_logistic(np.empty((0, 2)), np.empty(0), prior_mean=[0.3, 1.0], prior_sd=[1.0, 2.0])
    assert found.tolist() == [0.3, 1.0]


def test_an_offset_is_known_beforehand():
    odds = np.full(2000, 0.7)
    found = fit_logistic(
        np.ones((2000, 1)), np.full(2000, 0.6), prior_mean=[0.0], prior_sd=[100.0], offset=odds
    )
    assert chance(found + 0.7) == pytest.approx([0.6], abs=1e-6)


def test_fractions_of_a_score_count_as_such():
    found = fit_logistic(np.ones((9, 1)), np.full(9, 0.25), prior_mean=[0.0], prior_sd=[100.0])
    assert chance(found) == pytest.approx([0.25], abs=1e-3)


def test_certainty_has_log_odds_too():
    assert np.isfinite(log_odds([0.0, 1.0])).all()
    assert chance(log_odds([0.2, 0.9])) == pytest.approx([0.2, 0.9])
