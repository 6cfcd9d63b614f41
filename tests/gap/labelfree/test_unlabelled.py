"""The gap of rows nobody labelled: estimated, unknown with bounds, or left as it was measured."""

from dataclasses import replace

import pytest

from seatrial.evidence.machine import Machine
from seatrial.evidence.recorder import Conditions
from seatrial.gap.case import EvalRows, GapCase, ProductionRows
from seatrial.gap.gap import measure_gap

MACHINE = Machine(
    cpu="test", cores=1, memory_gib=1, accelerator=None, system="test", python="3", versions={}
)


@pytest.fixture(scope="module")
def case(world):
    draw, predict, _ = world
    evals, labels = draw(400, 1)
    rows, _ = draw(400, 2)
    answers = predict(rows)
    return GapCase(
        eval=EvalRows(evals, labels, predict(evals)),
        production=ProductionRows(rows, answers),
        conditions=Conditions(release="m@0", machine=MACHINE, seed=3),
        answer=predict,
        kind="record",
        metrics=(),
    )


def test_unlabelled_rows_are_estimated_and_what_was_not_answered_counts_as_wrong(case):
    """The state says that it is an estimate; there are no steps."""
    fate = ["failed" if place < 100 else "answered" for place in range(400)]
    document = measure_gap(replace(case, production=replace(case.production, fate=fate)))
    production = document.production
    assert production.state == "estimated"
    assert document.steps is None
    assert production.n == 0
    assert production.accuracy == pytest.approx(0.75 * document.estimate.accuracy)
    assert production.low < production.accuracy < production.high
    assert document.answered.correct_of_all == production.accuracy
    assert document.robustness
    assert document.estimate.limits


def test_too_few_rows_stay_unknown_with_bounds_and_reviews(case):
    """Nothing is asked of the model where nothing could come of it."""
    few = ProductionRows(case.production.inputs[:30], case.production.answers[:30])
    document = measure_gap(replace(case, production=few, answer=_never))
    assert document.production.state == "unknown"
    assert document.production.accuracy is None
    assert document.estimate.refused == ("few-rows",)
    assert "lies between 0 % and 100 %" in document.production.why


def test_a_model_that_cannot_be_asked_again_is_not_estimated(case):
    """Without stress there is no calibration."""
    document = measure_gap(replace(case, answer=None))
    assert document.production.state == "unknown"
    assert document.estimate is None


def test_what_is_measured_is_left_alone(case, world):
    """A label beats every estimate."""
    draw, _, _ = world
    _, labels = draw(400, 2)
    rows = replace(case.production, labels=labels)
    document = measure_gap(replace(case, production=rows))
    assert document.production.state == "measured"
    assert document.estimate is None


def _never(rows):
    raise AssertionError("the model was asked")
