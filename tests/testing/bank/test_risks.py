"""Shifts that cost accuracy are named by their id; those that cost nothing raise nothing."""

from functools import partial

import numpy as np
import pytest

from seatrial.core.settings import parse
from seatrial.describe.describer import describer_for
from seatrial.evidence.recorder import conditions
from seatrial.gap.case import EvalRows, GapCase, ProductionRows
from seatrial.gap.gap import measure_gap
from seatrial.gap.risks import risk_evidence
from seatrial.models.subject import subject_of
from seatrial.testing import bank
from seatrial.testing.bank.messages import FORMS, TRICKS, plain
from seatrial.trials.failures import judge_failures

SETTINGS = parse({"model": {"load": "model:load"}}, environment={})
ENTRIES = [entry for entry in bank.entries() if entry.evidence == "risks" and entry.production]
FEW, MANY = (0,), range(20)
HEALTHY_FEW = ENTRIES[:2]


def gap_of(failure, twin, seed):
    parameters = failure.draw(seed)
    subject = subject_of(getattr(failure, twin)(parameters))
    inputs, labels = failure.inputs(parameters), failure.labels(parameters)
    sent = failure.production(parameters, twin)
    answers = subject.answer(inputs).answers
    return measure_gap(
        GapCase(
            eval=EvalRows(inputs, labels, original=answers, served=answers),
            production=ProductionRows(
                sent.inputs,
                subject.answer(sent.inputs).answers,
                sent.labels,
                probabilities=sent.probabilities,
            ),
            conditions=conditions("planted@0", seed=seed),
            describer=describer_for("text", inputs),
            answer=lambda rows: subject.answer(rows).answers,
            metrics=(),
        )
    )


def judged(failure, twin, seed):
    evidence = risk_evidence(gap_of(failure, twin, seed))
    return {one.id: one for one in judge_failures({evidence.kind: evidence}, SETTINGS)}


@pytest.fixture
def walked(walk):
    return partial(walk, judge=judged)


@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_a_shift_that_costs_accuracy_is_named(failure, walked):
    assert walked(failure, "sick", FEW) == {}


@pytest.mark.parametrize("failure", HEALTHY_FEW, ids=lambda entry: entry.id)
def test_its_healthy_twin_raises_nothing(failure, walked):
    assert walked(failure, "healthy", FEW) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("twin", ["sick", "healthy"])
@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_so_it_is_for_every_other_draw(failure, twin, walked):
    assert walked(failure, twin, MANY) == {}


@pytest.mark.parametrize("name", [*FORMS, *TRICKS])
def test_a_careful_reader_sees_through_what_is_planted(name):
    rng = np.random.default_rng(0)
    if name in FORMS:
        assert "broken" in plain(FORMS[name]("it is broken, sadly", "broken", rng))
    elif name in {"look-alike letters", "hidden characters"}:
        assert plain(TRICKS[name]("broken", rng)) == "broken"
    else:
        assert TRICKS[name]("broken", rng) != "broken"
