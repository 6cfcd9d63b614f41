"""Shares sum exactly, and follow the axioms that define them."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats.attribution import exact, first_and_last, shapley

games = st.integers(1, 4).flatmap(
    lambda k: st.lists(st.floats(-10, 10), min_size=2**k, max_size=2**k)
)


def by_permutations(values, players):
    shares = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for player in order:
            shares[player] += values[coalition | 1 << player] - values[coalition]
            coalition |= 1 << player
    return shares / len(orders)


@given(games)
def test_agrees_with_the_mean_over_all_orders(values):
    players = len(values).bit_length() - 1
    ours = shapley(lambda s: values[s], players)
    assert ours == pytest.approx(by_permutations(values, players), abs=1e-9)


@given(games)
def test_shares_sum_to_the_whole(values):
    players = len(values).bit_length() - 1
    for operator in (exact(players), first_and_last(players)):
        shares = operator.shares([values[s] for s in operator.coalitions])
        assert shares.sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_by_hand():
    worth = {0b00: 0.0, 0b01: 4.0, 0b10: 2.0, 0b11: 10.0}
    assert shapley(worth.__getitem__, 2).tolist() == [6.0, 4.0]


def test_who_adds_nothing_gets_nothing():
    assert shapley(lambda s: float(s & 0b101), 3)[1] == 0.0


def test_equals_get_the_same():
    shares = shapley(lambda s: float(s.bit_count() ** 2), 5)
    assert shares == pytest.approx([5.0] * 5)


def test_first_and_last_is_exact_for_pairs():
    rng = np.random.default_rng(3)
    alone, pairs = rng.normal(size=6), np.triu(rng.normal(size=(6, 6)), 1)

    def worth(coalition):
        inside = np.array([coalition >> j & 1 for j in range(6)], dtype=float)
        return float(alone @ inside + inside @ pairs @ inside)

    operator = first_and_last(6)
    assert len(operator.coalitions) == 14
    ours = operator.shares([worth(s) for s in operator.coalitions])
    assert ours == pytest.approx(shapley(worth, 6))


def test_many_players_are_sampled_and_the_sum_stays_exact():
    weights = np.arange(12.0)

    def worth(coalition):
        return float(sum(weights[j] for j in range(12) if coalition >> j & 1))

    shares = shapley(worth, 12, rng=np.random.default_rng(0), permutations=4)
    assert shares == pytest.approx(weights)
    with pytest.raises(ValueError, match="pass rng"):
        shapley(worth, 12)
