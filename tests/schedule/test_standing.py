from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.standing import CALM_S, LASTING, SHORT, SHORT_BATCHES, Standing

BOUND_S = 5.0


def run(queue, waits, *, start_s=0.0, step_s=0.1, seconds=0.05):
    for number, wait_s in enumerate(waits):
        queue.ran(start_s + number * step_s, wait_s=wait_s, seconds=seconds)
    return start_s + len(waits) * step_s


def overloaded(queue, **options):
    """Refuse callers for as long as it takes; return when that was."""
    now_s = run(queue, [4.0] * 60, **options)
    refusals = int(LASTING * BOUND_S / 0.1) + 1
    for number in range(refusals):
        queue.refused(now_s + number * 0.1, BOUND_S)
    return now_s + (refusals - 1) * 0.1


def test_a_burst_may_wait_as_long_as_it_may():
    queue = Standing(BOUND_S)
    run(queue, [LASTING * BOUND_S - n * 0.1 for n in range(24)])
    assert (queue.stands, queue.bound_s) == (False, BOUND_S)


def test_a_queue_may_stay_long_where_nobody_has_to_be_refused():
    """Callers who wait for an answer before they ask again are as many as they are."""
    queue = Standing(BOUND_S)
    run(queue, [4.9] * 600)
    assert (queue.stands, queue.bound_s) == (False, BOUND_S)


def test_one_for_which_callers_are_refused_for_a_while_is_made_short():
    queue = Standing(BOUND_S)
    overloaded(queue)
    assert (queue.stands, queue.bound_s) == (True, SHORT * BOUND_S)


def test_so_is_one_for_which_callers_of_little_patience_are_refused():
    """It never becomes long by the measure of others."""
    queue = Standing(BOUND_S)
    run(queue, [0.4] * 10)
    for number in range(6):
        assert not queue.stands
        queue.refused(1.0 + number * 0.1, 1.0)
    assert queue.stands
    assert queue.allowed_s(1.0) == SHORT


def test_refusals_now_and_then_are_no_overload():
    queue = Standing(BOUND_S)
    for number in range(50):
        queue.refused(number * CALM_S, 1.0)
        assert not queue.stands


@given(st.floats(0.0, 1.0))
def test_it_stays_short_while_anybody_is_refused_however_short_it_is(wait_s):
    queue = Standing(BOUND_S)
    now_s = overloaded(queue)
    for _ in range(100):
        queue.refused(now_s, BOUND_S)
        queue.ran(now_s, wait_s=wait_s, seconds=0.05)
        now_s += CALM_S / 2
        assert queue.stands


def test_once_nobody_was_refused_for_a_while_a_burst_may_wait_again():
    queue = Standing(BOUND_S)
    now_s = overloaded(queue)
    queue.refused(now_s, BOUND_S)
    queue.ran(now_s + 0.9 * CALM_S, wait_s=0.1, seconds=0.05)
    assert queue.stands
    queue.ran(now_s + CALM_S, wait_s=0.1, seconds=0.05)
    assert (queue.stands, queue.bound_s) == (False, BOUND_S)


def test_a_short_queue_holds_a_few_batches_however_long_these_are():
    queue = Standing(BOUND_S)
    overloaded(queue, seconds=1.2)
    assert queue.stands
    assert queue.bound_s == pytest.approx(SHORT_BATCHES * 1.2)
    slow = Standing(BOUND_S)
    overloaded(slow, seconds=30.0)
    assert slow.bound_s == BOUND_S
