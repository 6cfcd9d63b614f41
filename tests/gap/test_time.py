"""Where there is no time to ask the model again, a factor is unknown; it is never nought."""

from dataclasses import replace

import pytest

from seatrial.core.clock import TimeBudget
from seatrial.describe.describer import describer_for
from seatrial.gap.asking import BATCH, Asker
from seatrial.gap.case import EvalRows, ProductionRows
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer
from seatrial.testing.clock import ManualClock


def within(case, seconds):
    """Return the case with a model that takes a second a call, and so many seconds to ask it."""
    clock = ManualClock()

    def answer(inputs):
        clock.advance(1.0)
        return case.answer(inputs)

    return replace(case, answer=answer, budget=TimeBudget(seconds, clock=clock))


def by_id(document):
    return {step.id: step for step in document.steps}


def assert_sums(document):
    total = sum(step.points for step in document.steps)
    assert total == pytest.approx(document.drop_points, abs=1e-9)


def test_a_factor_that_was_not_asked_is_unknown_and_what_it_cost_is_in_the_remainder(world, loss):
    document = measure_gap(within(world.case({"format": 0.5}, n=1000), 0.0))
    assert "format" not in by_id(document)
    (unknown,) = document.unknown
    assert unknown.id == "format"
    assert unknown.why.startswith("not asked for want of time")
    assert by_id(document)["remainder"].points == pytest.approx(-50 * loss["format"], abs=5)
    assert any("what format cost is not known" in text for text in document.criticisms)
    assert_sums(document)


def test_every_factor_is_told_from_the_part_of_the_rows_that_there_was_time_for(world, loss):
    planted = {"format": 0.6, "tampering": 0.6}
    document = measure_gap(within(world.case(planted, n=3000), 5.0))
    assert document.unknown == ()
    assert any("time budget" in text for text in document.criticisms)
    for name, share in planted.items():
        step = by_id(document)[name]
        assert step.kind == "causal"
        assert 0 < step.n < 1800
        assert step.low <= -100 * share * loss[name] <= step.high
    assert_sums(document)


def test_a_rare_factor_that_time_left_out_is_unknown_beside_one_that_is_known(world, rng, loss):
    case = world.case({"format": 0.9}, n=3000)
    last = case.production.inputs[-1]
    spoilt = replace(case.production, inputs=[*case.production.inputs[:-1], f"{last}#"])
    document = measure_gap(within(replace(case, production=spoilt), 3.0))
    assert [one.id for one in document.unknown] == ["tampering"]
    assert by_id(document)["format"].points == pytest.approx(-90 * loss["format"], abs=5)
    assert_sums(document)


def test_with_time_enough_nothing_is_unknown(world):
    document = measure_gap(within(world.case({"format": 0.5}, n=1000), 1000.0))
    assert document.unknown == ()
    assert "time budget" not in " ".join(document.criticisms)


def test_a_column_that_was_not_tried_is_unknown_and_not_unused(world, rng):
    """A table whose one column is lost: whether the model reads it takes questions to find out."""
    rows = [{"age": float(value)} for value in rng.normal(size=1200)]
    labels = [int(row["age"] > 0) for row in rows]

    def predict(records):
        return [Answer(int((row["age"] or -1.0) > 0)) for row in records]

    lost = [row | {"age": None} if index % 2 else row for index, row in enumerate(rows[600:])]
    case = replace(
        world.case(n=2, n_eval=2),
        eval=EvalRows(rows[:600], labels[:600], predict(rows[:600]), None, None),
        production=ProductionRows(lost, predict(lost), labels[600:]),
        describer=describer_for("record", rows[:600]),
        answer=predict,
    )
    document = measure_gap(within(case, 0.0))
    assert [one.id for one in document.unknown] == ["column:age"]
    assert "column:age" not in by_id(document)
    assert_sums(document)
    asked = measure_gap(within(case, 1000.0))
    assert asked.unknown == ()
    assert by_id(asked)["column:age"].points < -15


def test_a_part_of_the_work_may_take_a_share_of_the_time_that_is_left():
    clock = ManualClock()

    def answer(inputs):
        clock.advance(1.0)
        return [Answer(0)] * len(inputs)

    ask = Asker(answer, budget=TimeBudget(10.0, clock=clock))
    with ask.up_to(0.3):
        assert len(ask([0] * 20 * BATCH)) == 3 * BATCH
    assert len(ask([0] * 20 * BATCH)) == 7 * BATCH
    assert ask([0]) == []
