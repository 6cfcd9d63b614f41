from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.pace import OUTLIER, Pace

batches = st.lists(st.tuples(st.floats(0.1, 1000), st.floats(1e-6, 100)), min_size=1, max_size=50)


@given(batches, st.floats(0, 1e6))
def test_no_batch_is_expected_to_take_negative_time(seen, cost):
    pace = Pace(memory=20)
    for one in seen:
        pace.learn(*one)
    assert pace.per_batch >= -1e-9
    assert pace.per_cost >= 0
    assert math.isfinite(pace.expect(cost))


@given(batches)
def test_batches_of_one_cost_are_expected_to_take_their_mean(seen):
    """What cannot be told apart is charged to the cost."""
    pace = Pace(memory=math.inf)
    for _, seconds in seen[:4]:
        pace.learn(8.0, seconds)
    assert pace.per_batch == pytest.approx(0.0, abs=1e-9)
    assert pace.expect(8.0) > 0


def test_both_parts_are_found_under_noise():
    random_ = random.Random(5)
    pace = Pace(memory=500)
    for _ in range(2_000):
        rows = random_.choice([1, 4, 16, 64])
        pace.learn(rows, (0.4 + 0.03 * rows) * random_.lognormvariate(-0.02, 0.2))
    assert pace.per_batch == pytest.approx(0.4, rel=0.2)
    assert pace.per_cost == pytest.approx(0.03, rel=0.1)


def test_a_suspended_machine_is_not_taken_for_a_slow_model():
    pace = Pace(memory=30)
    for _ in range(100):
        pace.learn(1.0, 0.01)
    pace.learn(1.0, 60.0)
    assert pace.expect(1.0) <= 0.01 * (1 + OUTLIER / 20)


def test_a_tenfold_slower_model_shows_within_its_memory():
    pace = Pace(memory=30)
    for _ in range(100):
        pace.learn(1.0, 0.01)
    for _ in range(30):
        pace.learn(1.0, 0.1)
    assert pace.expect(1.0) > 0.06
