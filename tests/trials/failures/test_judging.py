"""A failure is found, not found, or nobody can tell; one that was not looked for is left out."""

import pytest

from seatrial.core.settings import parse
from seatrial.evidence.documents import Evidence
from seatrial.evidence.machine import describe
from seatrial.trials.failures import JUDGES, judge_failures

SETTINGS = parse({"model": {"load": "model:load"}}, environment={})


def empty(kind):
    return Evidence(
        kind=kind, release="m@1", machine=describe(), started="2026-01-01", duration_s=0.0
    )


def test_what_was_not_wanted_is_left_out():
    assert judge_failures({}, SETTINGS) == ()


@pytest.mark.parametrize("name", JUDGES)
def test_a_measurement_that_failed_leaves_its_failures_open_with_the_reason(name):
    found = judge_failures({}, SETTINGS, reasons={JUDGES[name].kind: "the disk is full"})
    (mine,) = [one for one in found if one.id == name]
    assert mine.found is None
    assert "the disk is full" in mine.figure


@pytest.mark.parametrize("name", JUDGES)
def test_evidence_without_figures_proves_nothing(name):
    kind = JUDGES[name].kind
    for one in judge_failures({kind: empty(kind)}, SETTINGS):
        assert one.found is not True
        assert one.figure
