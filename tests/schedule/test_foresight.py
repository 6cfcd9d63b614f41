from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.schedule.foresight import EVERY_S, FACTOR_MAX, Foresight

RATE = 100


def watch(foresight, speeds, *, queue=50, start_s=0.0, step_s=0.05):
    """A queue of so many rows that is always full, worked off at times the speed foretold."""
    gone, now_s = 0.0, start_s
    for speed in speeds:
        now_s += step_s
        gone += RATE * step_s * speed
        foresight.passed(now_s, come=int(gone) + queue, gone=int(gone), wait_s=queue / RATE)
    return now_s


@given(st.floats(1.0, 3.0))
def test_what_comes_as_foretold_or_sooner_needs_no_margin(speed):
    foresight = Foresight()
    watch(foresight, [speed] * 400)
    assert foresight.factor == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("slower", [1.5, 2.0, 3.0])
def test_what_always_lasts_longer_is_known_by_how_much(slower):
    foresight = Foresight()
    watch(foresight, [1 / slower] * 1_000)
    assert foresight.factor == pytest.approx(slower, rel=0.15)


def test_nine_waits_of_ten_are_no_longer_than_the_factor_says():
    random_ = random.Random(1)
    foresight, exceeded, count, now_s = Foresight(), 0, 0, 0.0
    come = 1
    for _ in range(3_000):
        now_s += EVERY_S
        foresight.passed(now_s, come=come, gone=come - 1, wait_s=1.0)
        ratio = random_.lognormvariate(0.3, 0.4)
        if count > 500:
            exceeded += ratio > foresight.factor
        count += 1
        now_s += ratio
        foresight.passed(now_s, come=come, gone=come, wait_s=0.0)
        come += 1
    assert exceeded / (count - 500) == pytest.approx(0.1, abs=0.04)


def test_a_server_that_stops_shows_before_its_first_wait_has_ended():
    foresight = Foresight()
    now_s = watch(foresight, [1.0] * 100)
    assert foresight.factor < 1.5
    watch(foresight, [0.0] * 100, start_s=now_s)
    assert foresight.factor == FACTOR_MAX


def test_it_forgets_once_waits_are_as_foretold():
    foresight = Foresight()
    now_s = watch(foresight, [1 / 3] * 400)
    watch(foresight, [1.0] * 4_000, start_s=now_s)
    assert foresight.factor < 1.2
