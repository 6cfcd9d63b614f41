import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.simulation import PlantedAnswer, simulate_load, simulate_plan
from seatrial.measure.load.timeline import episodes, timeline
from seatrial.stats.quantiles import exact_quantile


def ladder(request, sent_s):
    """Answers, then a cheaper variant from second 4, rejections from 6 to 8."""
    if 6 <= sent_s < 8:
        return PlantedAnswer(sent_s + 0.01, 503, retry_after_s=1.0)
    if 4 <= sent_s < 9:
        return PlantedAnswer(sent_s + 0.05, served_by="m/int8", degraded="variant")
    return PlantedAnswer(sent_s + 0.1, served_by="m/original")


def loaded(server=ladder, seconds=12.0):
    return simulate_load(server, arrivals_s=constant(20, duration_s=seconds), duration_s=seconds)


def test_every_second_says_what_came_and_who_answered():
    moments = timeline(loaded())
    assert [moment.at_s for moment in moments] == list(range(12))
    assert {moment.offered for moment in moments} == {20}
    assert [moment.rejected for moment in moments] == [0] * 6 + [20, 20] + [0] * 4
    assert moments[5].served_by == {"m/int8": 20}
    assert moments[6].statuses == {"503": 20}
    assert (moments[0].p50_ms, moments[5].p50_ms) == (pytest.approx(100), pytest.approx(50))
    assert moments[6].p50_ms is None


def test_what_was_special_is_told_with_its_time():
    told = [(e.what, e.from_s, e.to_s, e.requests) for e in episodes(timeline(loaded()))]
    assert told == [("degraded", 4.0, 9.0, 60), ("rejected", 6.0, 8.0, 40)]


def test_a_plain_load_has_no_episodes():
    assert episodes(timeline(loaded(lambda _, sent: (sent + 0.1, 200)))) == ()


def test_single_failures_below_a_hundredth_are_no_episode():
    result = simulate_load(
        lambda request, sent: (sent + 0.01, 500 if request == 700 else 200),
        arrivals_s=constant(500, duration_s=4),
    )
    assert episodes(timeline(result)) == ()


def test_retries_are_seen_in_the_second_in_which_they_are_sent():
    plan = LoadPlan(
        bodies=(b"",),
        arrivals_s=np.zeros(5),
        duration_s=1.0,
        retry=RetryPolicy(retries=1, backoff_s=0.0),
    )
    result = simulate_plan(
        lambda _, sent: PlantedAnswer(sent + 0.1, 503 if sent < 1 else 200, retry_after_s=2.0), plan
    )
    moments = timeline(result)
    assert [(m.offered, m.attempts) for m in moments] == [(5, 5), (0, 0), (0, 5)]
    assert moments[0].answered == 5


def test_long_loads_are_told_in_longer_stretches():
    moments = timeline(loaded(seconds=1300.0))
    assert {moment.width_s for moment in moments} == {3.0}
    assert sum(moment.offered for moment in moments) == 1300 * 20


@given(st.lists(st.tuples(st.floats(0, 6), st.floats(0.001, 5)), min_size=1, max_size=60))
def test_the_percentiles_of_a_second_are_those_of_its_requests(drawn):
    drawn.sort()
    result = simulate_load(
        lambda request, sent: (sent + drawn[request][1], 200),
        arrivals_s=np.array([due for due, _ in drawn]),
        connections=100,
    )
    for moment in timeline(result):
        inside = np.floor(result.scheduled_s) == moment.at_s
        assert moment.offered == inside.sum()
        if inside.any():
            expected = exact_quantile(result.latency_s[inside], 0.99) * 1e3
            assert moment.p99_ms == pytest.approx(expected)
