"""The Shapley value: who gets how much of a difference that several made together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

EXACT_PLAYERS = 10
"""Players up to which every coalition is asked (1,024 of them)."""

PERMUTATIONS = 200
"""Orders drawn beyond that, each with its reverse, which cancels pairwise interactions."""

Coalition = int
"""A set of players as a bit mask: player j is in it where bit j is set."""


@dataclass(frozen=True)
class Operator:
    """A linear rule that turns values of coalitions into one share per player.

    Attributes:
        coalitions: The coalitions whose values are needed.
        matrix: Shape (players, coalitions); ``matrix @ values`` are the shares.
    """

    coalitions: tuple[Coalition, ...]
    matrix: NDArray[np.float64]

    def shares(self, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one share per player; they sum to value(everybody) - value(nobody)."""
        return np.asarray(self.matrix @ np.asarray(values, dtype=float))


def shapley(
    value: Callable[[Coalition], float],
    players: int,
    *,
    rng: np.random.Generator | None = None,
    permutations: int = PERMUTATIONS,
) -> NDArray[np.float64]:
    """Return each player's Shapley value; they sum to value(all) - value(none).

    Formula: ``sum_S |S|! (k - |S| - 1)! / k! (v(S + j) - v(S))`` over coalitions S without j
    (Shapley 1953). Up to 10 players exactly; beyond, the mean over random orders and their
    reverses (Castro, Gomez and Tejada 2009), whose sum is exact all the same.

    Args:
        value: Worth of a coalition, given as a bit mask.
        players: How many there are.
        rng: Source of the orders; needed beyond 10 players.
        permutations: Orders drawn, reverses included.

    >>> shapley(lambda s: 6.0 * (s == 0b11) + 2.0 * (s == 0b01), 2).tolist()
    [4.0, 2.0]
    """
    if players <= EXACT_PLAYERS:
        operator = exact(players)
        return operator.shares([value(coalition) for coalition in operator.coalitions])
    if rng is None:
        raise ValueError(f"{players} players are sampled: pass rng")
    return _sampled(cache(value), players, rng, permutations)


@cache
def exact(players: int) -> Operator:
    """Return the rule over all 2^players coalitions.

    >>> exact(1).matrix.tolist()
    [[-1.0, 1.0]]
    """
    coalitions = tuple(range(1 << players))
    matrix = np.zeros((players, len(coalitions)))
    whole = math.factorial(players)
    for coalition in coalitions:
        size = coalition.bit_count()
        for player in range(players):
            bit = 1 << player
            if not coalition & bit:
                others = math.factorial(size) * math.factorial(players - size - 1) / whole
                matrix[player, coalition] -= others
                matrix[player, coalition | bit] += others
    return Operator(coalitions, matrix)


@cache
def first_and_last(players: int) -> Operator:
    """Return a rule over 2 players + 2 coalitions only: alone, and everybody but one.

    A player's share is the mean of what it adds first and what it adds last: the Shapley value
    wherever players interact in pairs at most. What triples leave over is split equally, so that
    the sum stays exact.

    >>> pairs = lambda s: 3.0 * bool(s & 1) + 2.0 * (s & 0b110 == 0b110)
    >>> rule = first_and_last(3)
    >>> rule.shares([pairs(s) for s in rule.coalitions]).round(9).tolist()
    [3.0, 1.0, 1.0]
    """
    everybody = (1 << players) - 1
    wanted = {0, everybody}
    for player in range(players):
        wanted |= {1 << player, everybody ^ (1 << player)}
    coalitions = tuple(sorted(wanted))
    column = {coalition: index for index, coalition in enumerate(coalitions)}
    matrix = np.zeros((players, len(coalitions)))
    for player in range(players):
        matrix[player, column[1 << player]] += 0.5
        matrix[player, column[0]] -= 0.5
        matrix[player, column[everybody]] += 0.5
        matrix[player, column[everybody ^ (1 << player)]] -= 0.5
    total = np.zeros(len(coalitions))
    total[column[everybody]] += 1.0
    total[column[0]] -= 1.0
    matrix += (total - matrix.sum(axis=0)) / max(players, 1)
    return Operator(coalitions, matrix)


def _sampled(
    value: Callable[[Coalition], float], players: int, rng: np.random.Generator, permutations: int
) -> NDArray[np.float64]:
    shares = np.zeros(players)
    orders = 0
    while orders < max(permutations, 2):
        order = rng.permutation(players)
        for walk in (order, order[::-1]):
            coalition, before = 0, value(0)
            for player in walk:
                coalition |= 1 << int(player)
                after = value(coalition)
                shares[player] += after - before
                before = after
            orders += 1
    return shares / orders
