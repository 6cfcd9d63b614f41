"""The outcome model finds slopes, keeps signs, and leaves to the remainder what is its own."""

import numpy as np
import pytest

from seatrial.gap.outcome import ELSEWHERE_SD, Prior, helping, moments, ramps, solve


def fitted(design, response, *, prior, free):
    sums = moments(design, response[:, None], np.ones(len(response)))
    return solve(sums, [Prior.of(np.array(prior, dtype=float))], np.array(free))[:, 0]


def test_without_a_prior_it_is_least_squares(rng):
    design = np.c_[np.ones(200), rng.normal(size=(200, 3))]
    response = design @ np.array([0.5, -0.3, 0.2, -0.1]) + rng.normal(size=200)
    ours = fitted(design, response, prior=[np.inf] * 4, free=[True] * 4)
    theirs = np.linalg.lstsq(design, response, rcond=None)[0]
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_prior_is_ridge_regression(rng):
    from sklearn.linear_model import Ridge

    x = rng.normal(size=(100, 2))
    response = x @ np.array([1.0, -1.0]) + rng.normal(size=100)
    ours = fitted(np.c_[np.ones(100), x], response, prior=[np.inf, 0.2, 0.2], free=[True] * 3)
    theirs = Ridge(alpha=response.var() / 0.04).fit(x, response)
    assert ours == pytest.approx([theirs.intercept_, *theirs.coef_], abs=1e-6)


def test_without_rows_a_coefficient_is_where_its_prior_is_centred():
    sums = moments(np.array([[1.0, 0.0]] * 50), np.full((50, 1), 0.5), np.ones(50))
    prior, free = Prior.of(np.array([np.inf, 0.2])), np.array([True, True])
    found = solve(sums, [prior], free, centres=[np.array([0.0, -0.3])])
    assert found[:, 0] == pytest.approx([0.5, -0.3], abs=1e-6)


def test_many_rows_say_more_than_where_the_prior_is_centred(rng):
    design = np.c_[np.ones(50_000), rng.random(50_000)]
    sums = moments(design, (0.8 - 0.3 * design[:, 1])[:, None], np.ones(50_000))
    prior, free = Prior.of(np.array([np.inf, 0.5])), np.array([True, True])
    found = solve(sums, [prior], free, centres=[np.array([0.0, 1.0])])
    assert found[1, 0] == pytest.approx(-0.3, abs=1e-3)


def test_a_factor_does_not_help(rng):
    x = rng.random(300)
    response = 0.5 + 0.08 * x + 0.1 * rng.normal(size=300)
    kept = fitted(np.c_[np.ones(300), x], response, prior=[np.inf, 1.0], free=[True, False])
    assert kept[1] == 0.0
    assert kept[0] == pytest.approx(response.mean())


def test_unless_it_does_so_beyond_doubt(rng):
    x = rng.random(300)
    design = np.c_[np.ones(300), x]
    prior, free = Prior.of(np.array([np.inf, 1.0])), np.array([True, False])
    for slope, expected in ((0.5, True), (0.005, False), (-0.5, False)):
        response = 0.4 + slope * x + 0.1 * rng.normal(size=300)
        sums = moments(design, response[:, None], np.ones(300))
        assert helping(sums, prior, free)[1] == expected


def test_where_nothing_tells_them_apart_the_factor_takes_the_drop():
    there = np.repeat([0.0, 1.0], 500)
    response = np.where(there == 1, 0.5, 0.9)
    design = np.c_[np.ones(1000), there, there]
    found = fitted(design, response, prior=[np.inf, ELSEWHERE_SD, 0.5], free=[True, True, False])
    assert found[2] == pytest.approx(-0.4 * 0.25 / (0.25 + ELSEWHERE_SD**2), abs=0.01)


def test_twins_agree_where_one_of_them_was_not_seen():
    design = np.c_[np.ones(400), np.tile([0.0, 1.0], 200), np.zeros(400)]
    sums = moments(design, (0.8 - 0.3 * design[:, 1])[:, None], np.ones(400))
    prior = Prior.of(np.array([np.inf, 0.5, 1.0]), {2: (1, 0.1)})
    found = solve(sums, [prior], np.array([True, True, True]))[:, 0]
    assert found == pytest.approx([0.8, -0.3, -0.3], abs=1e-3)


def test_draws_of_a_prior_have_its_covariance(rng):
    prior = Prior.of(np.array([0.5, 1.0]), {1: (0, 0.2)})
    draws = prior.root @ rng.standard_normal((2, 100_000))
    assert np.cov(draws) == pytest.approx(np.linalg.inv(prior.precision), abs=0.01)


def test_ramps_rise_in_order_and_fill_up():
    table = ramps(np.linspace(0, 1, 21))
    assert ((table >= 0) & (table <= 1)).all()
    assert (np.diff(table, axis=0) >= 0).all()
    assert table[-1].tolist() == [1.0, 1.0, 1.0]
    assert table[0].tolist() == [0.0, 0.0, 0.0]
