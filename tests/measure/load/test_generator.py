"""The same driver over real sockets, against a real server in a process of its own."""

import asyncio
import socket
import threading
import time

import numpy as np
import psutil
import pytest

from seatrial.core.errors import DataError, UnreachableError, UsageError
from seatrial.measure.load.arrivals import constant
from seatrial.measure.load.driver import Outcome
from seatrial.measure.load.generator import run_load
from seatrial.measure.load.plan import LoadPlan
from seatrial.measure.load.summary import summarise

BODIES = [b'{"inputs": ["a"]}', b'{"inputs": ["longer"]}', b'{"inputs": []}']


def load(url, count=20, **options):
    return ask(url, arrivals_s=constant(200, duration_s=count / 200), **options)


def ask(url, bodies=BODIES, **options):
    return run_load(url, LoadPlan(bodies=tuple(bodies), **options))


@pytest.mark.parametrize("path", ["/answer", "/chunked", "/close", "/unframed", "/interim"])
def test_every_way_to_end_an_answer_is_understood(planted_server, path):
    result = load(planted_server.url(path))
    assert result.answered.all()
    assert set(result.statuses.tolist()) == {200}


def test_connections_are_kept(planted_server):
    # One at a time, so that a second connection is never wanted.
    result = load(planted_server.url("/answer"), connections=1)
    assert result.connections == 1
    assert result.answered.all()


def test_more_connections_are_opened_when_all_are_busy(planted_server):
    result = ask(planted_server.url("/sleep/300"), arrivals_s=np.zeros(5))
    assert result.connections == 5
    assert result.answered.all()


def test_the_bodies_are_rotated_through(planted_server):
    result = load(planted_server.url("/answer"), count=7)
    assert result.bodies.tolist() == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("path", "outcome", "kind"),
    [
        ("/status/503", Outcome.STATUS, "status"),
        ("/hangup", Outcome.DISCONNECTED, "disconnected"),
        ("/garbage", Outcome.MALFORMED, "malformed"),
        ("/silence", Outcome.TIMEOUT, "timeout"),
    ],
)
def test_every_way_to_fail_is_named(planted_server, path, outcome, kind):
    result = load(planted_server.url(path), deadline_s=0.4 if path == "/silence" else 20.0)
    assert set(result.outcomes.tolist()) == {outcome}
    assert summarise(result).errors == {kind: 20}
    assert summarise(result).error_rate == 1.0


def test_the_first_answer_of_each_error_is_shown(planted_server):
    result = load(planted_server.url("/status/422"))
    assert result.examples == {422: "because"}


def test_stage_times_are_kept_for_each_request(planted_server):
    result = load(planted_server.url("/timing"), count=3)
    assert result.server_timings == (b"queue;dur=1.5, model;dur=2",) * 3


def test_the_warm_up_does_not_count(planted_server):
    result = load(planted_server.url("/answer"), count=20, warmup_s=0.05)
    assert (result.warmup, result.offered) == (10, 10)


def test_a_load_can_run_inside_a_running_event_loop(planted_server):
    async def in_a_notebook():
        return load(planted_server.url("/answer"))

    assert asyncio.run(in_a_notebook()).answered.all()


def test_a_name_with_two_addresses_is_reached_at_the_one_that_listens(planted_server):
    """``localhost`` may mean ::1 first; the server listens on 127.0.0.1 alone."""
    result = load(planted_server.url("/answer").replace("127.0.0.1", "localhost"))
    assert result.answered.all()


def test_nobody_there_is_one_clear_error():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(UnreachableError, match="nobody answers"):
            load(f"http://127.0.0.1:{port}/")


def test_a_server_that_dies_under_load_is_refusals_and_not_a_crash(planted_server):
    result = load(planted_server.url("/die/21"), count=200, deadline_s=20.0)
    outcomes = result.outcomes
    assert (outcomes == Outcome.ANSWERED).sum() == 20
    assert outcomes[-1] == Outcome.REFUSED


@pytest.mark.parametrize("url", ["predict", "ftp://host/", "http://", "http://host:port/"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(UsageError, match="accepted is an absolute"):
        load(url)


def test_no_bodies_no_arrivals_and_headers_with_line_breaks_are_refused(planted_server):
    url = planted_server.url("/answer")
    with pytest.raises(DataError, match="no body"):
        ask(url, [], arrivals_s=np.zeros(1))
    with pytest.raises(UsageError, match="no request is due"):
        ask(url, arrivals_s=np.zeros(0))
    with pytest.raises(UsageError, match="line break"):
        ask(url, arrivals_s=np.zeros(1), headers={"X-A": "b\r\nX-C: d"})


def test_a_stopped_server_shows_in_the_percentiles_without_coordinated_omission(planted_server):
    """Stopped for two seconds of four: what was due in the first of them took over a second."""
    server = psutil.Process(planted_server.process.pid)

    def resume():
        while server.status() != psutil.STATUS_STOPPED:
            time.sleep(0.005)
        time.sleep(2.0)
        server.resume()

    resumer = threading.Thread(target=resume)
    resumer.start()
    result = ask(
        planted_server.url("/stop/200"),
        arrivals_s=constant(200, duration_s=4.0),
        connections=64,
    )
    resumer.join()
    assert result.answered.all()
    # Two hundred are due in that second; a closed loop with 64 connections would show 64.
    assert (result.latency_s > 1.0).sum() > 180
    assert result.latency_s.max() > 1.5
    assert summarise(result).percentile("p90").value_ms > 1000
    assert summarise(result).generator.held > 100
