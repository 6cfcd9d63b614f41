from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.breaker import FAILURES, PAUSE_MAX_S, PAUSE_S, WINDOW_S, Breaker


def opened(at_s=0.0):
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(at_s)
    assert breaker.state == "open"
    return breaker


def test_few_deaths_leave_it_closed():
    breaker = Breaker()
    for at_s in range(FAILURES - 1):
        breaker.failed(at_s)
    assert breaker.passes(9.0)
    assert breaker.retry_after_s(9.0) == 0.0


def test_deaths_far_apart_leave_it_closed():
    breaker = Breaker()
    for number in range(50):
        breaker.failed(number * WINDOW_S / (FAILURES - 1))
    assert breaker.state == "closed"


def test_deaths_among_much_good_work_leave_it_closed():
    """One caller's bad inputs cost workers, and nobody else the service."""
    breaker = Breaker()
    for number in range(100):
        for _ in range(20):
            breaker.succeeded(number / 10)
        breaker.failed(number / 10)
    assert breaker.state == "closed"


def test_while_open_nobody_is_kept_waiting():
    breaker = opened(10.0)
    assert not breaker.passes(10.0 + PAUSE_S - 0.1)
    assert breaker.retry_after_s(11.0) == PAUSE_S - 1.0


def test_one_probe_decides():
    breaker = opened(0.0)
    assert breaker.passes(PAUSE_S)
    assert breaker.state == "half-open"
    assert not breaker.passes(PAUSE_S)
    breaker.succeeded(PAUSE_S + 1)
    assert breaker.state == "closed"
    assert breaker.since_s == PAUSE_S + 1


def test_each_failed_probe_doubles_the_pause_up_to_a_bound():
    breaker, now_s, pauses = opened(0.0), 0.0, []
    for _ in range(8):
        pauses.append(breaker.retry_after_s(now_s))
        now_s += pauses[-1]
        assert breaker.passes(now_s)
        breaker.failed(now_s)
    assert pauses[:3] == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S]
    assert pauses[-1] == PAUSE_MAX_S


def test_a_probe_that_is_never_reported_on_is_not_waited_for_forever():
    breaker = opened(0.0)
    assert breaker.passes(PAUSE_S)
    assert not breaker.passes(1.5 * PAUSE_S)
    assert breaker.passes(2 * PAUSE_S)


@given(st.integers(0, 9_999), st.integers(1, 200))
def test_it_always_lets_somebody_through_again(seed, steps):
    random_ = random.Random(seed)
    breaker, now_s = Breaker(), 0.0
    for _ in range(steps):
        now_s += random_.expovariate(1.0)
        random_.choice([breaker.failed, breaker.succeeded, breaker.passes])(now_s)
        assert breaker.retry_after_s(now_s) <= PAUSE_MAX_S + 1e-9
        assert breaker.since_s <= now_s
    assert breaker.passes(now_s + PAUSE_MAX_S)
