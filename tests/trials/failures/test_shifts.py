"""A shift is judged by what it costs; where nobody can know, that is what is said."""

import pytest

from seatrial.core.settings import parse
from seatrial.evidence.documents import Evidence
from seatrial.evidence.machine import describe
from seatrial.trials.failures import JUDGES
from seatrial.trials.failures.shifts import FACTOR_OF, verdict

SETTINGS = parse({"model": {"load": "model:load"}}, environment={})


def row(**given):
    fields = {
        "factor": "language",
        "eval_share": 0.0,
        "production_share": 0.3,
        "p": 0.0,
        "known_by": "nothing",
        "points": None,
        "low": None,
        "high": None,
        "flips": None,
        "otherwise": False,
        "n": 100,
        "why": "only labels could tell what it costs",
    }
    return {**fields, **given}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"known_by": "labels", "points": -8.0, "low": -11.0, "high": -5.0}, True),
        ({"known_by": "labels", "points": -8.0, "low": -17.0, "high": 1.0}, False),
        ({"known_by": "labels", "points": -0.9, "low": -1.4, "high": -0.4}, False),
        ({"known_by": "labels", "points": 0.0, "low": -1.0, "high": 1.0}, False),
        ({"known_by": "labels", "points": -8.0, "low": -11.0, "high": -5.0, "p": 0.4}, False),
        ({"known_by": "flips", "points": -9.0, "low": -15.0, "high": -6.0, "flips": 0.4}, True),
        ({"known_by": "flips", "points": -2.5, "low": -5.0, "high": -1.5, "flips": 0.1}, None),
        ({"known_by": "flips", "points": -0.2, "low": -0.9, "high": 0.0, "flips": 0.0}, False),
        ({"known_by": "behaviour", "otherwise": True}, True),
        ({}, None),
        ({"p": 0.5}, False),
        ({"production_share": 0.005}, False),
    ],
)
def test_the_cost_decides(given, found):
    assert verdict(row(**given))[0] is found


@pytest.mark.parametrize("failure", FACTOR_OF)
def test_each_failure_reads_its_own_factor(failure):
    cost = {"known_by": "labels", "points": -8.0, "low": -11.0, "high": -5.0}
    evidence = Evidence(
        kind="risks",
        release="m@1",
        machine=describe(),
        started="2026-01-01",
        duration_s=0.0,
        tables={"factors": (row(factor=FACTOR_OF[failure], **cost),)},
    )
    named = {name for name in FACTOR_OF if JUDGES[name].judge(evidence, SETTINGS).found}
    assert named == {failure}
    result = JUDGES[failure].judge(evidence, SETTINGS)
    assert "-8.0 points" in result.figure
    assert result.contained_by
