"""What clients do beyond asking once, against a real server in a process of its own."""

import threading

import numpy as np
import pytest

from seatrial.measure.load.callers import parse_callers, read_keys
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.retries import RetryPolicy
from seatrial.measure.load.summary import summarise
from seatrial.testing.service import serving


def ask(url, count=6, **options):
    arrivals_s = None if "closed_s" in options else np.arange(count) / 200
    return run_load(url, LoadPlan(bodies=(b"{}",), arrivals_s=arrivals_s, **options))


@pytest.fixture
def received():
    return []


@pytest.fixture
def url(received):
    lock = threading.Lock()

    def route(path, document, headers):
        with lock:
            received.append({name.lower(): value for name, value in headers.items()})
        return 200, {"results": []}

    with serving(route) as root:
        yield f"{root}/predict"


def test_a_client_tries_again_and_says_how_often_it_has(planted_server):
    result = ask(planted_server.url("/again/2/0"), retry=RetryPolicy.naive(3))
    assert result.answered.all()
    summary = summarise(result)
    assert summary.retries.by_attempts == {"3": 6}
    assert (summary.retries.answered_first, summary.retries.answered_later) == (0, 6)
    assert (summary.retry_after.rejections, summary.retry_after.given) == (12, 12)


def test_a_retry_after_is_waited_for(planted_server):
    result = ask(planted_server.url("/again/1/1"), retry=RetryPolicy(retries=1, backoff_s=0.0))
    assert result.answered.all()
    # Waits are longer on a busy machine, and never shorter.
    assert result.latency_s.min() >= 1.0


def test_who_is_not_told_to_come_back_so_soon_gives_up(planted_server):
    result = ask(planted_server.url("/again/1/60"), retry=RetryPolicy(retries=1), deadline_s=30.0)
    assert set(result.statuses.tolist()) == {503}
    assert result.latency_s.max() < 30.0


def test_attempts_are_abandoned_and_their_connections_closed(planted_server):
    result = ask(
        planted_server.url("/silence"),
        count=2,
        retry=RetryPolicy.naive(2, attempt_s=0.2),
        deadline_s=30.0,
    )
    assert set(result.outcomes.tolist()) == {Outcome.TIMEOUT}
    assert result.attempts.per_request(2).tolist() == [3, 3]


def test_a_ticket_is_followed_until_it_is_delivered(planted_server):
    result = ask(planted_server.url("/later/300/0.3"))
    assert set(result.outcomes.tolist()) == {Outcome.DEFERRED}
    assert result.good.all()
    assert result.felt_s.min() >= 0.3
    figures = summarise(result).tickets
    assert (figures.given, figures.delivered, figures.with_eta) == (6, 6, 6)
    assert figures.waited_p50_ms >= 300
    assert summarise(result).errors == {}
    assert summarise(result).error_rate == 0.0


def test_a_promise_that_does_not_hold_is_seen(planted_server):
    figures = summarise(ask(planted_server.url("/later/600/0.1"))).tickets
    assert (figures.delivered, figures.eta_right) == (6, 0)


def test_tickets_are_asked_for_where_the_load_went(planted_server):
    """``localhost`` may mean ::1 first; the server listens on 127.0.0.1 alone."""
    url = planted_server.url("/later/600/0.1").replace("127.0.0.1", "localhost")
    figures = summarise(ask(url)).tickets
    assert figures.delivered == figures.given > 0


def test_a_ticket_that_is_never_honoured_is_lost(planted_server):
    result = ask(planted_server.url("/later/3600000/0.1"), ticket_wait_s=0.5)
    figures = summarise(result).tickets
    assert (figures.given, figures.lost) == (6, 6)
    assert summarise(result).errors == {"deferred": 6}
    assert not result.good.any()


def test_tickets_are_left_alone_where_they_are_not_to_be_followed(planted_server):
    result = ask(planted_server.url("/later/3600000/0.1"), ticket_wait_s=0.0)
    assert summarise(result).tickets is None
    assert set(result.statuses.tolist()) == {202}


def test_degraded_answers_are_counted_by_how(planted_server):
    summary = summarise(ask(planted_server.url("/degraded")))
    assert summary.degraded == {"variant": 6}
    assert [group.name for group in summary.by_server] == ["m/int8"]


def test_a_closed_loop_keeps_its_callers_busy(planted_server):
    result = ask(planted_server.url("/sleep/20"), closed_s=0.5, connections=4)
    assert result.connections <= 4
    assert result.answered.all()
    assert result.offered > 4
    assert not result.held.any()


def test_callers_send_their_own_keys(url, received, tmp_path):
    (tmp_path / "keys").write_text("big one 5\nsmall two\n")
    result = ask(url, count=40, callers=read_keys(tmp_path / "keys"))
    sent = sorted({headers["authorization"] for headers in received})
    assert sent == ["Bearer one", "Bearer two"]
    by_key = sum(headers["authorization"] == "Bearer two" for headers in received)
    assert result.callers.counts()["small"] == by_key


def test_a_ticket_is_asked_for_by_whoever_got_it():
    asked = []

    def route(path, document, headers):
        caller = {name.lower(): value for name, value in headers.items()}["x-caller"]
        if document is None:
            asked.append((path.rpartition("/")[2], caller))
            return 200, {}
        return 202, {"ticket": caller, "eta_s": 0.01}

    with serving(route) as root:
        ask(f"{root}/predict", count=10, callers=parse_callers("a,b"))
    assert len(asked) == 10
    assert all(ticket == caller for ticket, caller in asked)
