import dataclasses

import pytest

from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.simulation import simulate_load
from seatrial.measure.load.stages import parse_server_timing, stages


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"", {}),
        (b"model;dur=2", {"model": 2.0}),
        (b'a;desc="x;dur=9, y";dur=1', {"a": 1.0}),
        (b"a;dur=1, a;dur=2", {"a": 3.0}),
        (b"cache, a;dur=oops, b;DUR=3", {"b": 3.0}),
        (b"a;dur=-1, b;dur=nan", {}),
    ],
)
def test_server_timing_is_read_as_its_specification_says(header, expected):
    assert parse_server_timing(header) == expected


def loaded(headers, latency_s):
    result = simulate_load(
        lambda request, sent: (sent + latency_s(request), 200),
        arrivals_s=constant(len(headers), duration_s=1.0),
    )
    return dataclasses.replace(result, server_timings=tuple(headers))


def test_the_tail_is_explained_by_the_stage_that_grew():
    """Every tenth waits in the queue; the model takes the same for all."""
    headers = [
        b"queue;dur=%d, model;dur=10" % (900 if row % 100 == 0 else 0) for row in range(1000)
    ]
    found = {
        stage.stage: stage
        for stage in stages(loaded(headers, lambda row: 1.0 if row % 100 == 0 else 0.0125))
    }
    assert list(found) == ["queue", "model", "rest"]
    assert found["queue"].share_of_tail == pytest.approx(0.9)
    assert found["model"].p50_ms == 10.0
    assert found["rest"].p50_ms == pytest.approx(2.5)


def test_the_shares_of_the_tail_sum_to_one():
    headers = [b"a;dur=%d, b;dur=1" % (row % 7) for row in range(200)]
    found = stages(loaded(headers, lambda row: 0.02))
    assert sum(stage.share_of_tail for stage in found) == pytest.approx(1.0)


def test_without_the_header_nothing_is_claimed():
    assert stages(loaded([None] * 10, lambda row: 0.01)) == ()
