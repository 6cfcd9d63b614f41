"""Whether a rate holds, judged on a fake clock."""

import numpy as np
import pytest

from seatrial.measure.load.arrivals import constant, poisson
from seatrial.measure.load.simulation import simulate_load
from seatrial.measure.ratestep import Limits, Step, lag


def queue(service_s):
    """A server that takes one request at a time."""
    free = [0.0]

    def serve(_, sent_s):
        free[0] = max(free[0], sent_s) + service_s
        return free[0], 200

    return serve


@pytest.mark.parametrize(("rate", "grows"), [(50, False), (90, False), (125, True), (300, True)])
def test_a_queue_grows_beyond_capacity_and_only_there(rate, grows):
    arrivals = poisson(rate, duration_s=10.0, rng=np.random.default_rng(5))
    result = simulate_load(queue(0.01), arrivals_s=arrivals, connections=10_000)
    assert (lag(result, unloaded_s=0.01) > 1.0) is grows


def test_a_slow_service_is_not_taken_for_a_growing_queue():
    result = simulate_load(
        lambda _, sent_s: (sent_s + 1.0, 200), arrivals_s=constant(20, duration_s=1.0)
    )
    assert lag(result, unloaded_s=1.0) <= 1.0


def test_a_pause_in_the_middle_is_not_taken_for_a_growing_queue():
    result = simulate_load(
        lambda _, sent_s: (1.5 if 1.0 <= sent_s < 1.5 else sent_s + 0.001, 200),
        arrivals_s=constant(100, duration_s=4.0),
    )
    assert lag(result, unloaded_s=0.001) <= 1.0


def step(server, **limits):
    result = simulate_load(server, arrivals_s=constant(100, duration_s=4.0), deadline_s=2.0)
    return Step.of(result, 100.0, 0.01, Limits(**limits))


def test_each_budget_that_breaks_is_named():
    every_tenth_slow = lambda request, sent: (sent + (0.5 if request % 10 == 0 else 0.01), 200)  # noqa: E731
    found = step(every_tenth_slow, p50_ms=20, p95_ms=100, p99_ms=600)
    assert found.over == ("p95",)
    assert not found.holds
    assert found.keeps_up


def test_without_a_budget_no_latency_breaks_anything():
    assert step(lambda _, sent: (sent + 0.3, 200)).holds


def test_errors_break_a_rate_however_fast_they_come():
    found = step(lambda request, sent: (sent + 0.001, 503 if request % 20 == 0 else 200))
    assert found.over == ("errors",)
    assert found.row()["errors"] == 20


def test_a_timeout_counts_as_over_every_budget():
    hangs = lambda request, sent: (sent + (1e9 if request % 50 == 0 else 0.01), 200)  # noqa: E731
    found = step(hangs, p99_ms=1900)
    assert "p99" in found.over
    assert found.row()["timeouts"] == 8
