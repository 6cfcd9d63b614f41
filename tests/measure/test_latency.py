"""End to end against a real server in a process of its own; nothing is asserted about speed."""

import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import DataError
from seatrial.evidence.recorder import conditions
from seatrial.measure.latency import measure_latency
from seatrial.measure.ratestep import Limits

BODIES = [b'{"inputs": ["a"]}', b'{"inputs": ["a longer text than the other"]}']
AT = conditions("model@0", seed=3)


def measured(url, seconds=2.0, **options):
    return measure_latency(url, BODIES, at=AT, budget=TimeBudget(seconds), **options)


def test_a_queue_of_one_is_found_where_it_saturates(planted_server):
    """20 ms a request, one at a time: more than 50/s cannot be sustained on any machine."""
    evidence = measured(planted_server.url("/one-at-a-time/20"), 4.0)
    rates = [row["rate_per_s"] for row in evidence.table("rates")]
    assert rates == sorted(rates)
    assert 0 < evidence.value("sustained_per_s").value < 60
    assert evidence.value("unloaded_ms").value >= 20
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        assert evidence.value(name).value >= 20
        assert evidence.value(name).n == evidence.value("error_rate").n
    assert evidence.value("p999_ms").value is None
    assert "needs 10,000" in evidence.value("p999_ms").note


def test_the_contract_of_the_tables_is_kept(planted_server):
    evidence = measured(planted_server.url("/timing"))
    rates = evidence.table("rates")
    # The reference rate is always there; how many others fit into the time is the machine's affair.
    assert evidence.settings["reference_rate_per_s"] in [row["rate_per_s"] for row in rates]
    wanted = {
        "rate_per_s", "offered", "answered", "errors", "timeouts", "achieved_per_s", "duration_s",
        "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms", "within_budget",
    }  # fmt: skip
    assert all(wanted <= row.keys() for row in rates)
    assert [row["stage"] for row in evidence.table("stages")] == ["queue", "model", "rest"]
    assert len(evidence.table("sizes")) == 2
    assert evidence.settings["reference_rate_is"] == "half of what it sustains"


def test_a_straggler_share_breaks_the_budget_at_every_rate(planted_server):
    """One in ten takes 400 ms: whatever the machine does, p99 is not below that."""
    evidence = measured(
        planted_server.url("/straggle/10/400"),
        limits=Limits(p99_ms=100.0),
        reference_rate_per_s=100.0,
    )
    assert evidence.value("p99_ms").value >= 400
    assert evidence.value("p99_ms").low >= 400
    assert evidence.settings["reference_rate_per_s"] == 100.0
    assert evidence.settings["limits"] == {"p99": 100.0}
    held = evidence.value("rate_max_per_s").value
    assert held is None or held < 100


def test_a_service_that_refuses_everything_has_no_latency(planted_server):
    evidence = measured(planted_server.url("/status/422"))
    assert evidence.value("p99_ms").value is None
    assert "422: because" in evidence.value("p99_ms").note
    assert evidence.value("error_rate").value == 1.0
    assert evidence.table("rates") == ()


def test_what_the_budget_left_out_is_said(planted_server):
    evidence = measured(planted_server.url("/sleep/100"), 1.5)
    assert evidence.cut_short
    assert any("time budget" in sentence for sentence in evidence.criticisms)
    assert any("requests: p99 rests on" in sentence for sentence in evidence.criticisms)


def test_without_rows_nothing_is_measured(planted_server):
    with pytest.raises(DataError, match="no body"):
        measure_latency(
            planted_server.url("/answer"), [], at=AT, budget=TimeBudget(1.0), limits=None
        )
