"""What a model says of itself is held against what users got: the sick are named by their id."""

from functools import partial

import numpy as np
import pytest

from seatrial.core.errors import ModelError
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import conditions
from seatrial.gap.case import EvalRows, GapCase, ProductionRows
from seatrial.gap.confidence import confidence_evidence
from seatrial.gap.gap import measure_gap
from seatrial.models.subject import subject_of
from seatrial.testing import bank
from seatrial.trials.failures import judge_failures

CONFIDENCE_MIN = 0.1
ENTRIES = [entry for entry in bank.entries() if entry.evidence == "confidence"]
FEW, MANY = (0, 1), range(24)


def asked(subject, rows):
    """Return what users get, row by row: answers, and what became of each request."""
    answers, fates = [], []
    for row in rows:
        try:
            (answer,) = subject.answer([row]).answers
        except ModelError:
            answer = None
        withheld = answer is not None and (answer.confidence or 0.0) < CONFIDENCE_MIN
        fates.append("failed" if answer is None else "abstained" if withheld else "answered")
        answers.append(answer)
    return answers, fates


def gap_of(failure, twin, seed, labelled=1.0):
    parameters = failure.draw(seed)
    subject = subject_of(getattr(failure, twin)(parameters))
    inputs, sent = failure.inputs(parameters), failure.production(parameters, twin)
    answers, fates = asked(subject, sent.inputs)
    keep = np.random.default_rng(seed).random(len(answers)) < labelled
    labels = [label if kept else None for label, kept in zip(sent.labels, keep, strict=True)]
    return measure_gap(
        GapCase(
            eval=EvalRows(inputs, failure.labels(parameters), subject.answer(inputs).answers),
            production=ProductionRows(sent.inputs, answers, labels, fates),
            conditions=conditions("planted@0", seed=seed),
            metrics=(),
        )
    )


def judged(failure, twin, seed):
    evidence = confidence_evidence(gap_of(failure, twin, seed))
    return {one.id: one for one in judge_failures({evidence.kind: evidence}, Settings())}


@pytest.fixture
def walked(walk):
    """Others may suffer with it: what is sick need only be among those named."""
    return partial(walk, judge=judged, named=lambda failure, found: failure.id in found)


@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_a_model_that_is_not_as_it_says_is_named(failure, walked):
    assert walked(failure, "sick", FEW) == {}


@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_one_that_says_what_it_knows_raises_nothing(failure, walked):
    assert walked(failure, "healthy", FEW[:1]) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_so_is_every_other_draw(failure, walked):
    assert walked(failure, "sick", MANY) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_and_their_healthy_twins_raise_nothing(failure, walked):
    assert walked(failure, "healthy", MANY) == {}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_model_that_is_right_only_where_it_answers_is_reported_by_what_all_users_got(seed):
    (failure,) = (entry for entry in ENTRIES if entry.id == "survivorship")
    gap = gap_of(failure, "sick", seed, labelled=0.5)
    sent = failure.production(failure.draw(seed), "sick")
    answers, fates = asked(subject_of(failure.sick(failure.draw(seed))), sent.inputs)
    heard = np.array(
        [
            fate == "answered" and a.output is not None
            for a, fate in zip(answers, fates, strict=True)
        ]
    )
    right = np.array(
        [
            one and answer.output == label
            for one, answer, label in zip(heard, answers, sent.labels, strict=True)
        ]
    )
    assert gap.answered.share == pytest.approx(heard.mean())
    assert gap.production.low <= right.mean() <= gap.production.high
    assert gap.production.high < right[heard].mean()
    assert gap.answered.correct_of_all == gap.production.accuracy
