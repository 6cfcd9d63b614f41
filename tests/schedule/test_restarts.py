from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.restarts import HEALTHY_S, PAUSE_MAX_S, Restarts


@given(st.lists(st.floats(0, HEALTHY_S, exclude_max=True), min_size=2, max_size=50))
def test_pauses_grow_up_to_a_bound_while_workers_die_young(lives):
    """A model that cannot live neither spins nor is given up."""
    restarts = Restarts()
    pauses = [restarts.pause_s(lived_s=lived_s) for lived_s in lives]
    assert pauses[0] == 0.0
    assert pauses == sorted(pauses)
    assert pauses[-1] <= PAUSE_MAX_S


def test_a_long_life_is_forgiven():
    """The next death after a healthy time is replaced at once."""
    restarts = Restarts()
    for _ in range(10):
        restarts.pause_s(lived_s=0.0)
    assert restarts.pause_s(lived_s=HEALTHY_S) == 0.0
    assert restarts.pause_s(lived_s=0.0) > 0.0
