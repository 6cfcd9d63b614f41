import dataclasses

import msgspec
import numpy as np

from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.simulation import simulate_load
from seatrial.measure.load.summary import criticisms, summarise


def loaded(count=2000, latency_s=0.125):
    return simulate_load(
        lambda _, sent: (sent + latency_s, 200), arrivals_s=constant(100, duration_s=count / 100)
    )


def test_a_summary_is_json_and_back():
    summary = summarise(loaded())
    again = msgspec.json.decode(msgspec.json.encode(summary), type=type(summary))
    assert again == summary


def test_a_clean_load_has_nothing_to_criticise():
    assert criticisms(loaded()) == ()


def test_a_generator_that_was_late_says_that_the_tail_is_its_own():
    result = loaded()
    late = np.where(np.arange(2000) % 20 == 0, 0.1, 0.0)
    result = dataclasses.replace(result, lateness_s=late, latency_s=result.latency_s + late)
    (sentence,) = criticisms(result)
    assert "the load generator itself was late (p99 100.0 ms of 225.0 ms)" in sentence


def test_few_requests_are_criticised_with_how_many_are_wanted():
    assert criticisms(loaded(150)) == (
        "150 requests: p99 rests on the slowest 1; 1,000 are wanted",
    )


def test_what_was_never_sent_is_criticised():
    result = simulate_load(
        lambda _, sent: (sent + 1e9, 200),
        arrivals_s=np.zeros(1200),
        deadline_s=1.0,
        connections=1,
    )
    assert summarise(result).errors == {"timeout": 1200}
    assert summarise(result).generator.unsent == 1199
    assert criticisms(result) == (
        "1,199 requests were never sent: every connection was busy until their deadline",
    )


def test_a_far_percentile_is_unknown_until_there_are_enough_requests():
    few = summarise(loaded(2000)).percentile("p99.9")
    assert few.value_ms is None
    assert "needs 10,000" in few.why
    assert summarise(loaded(10_000)).percentile("p99.9").value_ms is not None


def test_the_rates_are_those_of_the_schedule():
    summary = summarise(loaded(2000))
    assert round(summary.offered_per_s) == 100
    assert 99 <= summary.achieved_per_s <= 100


def test_connections_that_were_too_few_are_criticised():
    result = simulate_load(
        lambda _, sent: (sent + 0.25, 200), arrivals_s=constant(100, duration_s=20), connections=10
    )
    assert any("waited for one of" in sentence for sentence in criticisms(result))
