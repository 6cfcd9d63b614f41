"""From what somebody asks of a load to the plan that is followed."""

import numpy as np
import pytest

from seatrial.core.errors import DataError, UsageError
from seatrial.records.tables import write_rows
from seatrial.trials.loadplan import Load, plan_of, shape_of, trace_in

BODIES = (b"[1]", b"[1, 2, 3, 4]", b"[1, 2]")


def plan(**wishes):
    return plan_of(Load(url="http://127.0.0.1:9/", **wishes), BODIES)


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace.parquet"
    columns = {"timestamp": [0.0, 1.0, 1.1, 5.0], "input_tokens": [900, 5, 40, 41]}
    write_rows(path, columns)
    return path


def test_without_any_wish_it_is_ten_seconds_at_fifty():
    made = plan()
    assert made.told == "Poisson, requests/s: 50:10s"
    assert made.duration_s == 10.0
    assert made.connections == 256
    assert made.retry is None


def test_the_same_seed_gives_the_same_arrivals_and_another_one_does_not():
    assert np.array_equal(plan(seed=3).arrivals_s, plan(seed=3).arrivals_s)
    assert not np.array_equal(plan(seed=3).arrivals_s, plan(seed=4).arrivals_s)


@pytest.mark.parametrize(
    ("wishes", "shape"),
    [
        ({"rate_per_s": 5, "duration_s": 4}, "5:4s"),
        ({"shape": "ramp", "factor": 2}, "50->100:10s"),
        (
            {"shape": "spike", "rate_per_s": 1, "duration_s": 10, "hold_s": 2},
            "1:3s, 1->10:1s, 10:2s, 10->1:1s, 1:3s",
        ),
        ({"shape": "steps", "steps": 2, "factor": 3}, "50:5s, 150:5s"),
        ({"shape": "7:1s,9:2s"}, "7:1s, 9:2s"),
    ],
)
def test_a_shape_is_named_or_written_out(wishes, shape):
    assert str(shape_of(Load(url="", **wishes))) == shape


def test_even_arrivals_leave_nothing_to_chance():
    assert plan(rate_per_s=4, duration_s=1, even=True).arrivals_s.tolist() == [0, 0.25, 0.5, 0.75]


def test_a_trace_is_replayed_with_bodies_by_its_sizes(trace):
    made = plan(trace=trace)
    assert made.arrivals_s.tolist() == [0.0, 1.0, 1.1, 5.0]
    assert made.choice.tolist()[:2] == [1, 0]
    assert made.told.endswith("bodies by its sizes")


def test_a_trace_is_sped_up_or_brought_to_a_rate_and_cut(trace):
    assert plan(trace=trace, speed=10).arrivals_s.tolist() == pytest.approx([0, 0.1, 0.11, 0.5])
    brought = plan(trace=trace, rate_per_s=6, duration_s=0.3)
    assert brought.arrivals_s.tolist() == pytest.approx([0, 0.1, 0.11])
    assert len(brought.choice) == 3


def test_a_trace_may_be_text_with_its_own_column_names(tmp_path):
    path = tmp_path / "azure.csv"
    path.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
    )
    found = trace_in(path)
    assert found.arrivals_s == pytest.approx([0.0, 4.314579])
    assert found.sizes.tolist() == [374.0, 396.0]
    assert trace_in(path, sizes="GeneratedTokens").sizes.tolist() == [44.0, 109.0]


def test_a_trace_without_times_is_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, {"text": ["a"]})
    with pytest.raises(DataError, match="`timestamp`"):
        trace_in(path)


def test_a_closed_loop_has_few_callers_unless_told():
    assert plan(closed=True).connections == 16
    assert plan(closed=True, connections=3, duration_s=2).closed_s == 2


def test_retrying_clients_wait_unless_they_are_naive():
    patient, naive = plan(retries=2), plan(retries=2, naive=True, attempt_s=1.0)
    assert patient.retry.honours_retry_after
    assert patient.retry.backoff_s == 0.5
    assert not naive.retry.honours_retry_after
    assert (naive.retry.backoff_s, naive.retry.attempt_s) == (0.0, 1.0)


@pytest.mark.parametrize(
    "wishes",
    [
        {"closed": True, "rate_per_s": 5},
        {"closed": True, "shape": "ramp"},
        {"rate_per_s": 5, "shape": "5:1s"},
        {"speed": 2.0},
        {"naive": True},
        {"attempt_s": 1.0},
        {"callers": "2", "keys": "keys.txt"},
    ],
)
def test_wishes_that_exclude_each_other_are_refused(wishes):
    with pytest.raises(UsageError, match=r"received|accepted"):
        plan(**wishes)
