"""Judging overload evidence: what counts as a collapse, and what nobody can tell."""

import pytest

from seatrial.core.settings import Settings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.measure.overload import Step, measure_overload
from seatrial.testing.bank.overload import OVERLOAD_COLLAPSE
from seatrial.testing.queueing import queueing
from seatrial.trials.failures.overload import judge_overload, judge_storm


def step(multiple, share, *, limit=False, drained_s=0.1):
    return {
        "multiple": multiple,
        "rate_per_s": 30.0 * multiple,
        "goodput_per_s": 30.0 * share,
        "share": share,
        "rejected": 0,
        "timeouts": 0,
        "generator_limit": limit,
        "drained_s": drained_s,
    }


def evidence(*steps, before=1.0, after=1.0, limit=False):
    recorder = Recorder("overload", at=conditions("m@0"))
    recorder.table("steps", steps)
    recorder.value("capacity_per_s", 30.0, "requests/s")
    recorder.value("before_share", before, "ratio", n=100)
    recorder.value("after_share", after, "ratio", n=100)
    recorder.value("attempts_per_request", 3.0, "ratio", n=400)
    recorder.setting("storm_generator_limit", limit)
    return recorder.finish()


CALM, CALM_AGAIN = step(0.6, 1.0), step(0.6, 0.97)


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([CALM, step(2, 0.95), step(10, 0.9)], False),
        ([CALM, step(2, 0.1), CALM_AGAIN, step(2, 0.2)], True),
        ([CALM, step(2, 0.1, drained_s=None)], True),
        ([CALM, step(2, 0.1), CALM_AGAIN, step(2, 0.9)], None),
        ([CALM, step(2, 0.1), step(0.6, 0.4), step(2, 0.1)], None),
        ([CALM, step(2, 0.55), CALM_AGAIN, step(2, 0.55)], None),
        ([CALM, step(2, 0.1, limit=True), CALM_AGAIN, step(2, 0.1, limit=True)], None),
        ([CALM], None),
    ],
    ids=["flat", "twice", "stuck", "once", "noise", "between", "generator", "nothing"],
)
def test_a_collapse_has_to_show_twice_beside_a_calm_service(steps, found):
    assert judge_overload(evidence(*steps), Settings()).found is found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"after": 0.98}, False),
        ({"after": 0.02}, True),
        ({"after": 0.65}, None),
        ({"after": 0.02, "before": 0.4}, None),
        ({"after": 0.02, "limit": True}, None),
        ({"after": None}, None),
    ],
)
def test_a_storm_is_a_spike_that_outlives_itself(given, found):
    assert judge_storm(evidence(CALM, **given), Settings()).found is found


def test_every_figure_of_a_service_that_turns_away_is_there():
    with queueing(OVERLOAD_COLLAPSE.healthy(OVERLOAD_COLLAPSE.draw(1))) as url:
        found = measure_overload(
            url, [b"{}"], at=conditions("m@0"), deadline_s=0.5, multiples=(4.0,)
        )
    assert found.value("capacity_per_s").value > 5
    assert [row["multiple"] for row in found.table("steps")][:2] == [0.6, 4.0]
    assert set(found.table("steps")[0]) == set(Step.__struct_fields__)
    assert found.table("steps")[1]["rejected"] > 0
    assert found.value("attempts_per_request").value > 1
