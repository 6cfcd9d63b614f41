from seatrial.measure.load.fields import fields


def test_every_field_of_the_document_says_what_it_means():
    told = dict(fields())
    assert [name for name, meaning in told.items() if not meaning] == []
    for name in ("goodput_per_s", "timeline[].p99_ms", "tickets.eta_right", "latency[].why"):
        assert name in told
