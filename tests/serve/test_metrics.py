from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from seatrial.serve.metrics import CACHE_COUNTERS, COUNTERS, Metrics, Total


def test_every_counter_is_named_and_described_even_before_it_counts():
    """Whoever looks for a name finds it, and what it means."""
    metrics = Metrics(model="m", release=lambda: "m@1", variant="original")
    found = {at.name: at for at in text_string_to_metric_families(metrics.exposition().decode())}
    assert {f"seatrial_{name}" for name in (*COUNTERS, "degraded", "rows")} <= set(found)
    assert set(CACHE_COUNTERS.values()) <= set(COUNTERS)
    assert all(family.documentation for family in found.values())


def test_requests_without_room_are_counted_by_rung():
    """One series for each rung that was used."""
    metrics = Metrics(model="m", release=lambda: "m@1", variant="original")
    for rung in ("queue", "reject", "reject"):
        metrics.degraded(rung)
    page = metrics.exposition().decode().splitlines()
    counts = [line for line in page if line.startswith("seatrial_degraded_total")]
    assert [line.rpartition(" ")[2] for line in counts] == ["1.0", "2.0"]
    assert 'rung="queue"' in counts[0]


def test_what_the_cache_did_and_who_tried_again_is_counted(serve):
    """Rows for the cache, requests for retries."""
    server = serve(toml="[serving]\ncache_mib = 1\n")
    server.predict("a", "b")
    server.predict("a", "c", headers={"X-Stainless-Retry-Count": "1"})
    server.predict("raise", headers={"X-Stainless-Retry-Count": "0"})
    assert server.metric("seatrial_cache_misses_total") == 3
    assert server.metric("seatrial_cache_hits_total") == 1
    assert server.metric("seatrial_cache_joined_total") == 0
    assert server.metric("seatrial_retries_total") == 1


def test_a_request_that_got_a_ticket_counts_once():
    """By what its caller was told first; what the ticket answers with is counted apart."""
    metrics = Metrics(model="m", release=lambda: "m@1", variant="original")
    metrics.responded("/predict", 200, 0.1)
    metrics.deferred("/predict", 0.001)
    metrics.deferred("/predict", 0.001)
    metrics.settled(200, 3.0)
    page = metrics.exposition().decode().splitlines()

    def values(name):
        return [float(at.rpartition(" ")[2]) for at in page if at.startswith(name)]

    assert values("seatrial_requests_total") == [1.0, 2.0]
    assert values("seatrial_request_duration_seconds_count") == [3.0]
    assert values("seatrial_tickets_total") == [2.0]
    assert values("seatrial_tickets_settled_total") == [1.0]
    assert values("seatrial_ticket_duration_seconds_sum") == [3.0]


def test_what_is_counted_elsewhere_is_a_counter_all_the_same():
    """Read when it is asked for."""
    metrics = Metrics(model="m", release=lambda: "m@1", variant="original")
    metrics.gauges = [Total("seatrial_lost", "Things lost", lambda: 3)]
    page = metrics.exposition().decode()
    assert "# TYPE seatrial_lost_total counter" in page
    assert 'seatrial_lost_total{model="m",release="m@1"} 3.0' in page


def test_what_makes_room_in_the_cache_is_counted(serve):
    """Whoever sees it grow gives the cache more memory."""
    server = serve(toml="[serving]\ncache_mib = 0.01\n")
    for number in range(30):
        server.predict(f"text {number}")
    assert server.metric("seatrial_cache_evictions_total") > 0
    assert server.metric("seatrial_cache_bytes") <= 0.01 * 2**20
