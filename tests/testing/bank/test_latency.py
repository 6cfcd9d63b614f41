"""The planted services are named through their URL, their healthy twins are not.

The models wait instead of computing and the budget lies far from both twins, so that a busy
machine changes neither verdict.
"""

import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.settings import ModelSettings, Settings
from seatrial.evidence.recorder import conditions
from seatrial.measure.latency import measure_latency
from seatrial.measure.ratestep import Limits
from seatrial.models.url import UrlSubject
from seatrial.testing.bank.latency import LATENCY_BUDGET, STYLES
from seatrial.testing.service import predict_route, serving
from seatrial.trials.failures.latency import judge_latency

FEW, MANY = (STYLES.index("stragglers"),), range(20)
RATE_PER_S = 60.0
SECONDS = 3.5


def judged(twin, seed):
    parameters = LATENCY_BUDGET.draw(seed)
    budget = LATENCY_BUDGET.budget(parameters)
    with serving(predict_route(twin(parameters))) as url:
        service = UrlSubject.native(url)
        evidence = measure_latency(
            service.url,
            [service.body([value]) for value in LATENCY_BUDGET.inputs(parameters)],
            at=conditions("planted@0", seed=seed),
            budget=TimeBudget(SECONDS),
            limits=Limits(p99_ms=budget.p99_ms),
            reference_rate_per_s=RATE_PER_S,
        )
        service.close()
    return judge_latency(evidence, Settings(model=ModelSettings(), budget=budget))


@pytest.mark.parametrize("seed", FEW)
def test_a_service_over_its_budget_is_named(seed):
    result = judged(LATENCY_BUDGET.sick, seed)
    assert result.id == "latency-budget"
    assert result.found is True, result.figure
    assert "budget 150 ms" in result.figure


def test_its_healthy_twin_raises_nothing():
    assert judged(LATENCY_BUDGET.healthy, 0).found is not True


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_so_is_every_other_draw(seed):
    assert judged(LATENCY_BUDGET.sick, seed).found is True


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_and_their_healthy_twins_raise_nothing(seed):
    assert judged(LATENCY_BUDGET.healthy, seed).found is not True


def test_neighbouring_seeds_go_through_all_styles():
    assert {LATENCY_BUDGET.draw(seed).style for seed in range(len(STYLES))} == set(STYLES)
