import pytest

from seatrial.core.settings import BudgetSettings, Settings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.trials.failures import JUDGES, judge_failures
from seatrial.trials.failures.variants import judge_variant_loss

ORIGINAL = {"name": "original", "state": "measured", "change_points": 0.0, "low": 0.0, "high": 0.0}


def variant(change, low, high, name="onnx-int8", state="measured"):
    row = {"name": name, "state": state, "why": "", "n": 500}
    return row | {"change_points": change, "low": low, "high": high}


def judged(*rows, budget=1.0):
    recorder = Recorder("variants", at=conditions("model@0"))
    recorder.table("variants", [ORIGINAL, *rows])
    budgets = BudgetSettings(variant_accuracy_points=budget)
    return judge_variant_loss(recorder.finish(), Settings(budget=budgets))


def test_a_loss_whose_whole_interval_is_beyond_the_budget_is_named():
    result = judged(variant(-0.2, -1.0, 0.4, "onnx-fp32"), variant(-4.0, -6.0, -2.0))
    assert result.found is True
    assert "onnx-int8 changes accuracy by -4.0 points (-6.0 to -2.0, n = 500)" in result.figure
    assert result.contained_by == '[serving] variant = "original"'


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (variant(-0.1, -0.6, 0.4), False),
        (variant(-2.0, -4.5, 0.2), None),
        (variant(None, None, None, state="not_applicable"), None),
    ],
)
def test_anything_less_is_not(row, found):
    assert judged(row).found is found


def test_without_a_budget_nothing_is_judged():
    result = judged(variant(-9.0, -12.0, -6.0), budget=None)
    assert result.found is None
    assert "no budget set" in result.figure


def test_only_failures_with_evidence_are_judged():
    recorder = Recorder("variants", at=conditions("model@0"))
    found = judge_failures({"variants": recorder.finish()}, Settings())
    assert [result.id for result in found] == ["variant-loss"]
    assert judge_failures({}, Settings()) == ()


def test_every_judge_answers_with_its_own_id():
    assert len(JUDGES) >= 8
    assert set(JUDGES) >= {"row-loop", "batch-dependent-output", "integer-overflow"}
