"""Faulty cells tried on eval rows: what they cost there is what they are forecast to cost."""

import numpy as np
import pytest

from seatrial.gap.asking import Asker
from seatrial.gap.standins import Donors
from seatrial.gap.transplants import transplanted
from seatrial.gap.undoing import StoodIn
from seatrial.models.answers import Answer
from seatrial.stats.scores import row_scores


def rows(n, rng):
    """A label that column ``a`` tells without fail and ``b`` never."""
    labels = rng.integers(0, 2, n).tolist()
    return [{"a": label, "b": float(rng.normal())} for label in labels], labels


def predict(records):
    return [Answer(1 if row["a"] is None else row["a"]) for row in records]


@pytest.fixture
def found(rng):
    evals, eval_labels = rows(1000, rng)
    inputs, labels = rows(200, rng)
    lost = rng.random(1000) < 0.4
    inputs = [{**row, "a": None} if gone else row for row, gone in zip(inputs, lost, strict=False)]
    donors = Donors(evals, eval_labels)
    chosen = donors.draw(donors.group(labels), own=False, rng=rng)
    side = StoodIn(inputs, ("column:a",), ({},), lost[:200].astype(np.int64), donors, (chosen,))
    return lost, transplanted(
        side, (0, 1), {"column:a": lost.astype(float)}, labels, eval_labels,
        ask=Asker(predict), score=row_scores, rng=rng,
    )  # fmt: skip


def test_every_second_lost_cell_costs_an_answer(found):
    lost, foreseen = found
    assert foreseen.gain[lost, 1] == pytest.approx(np.full(lost.sum(), 0.5), abs=0.06)
    assert foreseen.changed[lost, 1] == pytest.approx(foreseen.gain[lost, 1])


def test_rows_without_a_fault_and_worlds_without_repair_change_nothing(found):
    lost, foreseen = found
    assert (foreseen.gain[~lost] == 0).all()
    assert (foreseen.gain[:, 0] == 0).all()
    assert foreseen.known.all()
