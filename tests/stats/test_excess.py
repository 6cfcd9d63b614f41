"""The largest of many comparisons is judged beside the largest that chance shows."""

import numpy as np
import pytest

from seatrial.stats.excess import Dealer, Excesses

ROWS, GROUPS = 300, 40


def dealt(losses, *, weights=None, cells=None, seed=1, replicates=199):
    n = losses.size
    return Dealer(
        losses,
        np.ones(n) if weights is None else weights,
        np.zeros(n, dtype=np.int64) if cells is None else cells,
        rng=np.random.default_rng(seed),
        replicates=replicates,
    )


def groups(rng, share=0.2):
    return rng.random((GROUPS, ROWS)) < share


def test_with_equal_weights_the_statistic_is_that_of_two_means():
    rng = np.random.default_rng(0)
    losses = (rng.random(ROWS) < 0.3).astype(float)
    one = groups(rng)[:1]
    inside, rest = losses[one[0]], losses[~one[0]]
    spread = losses.std(ddof=1) * np.sqrt(1 / inside.size + 1 / rest.size)
    found = dealt(losses).excesses(one).statistics[0]
    assert found == pytest.approx((inside.mean() - rest.mean()) / spread, rel=1e-4)


def test_weights_count_as_copies_do():
    rng = np.random.default_rng(1)
    losses = (rng.random(ROWS) < 0.3).astype(float)
    many = groups(rng)
    doubled = np.where(rng.random(ROWS) < 0.5, 2.0, 1.0)
    by_weight = dealt(losses, weights=doubled).excesses(many).statistics
    copies = np.repeat(np.arange(ROWS), doubled.astype(int))
    by_copy = dealt(losses[copies]).excesses(many[:, copies]).statistics
    assert np.corrcoef(by_weight, by_copy)[0, 1] > 0.99


def test_what_cells_explain_is_no_excess():
    rng = np.random.default_rng(2)
    cells = (rng.random(ROWS) < 0.5).astype(np.int64)
    losses = (rng.random(ROWS) < np.where(cells == 1, 0.8, 0.1)).astype(float)
    nearly = cells.astype(bool) ^ (rng.random(ROWS) < 0.1)
    plain = dealt(losses).excesses(nearly[None]).statistics[0]
    within = dealt(losses, cells=cells).excesses(nearly[None]).statistics[0]
    assert plain > 5
    assert abs(within) < 3


def test_a_group_that_is_whole_cells_has_nothing_to_be_compared_with():
    cells = np.repeat([0, 1], ROWS // 2)
    losses = np.random.default_rng(3).random(ROWS)
    found = dealt(losses, cells=cells).excesses((cells == 1)[None])
    assert found.statistics[0] == -np.inf


def test_all_losses_alike_show_nothing():
    found = dealt(np.ones(ROWS)).excesses(groups(np.random.default_rng(4)))
    assert not (found.statistics > 0).any()


@pytest.mark.parametrize("unequal", [False, True])
def test_chance_exceeds_the_critical_value_about_as_often_as_it_says(unequal):
    false = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, 7])
        losses = (rng.random(ROWS) < 0.2).astype(float)
        weights = np.where(rng.random(ROWS) < 0.5, 4.0, 1.0) if unequal else None
        found = dealt(losses, weights=weights, seed=seed).excesses(groups(rng))
        false += found.statistics.max() >= found.critical(0.1)
    assert false <= 18


def test_an_adjusted_chance_is_never_nought():
    found = Excesses(np.array([9.0]), np.array([1.0, 2.0, 3.0]))
    assert found.chance(9.0) == 0.25
    assert found.critical(0.5) == 2.0
    assert found.critical(0.01) == np.inf
