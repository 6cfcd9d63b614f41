"""On a fake clock what was planted comes back exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.measure.load.arrivals import constant, poisson
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.simulation import simulate_load
from seatrial.measure.load.summary import summarise
from seatrial.stats.quantiles import exact_quantile


def planted(latencies_s):
    return lambda request, sent_s: (sent_s + latencies_s[request], 200)


@pytest.mark.parametrize("arrive", ["poisson", "constant"])
def test_a_planted_distribution_comes_back_exactly(arrive):
    rng = np.random.default_rng(11)
    arrivals = (
        poisson(500.0, duration_s=40.0, rng=rng)
        if arrive == "poisson"
        else constant(500.0, duration_s=40.0)
    )
    latencies = rng.lognormal(-4.0, 1.0, len(arrivals))
    result = simulate_load(
        planted(latencies), arrivals_s=arrivals, deadline_s=60.0, connections=10_000
    )
    assert result.latency_s == pytest.approx(latencies, abs=1e-12)
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)):
        expected = exact_quantile(latencies, q) * 1e3
        assert summarise(result).percentile(name).value_ms == pytest.approx(expected, abs=1e-9)


def test_a_straggler_share_is_seen_at_its_percentile_and_not_before():
    latencies = np.full(10_000, 1 / 128)
    latencies[::100] = 0.5
    result = simulate_load(planted(latencies), arrivals_s=np.arange(10_000) / 128)
    summary = summarise(result)
    assert summary.percentile("p99").value_ms == 1000 / 128
    assert summary.percentile("p99.9").value_ms == 500.0


def test_a_stall_hits_every_request_that_was_due_meanwhile():
    """A server that stands for two seconds: those due meanwhile wait for its end (no omission)."""

    def stalls(_, sent_s):
        return (4.0 if 2.0 <= sent_s < 4.0 else sent_s) + 1 / 1024, 200

    result = simulate_load(stalls, arrivals_s=constant(128, duration_s=10.0), connections=1024)
    due = result.scheduled_s
    expected = np.where((due >= 2.0) & (due < 4.0), 4.0 - due, 0.0) + 1 / 1024
    assert np.array_equal(result.latency_s, expected)
    # 2 of 10 seconds, of which half the waits are over a second.
    assert (result.latency_s > 1.0).mean() == pytest.approx(0.1, abs=0.001)


def test_what_waits_for_a_connection_counts_from_when_it_was_due():
    """One connection, one second a request, three due at once."""
    result = simulate_load(
        lambda _, sent_s: (sent_s + 1.0, 200), arrivals_s=np.zeros(3), connections=1
    )
    assert result.latency_s.tolist() == [1.0, 2.0, 3.0]
    assert result.lateness_s.tolist() == [0.0, 1.0, 2.0]
    assert result.held.tolist() == [False, True, True]
    assert summarise(result).generator.held == 2


def test_a_held_request_does_not_count_as_lateness_of_the_generator():
    result = simulate_load(
        lambda _, sent_s: (sent_s + 1.0, 200), arrivals_s=np.zeros(3), connections=1
    )
    assert summarise(result).generator.late_p99_ms == 0.0


def test_a_request_that_is_not_answered_counts_as_the_deadline():
    """One in four hangs for ever; the percentiles above 75 are at least the deadline."""
    result = simulate_load(
        lambda request, sent_s: (sent_s + (1e9 if request % 4 == 0 else 0.125), 200),
        arrivals_s=constant(64, duration_s=4.0),
        deadline_s=2.0,
    )
    summary = summarise(result)
    assert summary.errors == {"timeout": 64}
    assert summary.error_rate == 0.25
    assert summary.percentile("p50").value_ms == 125.0
    assert summary.percentile("p90").value_ms == 2000.0
    assert "25.00% of the requests got no answer" in summary.percentile("p90").why


def test_an_error_that_comes_back_at_once_is_no_fast_answer():
    result = simulate_load(
        lambda request, sent_s: (sent_s + 0.25, 500 if request % 2 else 200),
        arrivals_s=constant(8, duration_s=8.0),
        deadline_s=4.0,
    )
    summary = summarise(result)
    assert summary.statuses == {"200": 32, "500": 32}
    assert summary.errors == {"status": 32}
    assert summary.percentile("p90").value_ms == 4000.0


def test_a_server_that_hangs_up_is_an_error_by_its_kind():
    result = simulate_load(lambda _, sent_s: (sent_s + 0.5, 0), arrivals_s=np.zeros(2))
    assert summarise(result).errors == {"disconnected": 2}


def test_a_request_that_never_got_a_connection_is_a_timeout_and_said_aloud():
    result = simulate_load(
        lambda _, sent_s: (sent_s + 1e9, 200),
        arrivals_s=np.array([0.0, 0.5]),
        deadline_s=1.0,
        connections=1,
    )
    assert result.outcomes.tolist() == [Outcome.TIMEOUT, Outcome.TIMEOUT]
    assert result.latency_s.tolist() == [1.0, 1.0]
    # The first one's end freed the connection, half a second before the second's deadline.
    assert result.lateness_s.tolist() == [0.0, 0.5]


def test_the_warm_up_is_sent_but_does_not_count():
    latencies = np.where(np.arange(10) < 4, 0.5, 0.125)
    result = simulate_load(
        planted(latencies), arrivals_s=constant(1.0, duration_s=10.0), warmup_s=4.0
    )
    assert result.warmup == 4
    assert result.offered == 6
    assert set(result.latency_s.tolist()) == {0.125}


@settings(max_examples=60)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.001, 4)), min_size=1, max_size=30),
)
def test_every_request_has_a_fate_and_nothing_overtakes_the_deadline(connections, plan):
    arrivals = np.sort([due for due, _ in plan])
    result = simulate_load(
        planted([latency for _, latency in plan]),
        arrivals_s=arrivals,
        deadline_s=3.0,
        connections=connections,
    )
    assert not (result.outcomes == Outcome.PENDING).any()
    assert np.all(result.latency_s <= 3.0 + 1e-9)
    sent = ~np.isnan(result.lateness_s)
    assert np.all(result.lateness_s[sent] >= 0)
    starts = result.scheduled_s[sent] + result.lateness_s[sent]
    ends = (result.scheduled_s + result.latency_s)[sent]
    # Starts and ends are sums of rounded differences.
    for moment in starts:
        assert ((starts <= moment) & (ends > moment + 1e-9)).sum() <= connections
