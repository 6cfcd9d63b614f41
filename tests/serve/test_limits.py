"""A bucket gives what it says, over any stretch of time."""

from hypothesis import given
from hypothesis import strategies as st

from seatrial.serve.limits import PeerLimit, TokenBucket

pauses = st.lists(st.floats(0, 5), min_size=1, max_size=60)


@given(pauses, st.floats(0.1, 50), st.integers(1, 20))
def test_no_stretch_of_time_gives_more_than_the_burst_and_the_rate(steps, rate, burst):
    bucket = TokenBucket(rate, burst)
    now_s, taken = 0.0, []
    for step in steps:
        now_s += step
        if bucket.take(now_s) == 0.0:
            taken.append(now_s)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = burst + rate * (taken[last] - taken[first]) + 1e-6
            assert last - first + 1 <= allowed


@given(st.floats(0.1, 50), st.integers(1, 20))
def test_after_the_wait_that_is_told_there_is_a_token(rate, burst):
    bucket = TokenBucket(rate, burst)
    for _ in range(burst):
        assert bucket.take(100.0) == 0.0
    wait_s = bucket.take(100.0)
    assert 0 < wait_s <= 1 / rate
    assert bucket.take(100.0 + wait_s + 1e-6) == 0.0


def test_a_clock_that_goes_back_gives_nothing():
    bucket = TokenBucket(1.0, 1)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(50.0) > 0


def test_each_peer_has_its_own_bucket_and_old_peers_are_forgotten():
    limit = PeerLimit(rate_per_s=1.0, burst=1, peers_max=2)
    assert limit.take("a", 0.0) == 0.0
    assert limit.take("a", 0.0) > 0
    assert limit.take("b", 0.0) == 0.0
    assert limit.take("c", 0.0) == 0.0
    assert limit.take("a", 0.0) == 0.0, "forgotten for c"
    assert limit.take("c", 0.0) > 0
