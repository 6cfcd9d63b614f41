import pytest

from seatrial.core.settings import BudgetSettings, Settings
from seatrial.evidence.recorder import Recorder, conditions
from seatrial.trials.failures.latency import judge_latency

AT = conditions("model@0")


def evidence(value, low, steady, *, high=95.0, held=None, stages=()):
    recorder = Recorder("latency", at=AT)
    for name in ("p50_ms", "p95_ms"):
        recorder.value(name, 10.0, "ms", low=9.0, high=11.0)
    recorder.value("p99_ms", value, "ms", low=low, high=high, n=1000, note="too few")
    recorder.value("p99_steady_ms", steady, "ms")
    recorder.value("rate_max_per_s", held, "requests/s")
    recorder.table("stages", stages)
    return recorder.finish()


def judged(found, **limits):
    return judge_latency(found, Settings(budget=BudgetSettings(**limits)))


@pytest.mark.parametrize(
    ("value", "low", "steady", "expected", "said"),
    [
        (200.0, 150.0, 180.0, True, "p99 200.0 ms, budget 100 ms"),
        (90.0, 80.0, 85.0, False, "p99 90.0 ms, budget 100 ms"),
        (200.0, 95.0, 180.0, None, "its interval begins at 95.0 ms (n = 1000)"),
        (200.0, 150.0, 50.0, None, "because of one pause alone"),
        (None, None, None, None, "p99 unknown: too few"),
    ],
)
def test_over_is_certain_only_where_interval_and_steadiness_say_so(
    value, low, steady, expected, said
):
    result = judged(evidence(value, low, steady), p99_ms=100.0)
    assert result.id == "latency-budget"
    assert result.found is expected
    assert said in result.figure


def test_without_a_budget_nothing_is_judged():
    result = judged(evidence(200.0, 150.0, 180.0))
    assert result.found is None
    assert result.figure == "no budget set"


def test_one_certain_break_outweighs_what_is_kept():
    result = judged(evidence(200.0, 150.0, 180.0), p50_ms=20.0, p99_ms=100.0)
    assert result.found is True
    assert "p50" not in result.figure


def test_what_contains_it_is_the_rate_that_holds_or_the_stage_that_waits():
    slow = judged(evidence(200.0, 150.0, 180.0, held=12.0), p99_ms=100.0)
    assert slow.contained_by == "admit at most 12 requests/s"
    stages = [{"stage": "queue", "share_of_tail": 0.8}, {"stage": "rest", "share_of_tail": 0.2}]
    queued = judged(evidence(200.0, 150.0, 180.0, stages=stages), p99_ms=100.0)
    assert queued.contained_by == "80% of the tail is spent in queue"


@pytest.mark.parametrize(("high", "said"), [(None, "nobody knows"), (120.0, "reaches 120.0 ms")])
def test_under_is_certain_only_where_the_whole_interval_is(high, said):
    result = judged(evidence(90.0, 80.0, 85.0, high=high), p99_ms=100.0)
    assert result.found is None
    assert said in result.figure
