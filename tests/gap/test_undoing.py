"""Factors are undone in the rows that have them, and nowhere else."""

import numpy as np

from seatrial.gap.asking import Asker
from seatrial.gap.bias import Bias
from seatrial.gap.rescoring import rescore
from seatrial.gap.standins import Donors
from seatrial.gap.undoing import Repaired, StoodIn, repairable
from seatrial.models.answers import Answer
from seatrial.stats.scores import row_scores

TEXTS = ["1 10", "<b>1 20</b>", "1 30#", "<b>0 40#</b>", "xx 1 50"]


def repaired(world):
    describer = world.case(n=2, n_eval=2).describer
    intensity = describer.factors(TEXTS)
    factors = repairable(describer, intensity, TEXTS)
    return Repaired.find(describer, factors, intensity, TEXTS)


def test_what_can_be_undone_comes_in_order_of_repair(world):
    assert repaired(world).factors == ("format", "tampering")


def test_rows_are_marked_by_what_they_have(world):
    assert repaired(world).masks.tolist() == [0, 1, 2, 3, 0]


def test_only_what_is_asked_for_is_undone(world):
    rows = repaired(world)
    at = np.array([1, 3])
    assert rows.undo(at, 0b01, 0) == ["1 20", "0 40#"]
    assert rows.undo(at, 0b11, 0) == ["1 20", "0 40"]
    assert rows.undo(at, 0, 0) == [TEXTS[1], TEXTS[3]]
    assert rows.without(frozenset({"tampering"}))[3] == "<b>0 40</b>"
    assert rows.taken(at).undo(np.array([1]), 0b11, 0) == ["0 40"]


def echo(texts):
    """Right only where nothing is wrapped or damaged."""
    return [Answer(int("<" not in text and "#" not in text)) for text in texts]


def score(outputs, labels):
    return row_scores(outputs, labels)


def test_each_row_is_asked_once_per_set_that_it_has(world, rng):
    rows = repaired(world)
    ask = Asker(echo)
    found = rescore(
        rows, [1] * 5, np.array([1.0, 0, 0, 0, 1]), (0, 1, 2, 3),
        ask=ask, score=score, limit=100, rng=rng,
    )  # fmt: skip
    assert found.change.tolist() == [
        [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0],
    ]  # fmt: skip
    assert ask.asked == 3 + 1 + 1 + 3
    assert found.asked.tolist() == [False, True, True, True, False]
    assert found.complete
    assert found.disagreed == 0


def test_a_log_that_the_model_contradicts_is_noticed(world, rng):
    found = rescore(
        repaired(world), [1] * 5, np.ones(5), (0, 1),
        ask=Asker(echo), score=score, limit=100, rng=rng,
    )  # fmt: skip
    assert found.disagreed == 1.0
    assert found.change[1].tolist() == [0, 1]


def test_rows_that_may_not_be_asked_change_like_the_others(world, rng):
    describer = world.case(n=2, n_eval=2).describer
    texts = [f"<b>1 {n}</b>" for n in range(50)]
    rows = Repaired.find(describer, ("format",), describer.factors(texts), texts)
    found = rescore(
        rows, [1] * 50, np.zeros(50), (0, 1),
        ask=Asker(echo), score=score, limit=20, rng=rng,
    )  # fmt: skip
    assert found.asked.sum() == 10
    assert not found.complete
    assert found.change[:, 1].tolist() == [1.0] * 50


def test_stand_ins_fill_only_the_columns_of_the_pattern():
    evals = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    donors = Donors(evals, ["x", "y"])
    rows = [{"a": None, "b": None}] * 2
    chosen = (np.array([1, 0]),)
    side = StoodIn(
        rows, ("column:a", "column:b"), ({1: {"a": 7}}, {}), np.array([3, 1]), donors, chosen
    )
    assert side.undo(np.array([0, 1]), 0b01, 0) == [{"a": 3, "b": None}, {"a": 7, "b": None}]
    assert side.undo(np.array([0]), 0b11, 0) == [{"a": 3, "b": 4}]
    assert side.stood_in().tolist() == [3, 0]


def test_the_bias_of_stand_ins_is_that_of_the_rows_pattern(world, rng):
    rows = rescore(
        repaired(world), [1] * 5, np.zeros(5), (0, 1, 2, 3),
        ask=Asker(echo), score=score, limit=100, rng=rng,
    )  # fmt: skip
    change = np.array([[-0.2, -0.4], [0.0, -0.4]])
    bias = Bias.of(rows.patterns, (1, 2), np.array([0, 2]), change)
    assert bias.correction[1].round(9).tolist() == [0, -0.1, 0, -0.1]
    assert bias.correction[3].round(9).tolist() == [0, -0.1, -0.4, -0.5]
    assert bias.off(np.ones(3)).tolist() == [0, 0, 0, 0]
    assert bias.off(np.array([2.0, 0, 0]))[1] < 0
    assert Bias.none(2).off(np.ones(3)).tolist() == [0, 0]
