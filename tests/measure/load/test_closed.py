"""A closed loop on a fake clock."""

import pytest

from seatrial.core.errors import UsageError
from seatrial.measure.load.closed import BRAKE_S, ClosedDriver
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.simulation import simulate_plan
from seatrial.measure.load.summary import summarise


def loaded(server, **options):
    options = {"bodies": (b"a", b"b"), "closed_s": 10.0, "connections": 4, **options}
    return simulate_plan(server, LoadPlan(**options))


def test_as_many_requests_are_in_flight_as_there_are_callers():
    result = loaded(lambda _, sent: (sent + 0.25, 200))
    assert result.offered == 4 * 40
    assert set(result.latency_s.tolist()) == {0.25}
    assert summarise(result).goodput_per_s == pytest.approx(16.0)
    assert result.bodies[:4].tolist() == [0, 1, 0, 1]


def test_the_warm_up_does_not_count():
    result = loaded(lambda _, sent: (sent + 0.25, 200), warmup_s=5.0)
    assert (result.warmup, result.offered) == (80, 80)
    assert summarise(result).offered_per_s == pytest.approx(16.0)


def test_a_caller_whose_answer_never_comes_asks_again_after_the_deadline():
    result = loaded(lambda _, sent: (sent + 1e9, 200), deadline_s=2.0)
    assert result.offered == 4 * 5
    assert set(result.outcomes.tolist()) == {Outcome.TIMEOUT}


def test_a_service_that_is_gone_is_not_asked_without_pause():
    driver = ClosedDriver(duration_s=1.0, deadline_s=5.0, connections=1)
    assert driver.take(0.0) == 0
    driver.resolve(0, 0.001, Outcome.REFUSED)
    assert driver.take(0.002) is None
    assert driver.wake_s() == pytest.approx(0.001 + BRAKE_S)
    assert driver.take(0.02) == 1
    assert driver.take(1.0) is None
    assert driver.wake_s() is not None
    driver.resolve(1, 1.5, Outcome.ANSWERED, 200)
    assert driver.take(1.5) is None
    assert driver.wake_s() is None
    assert driver.finished


def test_a_closed_loop_says_that_it_is_one():
    summary = summarise(loaded(lambda _, sent: (sent + 0.25, 200)))
    assert summary.closed
    assert any("a closed loop" in sentence for sentence in summary.criticisms)
    assert summary.verdict.startswith("At most 16/s with every caller waiting")


def test_callers_who_wait_cannot_add_to_a_load_by_trying_again():
    with pytest.raises(UsageError, match="closed loop"):
        LoadPlan(bodies=(b"",), closed_s=1.0, retry=RetryPolicy())
