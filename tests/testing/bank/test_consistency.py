"""Models that mind the wording, or roll dice, are named; their careful twins raise nothing."""

from functools import partial

import pytest

from seatrial.core.settings import parse
from seatrial.evidence.recorder import conditions
from seatrial.measure.consistency import measure_consistency
from seatrial.models.subject import subject_of
from seatrial.testing.bank.wording import DICE, INCONSISTENT_ANSWERS, STYLES
from seatrial.trials.failures.consistency import judge_consistency

SETTINGS = parse({"model": {"load": "model:load"}}, environment={})
FEW, MANY = range(0, len(STYLES), 3), range(3 * len(STYLES))


def judged(twin, seed):
    parameters = INCONSISTENT_ANSWERS.draw(seed)
    evidence = measure_consistency(
        subject_of(getattr(INCONSISTENT_ANSWERS, twin)(parameters)),
        INCONSISTENT_ANSWERS.inputs(parameters),
        at=conditions("planted@0", seed=seed),
    )
    return judge_consistency(evidence, SETTINGS)


@pytest.fixture
def walked(walk):
    def judge(failure, twin, seed):
        return {failure.id: judged(twin, seed)}

    return partial(walk, INCONSISTENT_ANSWERS, judge=judge)


def test_a_model_that_minds_the_wording_is_named(walked):
    assert walked("sick", FEW) == {}


def test_its_careful_twin_raises_nothing(walked):
    assert walked("healthy", FEW) == {}


@pytest.mark.slow
@pytest.mark.parametrize("twin", ["sick", "healthy"])
def test_so_it_is_for_every_other_draw(twin, walked):
    assert walked(twin, MANY) == {}


def test_dice_are_told_from_a_dislike_of_wording():
    assert "exactly the same is asked again" in judged("sick", STYLES.index(DICE)).figure
