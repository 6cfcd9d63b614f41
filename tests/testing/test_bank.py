"""The suite that walks the bank: every sick model is named by its id, no healthy one raises any.

It draws parameters from the registry, so that an entry added later is tested the same day. Counts
of detection and of false alarms are printed (``pytest -rP``) and stand in every failure message.
"""

from functools import partial
from pathlib import Path

import pytest

from seatrial.core import plugins
from seatrial.core.clock import TimeBudget
from seatrial.core.settings import BudgetSettings, Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.batching import measure_batching
from seatrial.measure.equality import Ruler
from seatrial.measure.variants.comparison import Labelled, measure_variants
from seatrial.models.subject import subject_of
from seatrial.testing import bank
from seatrial.trials.failures import JUDGES, judge_failures

SETTINGS = Settings(budget=BudgetSettings(variant_accuracy_points=1.0))
BUDGET_S = 4.0
SICK_FEW, HEALTHY_FEW, MANY = (0, 8), (0,), range(21)


def batching(failure, parameters, subject):
    return measure_batching(
        subject,
        failure.inputs(parameters),
        at=conditions("planted@0", seed=parameters.seed),
        budget=TimeBudget(BUDGET_S),
    )


def variants(failure, parameters, subject):
    rows = Labelled(failure.inputs(parameters), failure.labels(parameters))
    return measure_variants(
        subject,
        subject.variants(),
        rows,
        at=conditions("planted@0", seed=parameters.seed),
        budget=TimeBudget(BUDGET_S),
    )


MEASUREMENTS = {"batching": batching, "variants": variants}
ENTRIES = [entry for entry in bank.entries() if entry.evidence in MEASUREMENTS]
EXCLUSIVE = {"batch-dependent-output", "integer-overflow"}
"""A change of answers has one cause; time and memory may suffer together."""


def named(failure, twin, seed):
    parameters = failure.draw(seed)
    subject = subject_of(getattr(failure, twin)(parameters))
    evidence = MEASUREMENTS[failure.evidence](failure, parameters, subject)
    results = judge_failures({evidence.kind: evidence}, SETTINGS)
    return {result.id: result for result in results}


def alone_of_its_kind(failure, found):
    """Whether a sick one was named, and no other cause of changed answers."""
    return failure.id in found and not (EXCLUSIVE & found) - {failure.id}


@pytest.fixture
def walked(walk):
    return partial(walk, judge=named, named=alone_of_its_kind)


@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_a_sick_model_is_named(failure, walked):
    assert walked(failure, "sick", SICK_FEW) == {}


@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_its_healthy_twin_raises_nothing(failure, walked):
    assert walked(failure, "healthy", HEALTHY_FEW) == {}


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


@pytest.mark.parametrize("failure", bank.entries(), ids=lambda entry: entry.id)
def test_neighbouring_seeds_go_through_several_styles(failure):
    styles = {failure.draw(seed).style for seed in MANY}
    assert len(styles) >= 3
    assert failure.draw(5) == failure.draw(5)


@pytest.mark.parametrize("failure", bank.entries(), ids=lambda entry: entry.id)
def test_every_entry_has_a_judge_and_a_suite(failure):
    assert JUDGES[failure.id].kind == failure.evidence
    own = Path(__file__).parent / "bank"
    assert failure.evidence in MEASUREMENTS or list(own.glob(f"*{failure.evidence}*"))


def test_our_entries_are_registered_under_their_ids():
    bank.register()
    for name in bank.BUILTIN:
        assert plugins.failures.get(name).id == name


@pytest.mark.parametrize("failure", ENTRIES, ids=lambda entry: entry.id)
def test_twins_answer_alike_one_at_a_time(failure):
    """What is wrong shows in company, in time or in a variant; the answers alone are the same."""
    parameters = failure.draw(1)
    sick, healthy = (subject_of(getattr(failure, twin)(parameters)) for twin in ("sick", "healthy"))
    for row in failure.inputs(parameters)[:5]:
        (one,), (two,) = sick.answer([row]).answers, healthy.answer([row]).answers
        assert not Ruler([one, two]).difference(one, two).changed
