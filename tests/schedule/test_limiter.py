from __future__ import annotations

import math
import random

import pytest

from seatrial.schedule.batcher import Ran
from seatrial.schedule.limiter import (
    CALIBRATION_S,
    CALM_S,
    FLOOR_BATCHES,
    SMOOTHING,
    Limiter,
    Load,
)

BUSY = Load(inflight=100.0, workers=2, admissible=100.0)


def feed(limiter, since_s, until_s, seconds, *, load=BUSY, rows=lambda: 4, every_s=0.02):
    """Batches at even distances; return the lowest limit seen."""
    lowest, now_s = math.inf, since_s
    while now_s < until_s:
        n = rows()
        limiter.ran(Ran(now_s, n, float(n), float(n), seconds(n)), load)
        lowest = min(lowest, limiter.limit)
        now_s += every_s
    return lowest


def calibrated(seconds=lambda n: 0.01 * n, **given):
    limiter = Limiter()
    feed(limiter, 0.0, 2 * CALIBRATION_S, seconds, **given)
    assert not limiter.calibrating
    return limiter


def test_nothing_is_limited_while_it_calibrates():
    limiter = Limiter()
    feed(limiter, 0.0, CALIBRATION_S / 2, lambda n: 0.01 * n)
    assert feed(limiter, CALIBRATION_S / 2, CALIBRATION_S * 0.9, lambda n: 0.1 * n) == math.inf
    assert limiter.calibrating


def test_a_tenfold_slower_model_narrows_it_to_a_few_batches():
    limiter = calibrated()
    feed(limiter, 20.0, 30.0, lambda n: 0.1 * n)
    assert 5 <= limiter.slowness <= 10.5
    assert FLOOR_BATCHES * 2 * 4 <= limiter.limit <= 4 * FLOOR_BATCHES * 2 * 4


def test_the_first_step_down_is_gradient_two():
    """From twice what is in flight: gradient 1/2, plus a square root, smoothed."""
    limiter = calibrated()
    now_s = 20.0
    while limiter.limit == math.inf:
        limiter.ran(Ran(now_s, 4, 4.0, 4.0, 0.4), BUSY)
        now_s += 0.021
    limit = 2 * (BUSY.inflight + 4.0)
    assert limiter.limit == pytest.approx(
        (1 - SMOOTHING) * limit + SMOOTHING * (limit / 2 + math.sqrt(limit))
    )


def test_noise_does_not_narrow_it():
    random_ = random.Random(2)
    noisy = lambda n: 0.01 * n * random_.lognormvariate(0.0, 0.6)  # noqa: E731
    limiter = calibrated(noisy)
    assert feed(limiter, 20.0, 80.0, noisy) == math.inf


def test_single_pauses_do_not_narrow_it():
    """Every tenth batch takes thirty times as long: another process had the core."""
    random_ = random.Random(2)
    paused = lambda n: 0.01 * n * (30 if random_.random() < 0.1 else 1)  # noqa: E731
    limiter = calibrated(paused)
    assert feed(limiter, 20.0, 80.0, paused) == math.inf


def test_batches_of_every_size_do_not_narrow_it():
    """Entering the model costs as much as twenty rows: time per row varies twentyfold."""
    random_ = random.Random(2)
    call = lambda n: 0.0004 + 0.00002 * n  # noqa: E731
    rows = lambda: random_.choice([1, 1, 1, 2, 64])  # noqa: E731
    limiter = calibrated(call, rows=rows)
    assert feed(limiter, 20.0, 60.0, call, rows=rows) == math.inf
    assert feed(limiter, 60.0, 80.0, call, rows=lambda: 64) == math.inf


def test_it_rests_while_little_is_in_flight():
    limiter = calibrated()
    idle = Load(inflight=5.0, workers=2, admissible=100.0)
    assert feed(limiter, 20.0, 40.0, lambda n: 0.1 * n, load=idle) == math.inf


def test_it_is_gone_some_time_after_the_model_has_its_speed_again():
    limiter = calibrated()
    feed(limiter, 20.0, 30.0, lambda n: 0.1 * n)
    assert limiter.limit < math.inf
    feed(limiter, 30.0, 30.0 + CALM_S + 1.0, lambda n: 0.01 * n)
    assert limiter.limit == math.inf


def test_it_widens_at_once_when_the_model_has_its_speed_again():
    limiter = calibrated()
    feed(limiter, 20.0, 30.0, lambda n: 0.1 * n)
    narrow = limiter.limit
    feed(limiter, 30.0, 33.0, lambda n: 0.01 * n)
    assert narrow < limiter.limit < math.inf


def test_what_stays_slow_becomes_usual():
    limiter = calibrated()
    feed(limiter, 20.0, 1_500.0, lambda n: 0.1 * n, every_s=0.1)
    assert limiter.slowness < 2.0


def test_a_new_release_is_learnt_anew():
    limiter = calibrated()
    limiter.recalibrate()
    assert feed(limiter, 20.0, 40.0, lambda n: 0.1 * n) == math.inf
    assert limiter.slowness == pytest.approx(1.0)
