"""Production without labels: an estimate that holds, or a refusal that says why."""

import numpy as np

from seatrial.gap.labelfree.looking import EDITS, narrowing, readable
from seatrial.models.answers import Answer
from seatrial.stats.scores import row_scores


def truth(predict, rows, labels):
    return row_scores([one.output for one in predict(rows)], labels).mean()


def test_rows_like_eval_are_estimated_near_their_truth(look, world):
    """Where nothing shifted, the estimate is as good as eval is large."""
    draw, predict, _ = world
    rows, labels = draw(800, 2)
    found = look.estimate(rows, predict(rows))
    assert found.shown
    assert found.shift.high < 0.65
    assert abs(found.accuracy - truth(predict, rows, labels)) < 0.05
    assert found.low <= truth(predict, rows, labels) <= found.high


def test_noise_in_cells_is_seen_as_a_loss(look, world):
    """A loss that inputs show is estimated, with an interval that holds it."""
    draw, predict, _ = world
    rows, labels = draw(800, 3)
    rng = np.random.default_rng(3)
    noisy = [{**row, "c0": row["c0"] + rng.normal(scale=2.0)} for row in rows]
    found = look.estimate(noisy, predict(noisy))
    real = truth(predict, noisy, labels)
    assert real < truth(predict, rows, labels) - 0.05
    assert found.shown is False or found.low <= real <= found.high


def test_foreign_traffic_is_refused_with_bounds_and_what_would_narrow_them(look, world):
    """What the model was never scored on is not guessed."""
    draw, predict, _ = world
    rows, _ = draw(800, 4)
    foreign = np.arange(800) < 400
    found = look.estimate(rows, predict(rows), foreign)
    assert not found.shown
    assert "language" in found.refused
    assert found.accuracy is None
    assert found.unknown_share == 0.5
    assert found.bound_low < 0.5 < found.bound_high
    assert "50 % of traffic" in found.why
    assert [one.n for one in found.narrowing] == [50, 200]


def test_a_few_foreign_rows_widen_the_interval(look, world):
    """A tenth of the traffic in another language lowers and widens, and is not ignored."""
    draw, predict, _ = world
    rows, _ = draw(800, 4)
    without = look.estimate(rows, predict(rows))
    some = look.estimate(rows, predict(rows), np.arange(800) < 80)
    assert some.shown
    assert some.accuracy < without.accuracy
    assert some.high - some.low > without.high - without.low


def test_collapsed_answers_are_refused(look, world):
    """A model that answers the same to everything is right as often as that class is."""
    draw, predict, _ = world
    rows, _ = draw(800, 5, moved=6.0)
    answers = predict(rows)
    assert np.mean([one.output == "stays" for one in answers]) > 0.95
    found = look.estimate(rows, answers)
    assert not found.shown
    assert "collapse" in found.refused
    assert (found.bound_low, found.bound_high) == (0.0, 1.0)
    assert found.unknown_share == 1.0


def test_few_rows_are_refused(look, world):
    """Thirty answers are luck."""
    draw, predict, _ = world
    rows, _ = draw(30, 6)
    found = look.estimate(rows, predict(rows))
    assert found.refused == ("few-rows",)


def test_a_small_eval_set_is_refused(world):
    """A hundred eval rows calibrate nothing."""
    draw, predict, looked = world
    rows, _ = draw(300, 6)
    found = looked(n=100).estimate(rows, predict(rows))
    assert "few-rows" in found.refused


def test_without_time_for_stress_nothing_is_shown(world):
    """An estimate that was not calibrated is no estimate."""
    draw, predict, looked = world
    rows, _ = draw(300, 6)
    found = looked(spent=lambda: True).estimate(rows, predict(rows))
    assert "few-stresses" in found.refused
    assert found.stresses == 0


def test_a_model_without_confidence_is_judged_by_agreement(world):
    """Nothing is made up where the model says nothing of itself."""
    draw, predict, looked = world

    def silent(rows):
        return [Answer(one.output) for one in predict(rows)]

    rows, labels = draw(800, 7)
    found = looked(silent).estimate(rows, silent(rows))
    assert set(found.parts) == {"rows", "agreement"}
    assert not found.shown or found.low <= truth(predict, rows, labels) <= found.high


def test_labels_that_are_all_different_are_not_learnt():
    """Free text is no class: then there is no estimate at all."""
    assert (
        readable([str(place) for place in range(50)], task="classification", tolerance=None) is None
    )
    assert readable([["a"], ["b"]] * 30, task="classification", tolerance=None) is None
    assert readable([1.5, 2.5, 4.0], task="regression", tolerance=None) is None
    assert readable([1.5, 2.5, 4.0], task="regression", tolerance=0.5) is not None


def test_the_limits_are_printed_with_every_estimate(look, world):
    """What no test of inputs sees is named beside the number."""
    draw, predict, _ = world
    rows, _ = draw(200, 8)
    assert EDITS in look.estimate(rows, predict(rows)).limits


def test_robustness_is_told_by_family_the_worst_first(look):
    """The suite is a test of its own, every figure with rows and interval."""
    families = look.robustness()
    assert [one.points for one in families] == sorted(one.points for one in families)
    assert {"cells-noisy", "cells-missing"} <= {one.family for one in families}
    for one in families:
        assert one.low <= one.accuracy <= one.high
        assert one.worst_accuracy <= one.accuracy
        assert one.rows <= 600


def test_reviews_offered_are_fewer_than_the_rows():
    """More reviews than rows cannot be had."""
    assert [one.n for one in narrowing((0.4, 0.9), 300)] == [50, 200]
    assert narrowing((0.4, 0.9), 20) == ()


def test_the_same_seed_gives_the_same_estimate(world):
    """Every random choice is seeded."""
    draw, predict, looked = world
    rows, _ = draw(300, 9)
    assert looked().estimate(rows, predict(rows)) == looked().estimate(rows, predict(rows))
