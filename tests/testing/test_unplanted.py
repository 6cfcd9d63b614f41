"""Models that are not in the bank: healthy ones raise nothing, however odd they are."""

import importlib.util
from pathlib import Path

import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.batching import measure_batching
from seatrial.trials.failures import judge_failures

_spec = importlib.util.spec_from_file_location("unplanted", Path(__file__).parent / "unplanted.py")
unplanted = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(unplanted)

QUICK = (
    "half precision",
    "dropout left on",
    "rounding at ties",
    "labels at ties",
    "caching",
    "keyword rules",
)
SLOW = [name for name in unplanted.HEALTHY if name not in QUICK]
BUDGET_S = 5.0


def judged(name):
    subject, rows = unplanted.HEALTHY[name]()
    evidence = measure_batching(
        subject, rows, at=conditions("model@0", seed=1), budget=TimeBudget(BUDGET_S)
    )
    return {result.id: result for result in judge_failures({"batching": evidence}, Settings())}


@pytest.mark.parametrize("name", QUICK)
def test_a_healthy_model_raises_nothing(name):
    assert [result.figure for result in judged(name).values() if result.found] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_nor_do_larger_ones(name):
    assert [result.figure for result in judged(name).values() if result.found] == []


def test_a_model_that_rolls_dice_is_not_said_to_mind_its_company():
    result = judged("dropout left on, with scores")["batch-dependent-output"]
    assert result.found is None
    assert "when the same is asked again" in result.figure
