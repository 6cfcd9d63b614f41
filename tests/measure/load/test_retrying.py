"""Clients that try again, on a fake clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.repeats import retry_after_figures, retry_figures
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.simulation import PlantedAnswer, simulate_plan
from seatrial.measure.load.summary import summarise


def load(server, *, policy, arrivals_s=(0.0,), **options):
    plan = LoadPlan(
        bodies=(b"",), arrivals_s=np.asarray(arrivals_s, dtype=float), retry=policy, **options
    )
    return simulate_plan(server, plan)


def failing_until(moment_s, **fields):
    def server(_, sent_s):
        status = 503 if sent_s < moment_s else 200
        return PlantedAnswer(sent_s + 0.125, status, **(fields if status == 503 else {}))

    return server


def test_latency_counts_from_when_the_request_was_first_due():
    result = load(failing_until(0.3), policy=RetryPolicy.naive(5))
    assert result.attempts.sent_s.tolist() == [0.0, 0.125, 0.25, 0.375]
    assert result.attempts.statuses.tolist() == [503, 503, 503, 200]
    assert result.latency_s.tolist() == [0.5]
    assert result.answered.all()


def test_a_retry_after_is_honoured():
    result = load(
        failing_until(1.0, retry_after_s=2.0), policy=RetryPolicy(retries=1, backoff_s=0.0)
    )
    assert result.attempts.sent_s.tolist() == [0.0, 2.125]
    figures = retry_after_figures(result)
    assert (figures.rejections, figures.given, figures.p50_s) == (1, 1, 2.0)


def test_first_and_eventual_success_are_told_apart():
    result = load(
        lambda request, sent: (sent + 0.1, 200 if request % 2 or sent > request / 8 else 503),
        policy=RetryPolicy.naive(1),
        arrivals_s=np.arange(8) / 8,
    )
    figures = retry_figures(result)
    assert (figures.attempts, figures.answered_first, figures.answered_later) == (12, 4, 4)
    assert figures.by_attempts == {"1": 4, "2": 4}
    assert figures.gave_up == 0


def test_a_request_keeps_its_last_failure():
    result = load(failing_until(1e9), policy=RetryPolicy.naive(2))
    assert result.statuses.tolist() == [503]
    assert len(result.attempts.requests) == 3
    assert retry_figures(result).gave_up == 1


def test_a_client_whose_next_attempt_would_be_too_late_gives_up_at_once():
    result = load(
        failing_until(1e9, retry_after_s=60.0), policy=RetryPolicy(retries=5), deadline_s=10.0
    )
    assert result.latency_s.tolist() == [0.125]
    assert result.outcomes.tolist() == [Outcome.STATUS]


def test_an_attempt_that_takes_too_long_is_abandoned_and_tried_again():
    result = load(
        lambda _, sent: (sent + (100.0 if sent < 1.0 else 0.25), 200),
        policy=RetryPolicy.naive(3, attempt_s=1.0),
    )
    assert result.attempts.sent_s.tolist() == [0.0, 1.0]
    assert result.attempts.outcomes.tolist() == [Outcome.TIMEOUT, Outcome.ANSWERED]
    assert result.latency_s.tolist() == [1.25]


def test_the_deadline_is_that_of_all_attempts_together():
    result = load(
        lambda _, sent: (sent + 100.0, 200),
        policy=RetryPolicy.naive(10, attempt_s=1.0),
        deadline_s=2.5,
    )
    assert result.outcomes.tolist() == [Outcome.TIMEOUT]
    assert result.latency_s.tolist() == [2.5]
    assert result.attempts.done_s.tolist() == [1.0, 2.0, 2.5]


def test_naive_retries_make_a_storm_and_waiting_ones_do_not():
    """A server that turns away two seconds: who comes back at once multiplies the load."""

    def attempts(policy):
        result = load(
            failing_until(2.0, retry_after_s=2.0),
            policy=policy,
            arrivals_s=constant(50, duration_s=4.0),
        )
        return summarise(result).retries.attempts_per_request

    assert attempts(RetryPolicy.naive(8)) > 3.0
    assert attempts(RetryPolicy(retries=8)) < 1.6


def test_a_request_that_waits_for_a_connection_at_its_deadline_keeps_its_failure():
    result = load(
        lambda request, sent: (sent + (0.25 if request == 0 else 50.0), 503),
        policy=RetryPolicy.naive(3),
        arrivals_s=[0.0, 0.1],
        connections=1,
        deadline_s=1.0,
    )
    assert result.outcomes.tolist()[0] == Outcome.STATUS
    assert result.latency_s.tolist()[0] == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(0, 4),
    st.one_of(st.none(), st.floats(0.2, 2.0)),
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0.01, 4), st.sampled_from([0, 200, 429, 500, 400])),
        min_size=1,
        max_size=25,
    ),
    st.integers(0, 10**6),
)
def test_every_request_has_a_fate_and_no_client_tries_more_often_than_it_may(
    connections, retries, attempt_s, told, seed
):
    rng = np.random.default_rng(seed)
    statuses = [status for _, _, status in told]

    def server(request, sent_s):
        _, latency_s, _ = told[request]
        return sent_s + latency_s, int(rng.choice(statuses))

    result = load(
        server,
        policy=RetryPolicy(retries=retries, backoff_s=0.5, attempt_s=attempt_s),
        arrivals_s=np.sort([due for due, _, _ in told]),
        deadline_s=3.0,
        connections=connections,
    )
    assert not (result.outcomes == Outcome.PENDING).any()
    assert np.all(result.latency_s <= 3.0 + 1e-9)
    attempts = result.attempts
    assert attempts.per_request(result.offered).max() <= retries + 1
    assert not np.isnan(attempts.done_s).any()
    for moment in attempts.sent_s:
        flying = (attempts.sent_s <= moment) & (attempts.done_s > moment)
        assert flying.sum() <= connections
    if attempt_s is not None:
        assert np.all(attempts.done_s - attempts.sent_s <= attempt_s + 1e-9)
