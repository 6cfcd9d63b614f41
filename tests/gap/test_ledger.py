"""The game behind the ledger: what undone coalitions are worth, and exact sums whatever comes."""

from dataclasses import replace

import numpy as np
import pytest

from seatrial.gap.bias import Bias
from seatrial.gap.game import Game
from seatrial.gap.ledger import draw_up
from seatrial.gap.material import Material, Undone
from seatrial.stats.attribution import exact

UNDONE = Undone(
    id="format", causal=True, use=1.0, rows=50, gain=0.4, gain_error=0.01, flips=1.0, moved=9.0,
    within=0.02,
)  # fmt: skip


def material(**fields):
    """Two factors: the first is undone (and wins 0.4 in rows that have it), the second is not."""
    has = np.repeat([0.0, 1.0], 50)
    foreign = np.tile([0.0, 1.0], 50)
    plain = 0.9 - 0.2 * foreign
    base = Material(
        undone=(UNDONE,),
        modelled=("language",),
        fates=(),
        fates_asked={},
        harmless={},
        operator=exact(2),
        worlds=(0, 1),
        eval_scores=np.full((80, 2), 0.9),
        eval_intensity=np.zeros((80, 2)),
        scores=np.stack([plain - 0.4 * has, plain], axis=1),
        intensity=np.stack([has, foreign], axis=1),
        fate=np.zeros(100, dtype=np.int64),
        rows=np.ones(100),
        labelled=np.arange(100),
        weights=np.ones(100),
        bias=Bias.none(2),
    )
    return replace(base, **fields)


def ledger_of(one, total=None, rng=None):
    game = Game(one)
    _, drop = game.values(np.ones(len(one.eval_scores)), np.ones(len(one.fate)))
    rng = rng or np.random.default_rng(0)
    return draw_up(one, 100 * drop if total is None else total, rng=rng, replicates=50)


def points(ledger):
    return dict(zip(ledger.ids, ledger.points, strict=True))


def test_each_factor_gets_what_was_planted():
    found = points(ledger_of(material()))
    assert found["format"] == pytest.approx(-20, abs=0.5)
    assert found["language"] == pytest.approx(-10, abs=0.5)
    assert found["remainder"] == pytest.approx(0, abs=0.6)


def test_the_sum_is_exact_whatever_the_total():
    for total in (-30.0, 12.3456789, 0.0):
        assert ledger_of(material(), total).points.sum() == pytest.approx(total, abs=1e-9)


def test_what_eval_has_as_well_explains_nothing():
    common = material(
        eval_intensity=np.stack([np.zeros(80), np.tile([0.0, 1.0], 40)], axis=1),
        eval_scores=np.repeat((0.9 - 0.2 * np.tile([0.0, 1.0], 40))[:, None], 2, axis=1),
    )
    assert points(ledger_of(common))["language"] == pytest.approx(0, abs=0.3)


def test_a_fate_is_a_player():
    every_fifth = np.where(np.arange(100) % 5 == 0, 2, 0)
    lost = material(fates=(2,), operator=exact(3), fate=every_fifth)
    found = ledger_of(lost)
    assert found.ids == ("format", "language", "failed", "remainder")
    assert points(found)["failed"] < -7
    assert points(found)["remainder"] == pytest.approx(0, abs=0.6)


def test_unlabelled_failures_are_worth_what_answered_rows_are():
    one = material(
        fates=(2,),
        operator=exact(3),
        fate=np.r_[np.zeros(100, dtype=np.int64), np.full(25, 2)],
        rows=np.ones(125),
        intensity=np.vstack([material().intensity, np.zeros((25, 2))]),
    )
    game = Game(one)
    values, drop = game.values(np.ones(80), np.ones(125))
    answered = one.scores[:, 0].mean()
    assert drop == pytest.approx(0.8 * answered - 0.9)
    assert values[0b100] - values[0] == pytest.approx(0.2 * answered, abs=1e-9)


def test_intervals_hold_their_points(rng):
    noisy = material()
    noisy = replace(noisy, scores=noisy.scores + 0.1 * rng.normal(size=noisy.scores.shape))
    found = ledger_of(noisy, rng=rng)
    assert (found.low <= found.points).all()
    assert (found.points <= found.high).all()
    assert (found.high - found.low)[0] > 1


def test_rows_that_stand_for_many_count_as_many():
    weighed = material(rows=np.where(material().intensity[:, 1] > 0, 3.0, 1.0))
    assert points(ledger_of(weighed))["language"] == pytest.approx(-15, abs=0.7)
