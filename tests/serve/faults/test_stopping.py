"""A server that is told to stop, or loses whoever started it (P1, P2)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.client import HTTPException

import psutil
import pytest

from seatrial.records.query import Log

SHORT_LIMIT = """
from seatrial.serve import front
front.DRAIN_LIMIT_S = 1.0
"""

HANG_S = 60


def answered(model):
    """Ids of the requests that the log says were answered, each once."""
    rows = Log(model.server.folder).rows(columns=("id", "status"), origins=("user",)).rows
    found = [identifier for identifier, status in rows if status == "answered"]
    assert len(found) == len(set(found))
    return set(found)


def ready(server):
    """Whether a balancer would send traffic."""
    try:
        return server.ask("GET", "/readyz").status == 200
    except (OSError, HTTPException):
        return False


def leaves_nothing(server, family):
    for pid in family:
        server.eventually(lambda pid=pid: not running(pid), limit_s=HANG_S)


def running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("keeper", ["--no-keeper", "--keeper"])
def test_fault_P1_a_stop_under_load_loses_no_request(faulty, load, keeper):
    """Not ready first; who is in is answered; who comes on after is refused a connection."""
    model = faulty("--workers", "2", "--drain-delay", "1.5", keeper)
    family = model.server.family()
    with load(model.server, callers=6, value="sleep 0.005 {}") as callers:
        callers.more()
        model.server.popen.terminate()
        model.server.eventually(lambda: not ready(model.server))
        callers.more()
        assert model.server.popen.wait(HANG_S) == 0
    assert set(callers.statuses) == {200}
    assert callers.lost == []
    assert callers.refused == 6
    assert answered(model) == {at.headers["x-request-id"] for at in callers.answers}
    assert not list((model.server.folder / ".seatrial" / "log" / "open").iterdir())
    leaves_nothing(model.server, family)


def test_fault_P1_while_it_drains_callers_are_asked_to_let_go(faulty):
    """A kept connection is closed by its caller, in its own time, before the server does it."""
    model = faulty("--workers", "1", "--drain-delay", "3")
    connection = model.server.connect()
    try:
        for wanted in (None, "close"):
            connection.request("POST", "/predict", json.dumps({"inputs": ["a"]}))
            answer = model.server.read(connection)
            assert (answer.status, answer.headers.get("connection")) == (200, wanted)
            if wanted is None:
                model.server.popen.terminate()
                model.server.eventually(lambda: not ready(model.server))
        assert model.server.ask("GET", "/livez").headers["connection"] == "close"
    finally:
        connection.close()
    assert model.server.popen.wait(HANG_S) == 0


def test_fault_P1_what_is_still_in_flight_at_the_limit_is_told_so(faulty):
    """503 and when to come again, to those who run and those who wait; the exit is clean."""
    model = faulty("--workers", "1", prelude=SHORT_LIMIT)
    family = model.server.family()
    with model.waiting("a", ["b", "c"], headers={"X-Request-Timeout-Ms": "60000"}) as (_, answers):
        model.server.popen.terminate()
        told = answers()
        assert model.server.popen.wait(HANG_S) == 0
    assert [(at.status, at.json["code"]) for at in told] == [(503, "serving")] * 3
    assert all(int(at.headers["retry-after"]) >= 1 for at in told)
    assert all(at.json["retryable"] for at in told)
    assert {model.server.record_of(at)["status"] for at in told} == {"rejected"}
    assert [inputs[0].startswith("gate") for _, _, inputs in model.calls()] == [True]
    leaves_nothing(model.server, family)


def test_fault_P1_connections_that_say_nothing_do_not_hold_it_up(faulty):
    """Idle ones, half a request, and a reader that does not read."""
    model = faulty("--workers", "1", prelude=SHORT_LIMIT)
    connections = [model.server.connect() for _ in range(3)]
    try:
        for connection, sent in zip(connections, (b"", b"POST /pre", PART), strict=True):
            connection.connect()
            connection.sock.sendall(sent)
        model.server.eventually(lambda: model.server.metric("seatrial_connections") >= 4)
        model.server.popen.terminate()
        assert model.server.popen.wait(HANG_S) == 0
    finally:
        for connection in connections:
            connection.close()


PART = b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"inputs":'


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGHUP, signal.SIGTERM),
    ],
    ids=["TERM-TERM", "INT-INT", "HUP-TERM"],
)
def test_fault_P2_a_second_signal_ends_it_at_once_and_all_that_belongs_to_it(faulty, first, second):
    """Even with a request that hangs; what was answered is in the log."""
    model = faulty("--workers", "2", "--drain-delay", "60", "--keeper")
    answers = {model.server.predict(f"row {n}").headers["x-request-id"] for n in range(5)}
    family = model.server.family()
    assert len(family) >= 4
    with model.asking("hang held") as asking:
        asking.ask()
        model.server.eventually(lambda: model.runs("hang held") == 1)
        model.server.popen.send_signal(first)
        model.server.eventually(lambda: not ready(model.server))
        model.server.popen.send_signal(second)
        assert model.server.popen.wait(HANG_S) == 128 + second
    leaves_nothing(model.server, family)
    assert answered(model) == answers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["INT", "HUP"])
def test_fault_P2_other_signals_stop_it_as_cleanly(faulty, load, number):
    model = faulty("--workers", "2", "--drain-delay", "0.5", "--keeper")
    family = model.server.family()
    with load(model.server, callers=4, value="sleep 0.005 {}") as callers:
        callers.more()
        model.server.popen.send_signal(number)
        assert model.server.popen.wait(HANG_S) == 0
    assert set(callers.statuses) == {200}
    assert answered(model) >= {at.headers["x-request-id"] for at in callers.answers}
    leaves_nothing(model.server, family)


def test_fault_P2_a_front_that_is_killed_takes_all_that_belongs_to_it_along(faulty):
    """Keeper, idle workers, one that holds the interpreter; the log keeps what was answered."""
    model = faulty("--workers", "2", "--keeper")
    answers = {model.server.predict(f"row {n}").headers["x-request-id"] for n in range(5)}
    family = model.server.family()
    with model.asking("hang held") as asking:
        asking.ask()
        model.server.eventually(lambda: model.runs("hang held") == 1)
        model.server.popen.kill()
    leaves_nothing(model.server, family)
    assert answered(model) == answers


STARTER = """
import subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
server.wait()
"""


def test_fault_P2_a_server_ends_when_whoever_started_it_is_killed(faulty, project, command):
    """With ``--lifeline``, and as cleanly as by a signal."""
    model = faulty("--workers", "1")
    folder = project(model.server.folder.with_name("other"))
    flags = ("--keeper", "--drain-delay", "0", "--workers", "1", "--lifeline")
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, *command(folder, *flags)], stdout=subprocess.PIPE
    )
    with starter:
        told = json.loads(starter.stdout.readline())
        family = [told["pid"]]
        family += [child.pid for child in psutil.Process(told["pid"]).children(recursive=True)]
        assert len(family) >= 3
        starter.kill()
    leaves_nothing(model.server, family)
    assert not list((folder / ".seatrial" / "log" / "open").iterdir())


def test_fault_P2_a_signal_to_the_whole_group_is_a_clean_stop(faulty, load):
    """As Ctrl-C in a terminal: workers and keeper have groups of their own, and leave it to us."""
    model = faulty("--workers", "2", "--drain-delay", "0.5", "--keeper")
    family = model.server.family()
    mine = [pid for pid in family if os.getpgid(pid) == os.getpgid(model.server.popen.pid)]
    assert mine == [model.server.popen.pid]
    with load(model.server, callers=4, value="sleep 0.005 {}") as callers:
        callers.more()
        for pid in mine:
            os.kill(pid, signal.SIGINT)
        assert model.server.popen.wait(HANG_S) == 0
    assert set(callers.statuses) == {200}
    leaves_nothing(model.server, family)
