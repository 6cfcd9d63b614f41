import numpy as np
import pytest

from seatrial.core.errors import UsageError
from seatrial.measure.load.callers import parse_callers
from seatrial.measure.load.plan import CYCLE, LoadPlan
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.target import resolve_target

TARGET = resolve_target("http://127.0.0.1:9/predict")


def plan(**options):
    return LoadPlan(**{"bodies": (b"a", b"bb", b"c"), "arrivals_s": np.arange(6.0), **options})


def bodies(requests):
    return [request.rpartition(b"\r\n")[2] for request in requests]


def test_bodies_take_turns_unless_they_are_chosen():
    assert bodies(plan().requests(TARGET)) == [b"a", b"bb", b"c"]
    chosen = plan(choice=np.array([2, 2, 0, 0, 1, 1]))
    assert bodies(chosen.requests(TARGET)) == [b"c", b"c", b"a", b"a", b"bb", b"bb"]
    assert chosen.body_of(6).tolist() == [2, 2, 0, 0, 1, 1]


def test_every_caller_sends_its_own_headers_and_the_same_ones_every_time():
    two = plan(callers=parse_callers("a,b"), arrivals_s=np.arange(100.0))
    requests = two.requests(TARGET)
    said = [b"X-Caller: b\r\n" in request for request in requests]
    assert said == two.caller_of(100).astype(bool).tolist()
    assert 20 < sum(said) < 80
    assert two.requests(TARGET) == requests
    labels = two.caller_labels(100)
    assert labels.counts()["b"] == sum(said)


def test_a_closed_loop_repeats_its_draws_consistently():
    closed = plan(arrivals_s=None, closed_s=5.0, callers=parse_callers("2"))
    count = CYCLE + 5
    assert len(closed.requests(TARGET)) == CYCLE
    assert closed.body_of(count)[CYCLE:].tolist() == closed.body_of(5).tolist()
    assert closed.caller_of(count)[CYCLE:].tolist() == closed.caller_of(5).tolist()


def test_clients_that_try_again_say_that_it_is_the_first_time():
    (first, *_) = plan(retry=RetryPolicy()).requests(TARGET)
    assert b"X-Stainless-Retry-Count: 0\r\n" in first
    (plain, *_) = plan().requests(TARGET)
    assert b"Retry-Count" not in plain


def test_secrets_are_not_part_of_what_a_plan_prints():
    assert "secret" not in repr(plan(headers={"Authorization": "Bearer secret"}))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"closed_s": 5.0}, "neither or both"),
        ({"arrivals_s": None}, "neither or both"),
        ({"arrivals_s": np.empty(0)}, "no request is due"),
        ({"warmup_s": 7.0}, "no request is due after the warm-up of 7 s"),
        ({"arrivals_s": None, "closed_s": 3.0, "warmup_s": 3.0}, "no request is due"),
        ({"deadline_s": 0.0}, "deadline above 0"),
        ({"connections": 0}, "at least one connection"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(options, said):
    with pytest.raises(UsageError, match=said):
        plan(**options)


def test_a_plan_is_described():
    assert plan().describe() == "6 requests in 5 s"
    assert plan(told="a trace").describe() == "a trace"
    assert "256 callers for 2 s" in plan(arrivals_s=None, closed_s=2.0).describe()
