from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from seatrial.serve.metrics import CACHE_COUNTERS, COUNTERS, Metrics


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
