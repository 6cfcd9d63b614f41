"""A model that hangs (M2), and a front that is stopped and goes on (C2)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

SOON = {"X-Request-Timeout-Ms": "400"}
"""A deadline that what hangs is sure to miss."""

LATER = {"X-Request-Timeout-Ms": "2000"}
"""One before which the model has it for certain."""

PATIENCE_S = 5.0
PATIENT = {"X-Request-Timeout-Ms": "5000"}
"""A deadline that what only waits for a stopped front meets until then."""

SHORT_PAUSE = """
from seatrial.schedule import breaker
breaker.PAUSE_S = 0.5
breaker.WINDOW_S = 300.0
"""
"""It tries again soon, and counts hangs together however slowly they come."""


def losses(model):
    return model.server.metric("seatrial_worker_losses_total")


@pytest.mark.parametrize("value", ["hang", "hang held"], ids=["sleeps", "holds-the-lock"])
def test_fault_M2_a_hang_costs_its_own_request_and_its_worker_is_replaced(faulty, value):
    """504 at the deadline; the other worker answers all the while."""
    model = faulty("--workers", "2")
    before = model.worker_pids()
    with ThreadPoolExecutor(1) as caller:
        hung = caller.submit(model.server.predict, value, headers=LATER)
        model.server.eventually(lambda: model.runs(value) == 1)
        assert [model.server.predict(f"row {n}").status for n in range(20)] == [200] * 20
        answer = hung.result()
    assert (answer.status, answer.json["code"]) == (504, "deadline-exceeded")
    assert model.server.record_of(answer)["status"] == "timed_out"
    model.server.eventually(lambda: losses(model) == 1 and len(model.worker_pids()) == 2)
    (gone,) = set(before) - set(model.worker_pids())
    assert not psutil.pid_exists(gone)
    assert model.server.predict("a").status == 200
    assert model.runs(value) == 1


def test_fault_M2_who_is_in_one_call_with_it_waits_no_longer_than_it_may(faulty):
    """The rows behind it are answered by the next worker."""
    model = faulty("--workers", "1", toml="[serving]\nbatch_max = 3\n")
    headers = [PATIENT] * 3 + [{}] * 2
    answers = model.batch("hang", "a", "b", "c", "d", headers=headers)
    assert [at.status for at in answers] == [504] * 3 + [200] * 2
    assert losses(model) == 1


def test_fault_M2_workers_that_keep_hanging_open_the_breaker_until_one_answers(faulty):
    """Then nobody is made to wait for them; one request at a time tries whether they live."""
    model = faulty("--workers", "1", prelude=SHORT_PAUSE, toml="[serving]\nbatch_max = 1\n")
    told = []

    def hang():
        told.append(model.server.predict(f"hang {len(told)}", headers=SOON))
        return told[-1].status

    model.server.eventually(lambda: hang() == 503, limit_s=100)
    *hung, refused = told
    assert {(at.status, at.json["code"]) for at in hung} == {(504, "deadline-exceeded")}
    model.server.eventually(lambda: losses(model) >= 5)
    assert (refused.json["code"], refused.json["retryable"]) == ("serving", True)
    assert int(refused.headers["retry-after"]) >= 1
    model.flag("cured")
    model.server.eventually(lambda: model.server.predict("a").status == 200)
    assert [model.server.predict(f"row {n}").status for n in range(20)] == [200] * 20


def test_fault_C2_what_expired_while_the_front_was_stopped_is_never_run(faulty):
    """Nor answered late: its callers get 504, and the server goes on with the same workers."""
    model = faulty("--workers", "1", toml="[serving]\nbatch_max = 2\n")
    workers = model.worker_pids()
    rows = [f"row {n}" for n in range(6)]
    with model.waiting(*rows, headers=PATIENT) as (gate, answers):
        stop_for(model.server, PATIENCE_S, meanwhile=lambda: model.flag(gate))
        held_up, *told = answers()
    assert held_up.status == 200
    assert [(at.status, at.json["code"]) for at in told] == [(504, "deadline-exceeded")] * 6
    assert [model.runs(row) for row in rows] == [0] * 6
    assert [model.server.predict(row).status for row in rows] == [200] * 6
    assert model.worker_pids() == workers
    assert losses(model) == 0


def test_fault_C2_an_answer_that_came_while_the_front_was_stopped_costs_no_worker(faulty):
    """It is too late for its caller, but the model has not hung."""
    model = faulty("--workers", "1")
    workers = model.worker_pids()
    for _ in range(2):
        # Enough calls that one which seemed to take seconds is known for an exception.
        assert [model.server.predict("quick").status for _ in range(20)] == [200] * 20
        with model.waiting("a", "b", headers=PATIENT, gate_headers=PATIENT) as (gate, answers):
            late_s = PATIENCE_S + 1.0
            stop_for(model.server, late_s, meanwhile=lambda gate=gate: model.flag(gate))
            assert [at.status for at in answers()] == [504] * 3
        assert model.server.predict("c").status == 200
    assert model.worker_pids() == workers
    assert losses(model) == 0


def stop_for(server, seconds, *, meanwhile):
    """Stop the front, as a laptop lid or a debugger does."""
    front = psutil.Process(server.popen.pid)
    front.suspend()
    try:
        server.eventually(lambda: front.status() == psutil.STATUS_STOPPED)
        meanwhile()
        until = time.monotonic() + seconds
        server.eventually(lambda: time.monotonic() >= until)
    finally:
        front.resume()
