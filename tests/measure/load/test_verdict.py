import dataclasses

import pytest

from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.simulation import PlantedAnswer, simulate_load, simulate_plan
from seatrial.measure.load.summary import criticisms, summarise


def test_a_load_that_went_well_says_so():
    result = simulate_load(
        lambda _, sent: (sent + 0.125, 200), arrivals_s=constant(100, duration_s=20)
    )
    assert summarise(result).verdict == (
        "All of 2,000 requests were answered well; answers took 125 ms in the median and 125 ms "
        "at p99."
    )


def test_losses_are_named_with_their_time():
    def server(_, sent_s):
        if 10 <= sent_s < 12:
            return PlantedAnswer(sent_s + 0.01, 503)
        return PlantedAnswer(sent_s + 0.1, degraded="variant" if sent_s > 18 else "")

    result = simulate_load(server, arrivals_s=constant(100, duration_s=20))
    verdict = summarise(result).verdict
    assert "90.0% of 2,000 requests were answered well" in verdict
    assert "200 (10.0%) turned away from second 10 to 12" in verdict
    assert "200 rejections without Retry-After" in verdict
    assert "degraded (variant: 199) from second 18 to 20" in verdict


def test_a_storm_is_named_by_how_much_it_adds():
    plan = LoadPlan(
        bodies=(b"",), arrivals_s=constant(100, duration_s=4), retry=RetryPolicy.naive(3)
    )
    result = simulate_plan(lambda _, sent: (sent + 0.1, 503), plan)
    assert "retries made it 4.0 times the load" in summarise(result).verdict


@pytest.mark.parametrize(("cpu_s", "limit"), [(9.5, True), (5.0, False)])
def test_a_generator_that_was_the_limit_says_so_first(cpu_s, limit):
    result = simulate_load(
        lambda _, sent: (sent + 0.1, 200), arrivals_s=constant(200, duration_s=10)
    )
    result = dataclasses.replace(result, cpu_s=cpu_s, wall_s=10.0)
    summary = summarise(result)
    assert summary.generator.is_limit is limit
    assert summary.verdict.startswith("The load generator was the limit") is limit
    assert any("of a core: it was the limit" in line for line in criticisms(result)) is limit
