"""Clocks and time budgets."""

from datetime import UTC

from seatrial.core.clock import SYSTEM, TimeBudget
from seatrial.testing.clock import ManualClock


def test_the_system_clock_never_runs_backwards():
    readings = [SYSTEM.now_s() for _ in range(100)]
    assert readings == sorted(readings)


def test_wall_time_carries_its_zone():
    assert SYSTEM.utc().tzinfo is UTC


def test_a_budget_is_spent_when_its_seconds_have_passed():
    clock = ManualClock()
    budget = TimeBudget(10.0, clock=clock)
    clock.advance(4.0)
    assert budget.left_s() == 6.0
    assert not budget.spent()
    clock.advance(6.0)
    assert budget.spent()
    clock.advance(5.0)
    assert budget.left_s() == 0.0


def test_a_share_is_a_fraction_of_what_is_left():
    clock = ManualClock()
    budget = TimeBudget(10.0, clock=clock)
    clock.advance(2.0)
    assert budget.share(0.5).seconds == 4.0
