from datetime import UTC, datetime

import numpy as np
import pytest

from seatrial.core.errors import UsageError
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.retries import RetryPolicy, parse_retry_after


def delays(policy, attempts, *, status=503, retry_after_s=None, count=2000):
    rng = np.random.default_rng(1)
    return [
        policy.delay_s(attempts, Outcome.STATUS, status, retry_after_s, rng=rng)
        for _ in range(count)
    ]


@pytest.mark.parametrize(("attempts", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (9, 4.0)])
def test_waits_are_drawn_below_a_limit_that_doubles(attempts, longest):
    found = np.array(delays(RetryPolicy(retries=9, backoff_s=0.5, backoff_max_s=4), attempts))
    assert found.max() <= longest
    assert found.mean() == pytest.approx(longest / 2, rel=0.1)


def test_what_was_asked_for_is_waited_for_with_jitter_on_top():
    found = delays(RetryPolicy(backoff_s=0.5), 1, retry_after_s=3.0)
    assert min(found) >= 3.0
    assert max(found) <= 3.5
    assert len(set(found)) > 1000


def test_a_naive_client_comes_back_at_once():
    assert set(delays(RetryPolicy.naive(3), 3, retry_after_s=60.0)) == {0.0}


def test_after_its_last_attempt_a_client_gives_up():
    assert delays(RetryPolicy(retries=2), 3, count=1) == [None]


@pytest.mark.parametrize("status", [200, 400, 404, 422])
def test_answers_that_would_be_the_same_again_are_final(status):
    assert delays(RetryPolicy(), 1, status=status, count=1) == [None]


def test_broken_connections_are_tried_again_and_nonsense_is_not():
    rng = np.random.default_rng(0)
    for outcome in (Outcome.TIMEOUT, Outcome.REFUSED, Outcome.DISCONNECTED):
        assert RetryPolicy().delay_s(1, outcome, 0, None, rng=rng) is not None
    assert RetryPolicy().delay_s(1, Outcome.MALFORMED, 0, None, rng=rng) is None


def test_a_date_is_a_number_of_seconds():
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert parse_retry_after(b"Thu, 01 Jan 2026 12:00:07 GMT", now=now) == 7.0
    assert parse_retry_after(b"Thu, 01 Jan 2026 11:00:00 GMT", now=now) == 0.0


@pytest.mark.parametrize("header", [b"", b"-1", b"nan", b"inf", b"in a while"])
def test_what_cannot_be_waited_for_is_nothing(header):
    assert parse_retry_after(header) is None


def test_figures_below_zero_are_refused():
    with pytest.raises(UsageError, match="0 or more"):
        RetryPolicy(retries=-1)
    with pytest.raises(UsageError, match="more than 0 s"):
        RetryPolicy(attempt_s=0.0)
