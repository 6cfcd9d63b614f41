import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import UsageError
from seatrial.measure.load.arrivals import constant, poisson, replayed


def test_constant_arrivals_are_evenly_spaced_from_zero():
    assert constant(4.0, duration_s=1.0).tolist() == [0.0, 0.25, 0.5, 0.75]


def test_constant_arrivals_do_not_gain_one_by_rounding():
    assert len(constant(0.1, duration_s=30.0)) == 3


def test_poisson_arrivals_repeat_with_their_seed():
    first = poisson(50.0, duration_s=10.0, rng=np.random.default_rng(7))
    second = poisson(50.0, duration_s=10.0, rng=np.random.default_rng(7))
    assert np.array_equal(first, second)


def test_poisson_gaps_are_exponential():
    arrivals = poisson(200.0, duration_s=100.0, rng=np.random.default_rng(1))
    gaps = np.diff(arrivals)
    # Mean and standard deviation of an exponential are equal; 20,000 gaps give either to 2 %.
    assert gaps.mean() == pytest.approx(1 / 200.0, rel=0.03)
    assert gaps.std() == pytest.approx(1 / 200.0, rel=0.03)


def test_a_poisson_count_varies_as_its_variance_says():
    rng = np.random.default_rng(3)
    counts = np.array([len(poisson(10.0, duration_s=5.0, rng=rng)) for _ in range(2000)])
    assert counts.mean() == pytest.approx(50.0, rel=0.02)
    assert counts.var() == pytest.approx(50.0, rel=0.15)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=50),
    st.floats(0.01, 100),
)
def test_a_replay_keeps_order_and_gaps(timestamps, speed):
    arrivals = replayed(timestamps, speed=speed)
    assert arrivals[0] == 0.0
    assert np.all(np.diff(arrivals) >= 0)
    span = max(timestamps) - min(timestamps)
    assert arrivals[-1] == pytest.approx(span / speed)


def test_a_replay_takes_instants():
    moments = np.array(["2026-01-01T00:00:01.5", "2026-01-01T00:00:00"], dtype="datetime64[ms]")
    assert replayed(moments).tolist() == [0.0, 1.5]


def test_a_replay_of_nothing_is_nothing():
    assert len(replayed([])) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: constant(0.0, duration_s=1.0),
        lambda: constant(1.0, duration_s=-1.0),
        lambda: poisson(float("nan"), duration_s=1.0, rng=np.random.default_rng(0)),
        lambda: replayed([1.0], speed=0.0),
        lambda: replayed([1.0, float("nan")]),
        lambda: replayed(np.array(["NaT"], dtype="datetime64[s]")),
    ],
)
def test_what_cannot_be_an_arrival_is_refused(wrong):
    with pytest.raises(UsageError, match=r"accepted|not finite"):
        wrong()
