"""More than the model keeps up with: storms, spikes, the ladder, greed and size: L2 to L6."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pytest

from seatrial.measure.load import LoadPlan, RetryPolicy, parse_shape, poisson, run_load
from seatrial.measure.load.callers import Caller
from seatrial.measure.load.deferrals import ticket_figures
from seatrial.schedule.admission import RETRIES_SAVED, RETRY_SHARE
from seatrial.serve.keyfile import KeyFile, Terms

SLEEPING = '''
import time

class Model:
    """Takes so many seconds a row and no processor; the small one takes a tenth."""

    def __init__(self, name, seconds):
        self.name, self.seconds = name, seconds

    def predict(self, inputs):
        time.sleep(self.seconds * len(inputs))
        return [f"{value} by {self.name}" for value in inputs]

    def variants(self):
        return {"small": Model("small", self.seconds / 10)}

def load():
    return Model("large", %g)
'''

ROW_S = 0.02
DEADLINE_S = 1.0
DEADLINE = {"X-Request-Timeout-Ms": f"{DEADLINE_S * 1e3:g}"}
LADDER = '"variant", "queue", "reject"'

TEXTS = tuple(json.dumps({"inputs": [f"text {n}"]}).encode() for n in range(20_000))


def settings(*, rungs='"reject"', more=""):
    return (
        f"[serving]\nworkers = 1\nbatch_max = 1\ntimeout_ms = {DEADLINE_S * 1e3:g}\n"
        f"degrade = [{rungs}]\n{more}"
    )


@pytest.fixture
def sleeping(serve):
    """Start a server whose model takes so long for a row."""

    def start(*, row_s=ROW_S, toml):
        return serve(model=SLEEPING % row_s, toml=toml)

    return start


def offer(server, arrivals_s, **plan):
    """Load a server on a schedule that does not wait for it."""
    given = {"bodies": TEXTS, "deadline_s": 2 * DEADLINE_S, "ticket_wait_s": 0.0} | plan
    return run_load(f"{server.ready['url']}/predict", LoadPlan(arrivals_s=arrivals_s, **given))


def shaped(text, seed=1):
    return parse_shape(text).arrivals(rng=np.random.default_rng(seed))


def capacity(server, seconds=0.6):
    """Return what callers who wait for their answers get through in a second."""
    plan = LoadPlan(bodies=TEXTS, closed_s=seconds, connections=4)
    return float(run_load(f"{server.ready['url']}/predict", plan).answered.sum()) / seconds


def answered(result):
    return result.statuses == 200


def late(result):
    """Return which part of those who were let in was not answered in time."""
    return (result.statuses == 504).sum() / max(answered(result).sum(), 1)


@contextmanager
def meanwhile(work):
    """Do something again and again in a thread of its own."""
    over = threading.Event()

    def repeat():
        while not over.is_set():
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow  # counts what is kept of a rate: another job on the machine takes from it
def test_fault_L2_a_storm_of_retries_costs_no_goodput_and_passes_with_its_cause(sleeping):
    """Three retries at once of clients that wait for nothing; each refusal said when to come."""
    server = sleeping(toml=settings())
    full = capacity(server)
    result = offer(
        server,
        shaped(f"{2 * full:g}:1500ms, {0.3 * full:g}:1800ms"),
        retry=RetryPolicy.naive(3),
        headers=DEADLINE,
    )
    storm, later = result.scheduled_s < 1.5, result.scheduled_s > 1.5 + DEADLINE_S
    assert set(result.attempts.statuses.tolist()) <= {200, 503}
    refused = result.attempts.statuses == 503
    assert refused.sum() > storm.sum(), "no storm"
    assert (answered(result) & storm).sum() > 0.6 * full * 1.5
    assert answered(result)[later].all()

    again_s = result.attempts.retry_after_s[refused]
    assert (again_s >= 1).all()
    assert len(set(again_s.tolist())) > 1, "they would all come back at one moment"

    # Where others wait, retries get a tenth of what first attempts get, by the header that tells.
    plain, again = Caller("first"), Caller("again", 1.0, {"x-stainless-retry-count": "1"})
    result = offer(server, shaped(f"{3 * full:g}:1500ms"), callers=(plain, again), headers=DEADLINE)
    retried, first = (
        int((answered(result) & result.callers.having(name)).sum()) for name in ("again", "first")
    )
    # Until anybody waits for long, a retry is as welcome as anything else.
    calm = full * DEADLINE_S / 8 + 10
    assert retried <= RETRY_SHARE * first + RETRIES_SAVED + calm
    assert first > 0.6 * full * 1.5
    assert server.metric("seatrial_retries_total") > 0


@pytest.mark.slow  # counts what is kept of a rate: another job on the machine takes from it
def test_fault_L3_a_tenfold_spike_costs_no_goodput_and_leaves_nothing_behind(sleeping):
    """Who is let in is answered inside the deadline; all others learn at once that they are not."""
    server = sleeping(toml=settings(rungs=LADDER, more="queue_rows = 50\n"))
    full = capacity(server)
    some, most = 0.4 * full, 10 * full
    result = offer(
        server,
        shaped(f"{some:g}:500ms, {some:g}->{most:g}:200ms, {most:g}:1500ms, {some:g}:2700ms"),
        headers=DEADLINE,
    )
    at_s = result.scheduled_s
    spike, after = (at_s >= 0.7) & (at_s < 2.2), at_s >= 2.2 + 2 * DEADLINE_S
    assert set(result.statuses.tolist()) <= {200, 202, 503, 504}
    assert late(result) < 0.1, "they were let in and not served"
    assert (result.statuses == 503).sum() > full
    assert (answered(result) & spike).sum() > 0.6 * full * 1.5
    assert answered(result)[after].all()
    server.eventually(lambda: server.metric("seatrial_inflight_requests") == 0)


class TestLadder:
    @pytest.mark.slow  # as above
    def test_fault_L4_the_rungs_are_used_in_their_order_and_every_answer_names_its_own(
        self, sleeping
    ):
        """Cache, cheaper variant, ticket, refusal; the public is told."""
        rungs = 'cheaper_variant = "small"\ncache_mib = 8\nqueue_rows = 300\n'
        server = sleeping(toml=settings(rungs=LADDER, more=rungs))
        assert server.predict("known").headers["x-served-by"] == "model"
        other = tuple(json.dumps({"inputs": [f"before {n}"]}).encode() for n in range(5_000))

        def variant_answers():
            """It stands by a moment after the server is ready."""
            pressed = offer(server, shaped(f"{4 / ROW_S:g}:1s"), bodies=other)
            return pressed.served_by.having("variant:small").any()

        def told_now():
            return server.ask("GET", "/status").json["degradation"]

        server.eventually(variant_answers)
        server.eventually(lambda: told_now() == "ok")
        told = []
        full = 10 / ROW_S
        with meanwhile(lambda: told.append(told_now())):
            result = offer(server, shaped(f"10->{3 * full:g}:3s, {3 * full:g}:500ms"))
        known = server.predict("known")
        assert known.headers["x-served-by"] == "cache"
        assert "x-degraded" not in known.headers

        by_rung = {
            "model": answered(result) & result.served_by.having("model"),
            "variant": answered(result) & result.served_by.having("variant:small"),
            "queue": result.statuses == 202,
            "reject": result.statuses == 503,
        }
        counts = {rung: int(mask.sum()) for rung, mask in by_rung.items()}
        assert sum(counts.values()) + (result.statuses == 504).sum() == result.offered
        assert late(result) < 0.1
        assert min(counts.values()) > 0, counts
        first = {rung: float(result.scheduled_s[mask].min()) for rung, mask in by_rung.items()}
        assert sorted(first, key=first.__getitem__) == list(first)
        for rung in ("variant", "queue", "reject"):
            assert result.degraded.having(rung)[by_rung[rung]].all()
        assert not result.degraded.known[by_rung["model"]].any()
        seen = list(dict.fromkeys(told))
        assert seen[:2] == ["ok", "degraded: variant"]
        assert "degraded: reject" in seen

    def test_fault_L4_a_ticket_is_fetched_later_and_holds_what_the_answer_would_have_been(
        self, sleeping
    ):
        server = sleeping(toml=settings(rungs='"queue", "reject"'))
        plain, put_off = server.predict("plain"), []

        def until_put_off():
            put_off.append(server.predict("put off"))
            return put_off[-1].status == 202

        def press():
            offer(server, shaped(f"{4 / ROW_S:g}:1s"))

        with meanwhile(press):
            server.eventually(until_put_off)
        ticket = put_off[-1]
        assert ticket.headers["x-degraded"] == "queue"
        assert (ticket.json["status"], ticket.json["eta_s"] > 0) == ("waiting", True)
        place = ticket.headers["location"]
        assert place == f"/tickets/{ticket.headers['x-request-id']}" == ticket.json["ticket"]

        server.eventually(lambda: server.ask("GET", place).status != 202)
        fetched = server.ask("GET", place)
        assert fetched.status == 200
        assert fetched.json.keys() == plain.json.keys()
        assert fetched.json["results"][0]["output"] == "put off by large"
        assert fetched.headers["x-request-id"] == ticket.headers["x-request-id"]
        assert server.ask("GET", "/tickets/0").status == 404
        assert server.record_of(fetched)["degraded"] == "queue"
        # Each request once, by what it was told first; what tickets came to is counted apart.
        tickets = server.metric("seatrial_tickets_total")
        server.eventually(lambda: server.metric("seatrial_tickets_settled_total") == tickets)
        assert server.metric("seatrial_ticket_duration_seconds_count") == tickets
        put_aside = [
            line for line in server.lines("seatrial_requests_total") if 'code="202"' in line
        ]
        assert [float(line.rpartition(" ")[2]) for line in put_aside] == [tickets]
        assert server.metric("seatrial_requests_total") == server.metric(
            "seatrial_request_duration_seconds_count"
        )

    @pytest.mark.slow
    def test_fault_L4_tickets_come_when_they_were_promised(self, sleeping):
        """Under a load that stays as it is; within a half more or less, nine of ten."""
        server = sleeping(
            row_s=0.005, toml=settings(rungs='"queue", "reject"', more="queue_rows = 20\n")
        )
        full = capacity(server)
        result = offer(
            server,
            shaped(f"{1.5 * full:g}:15s"),
            deadline_s=DEADLINE_S,
            ticket_wait_s=30.0,
            headers={"X-Request-Timeout-Ms": "150"},
        )
        figures = ticket_figures(result)
        assert figures is not None
        assert figures.delivered == figures.given > 20
        # Those promised for a time after the load had ended came sooner.
        kept = result.scheduled_s + result.tickets.eta_s * 1.5 < 15.0
        ratio = (result.tickets.waited_s / result.tickets.eta_s)[kept & result.tickets.delivered]
        assert ((ratio >= 0.5) & (ratio <= 1.5)).mean() >= 0.9


@pytest.mark.slow  # counts what is kept of a rate: another job on the machine takes from it
def test_fault_L5_a_greedy_caller_takes_nothing_from_the_share_of_nine_others(sleeping):
    """At twenty times what each of them asks for, each by its own key."""
    callers, share = 10, 0.6
    server = sleeping(row_s=0.01, toml=settings(rungs=LADDER))
    full = capacity(server)
    file, now = KeyFile(server.folder), datetime.now(UTC)
    keys = [file.create(Terms(name=f"caller-{n}"), now=now)[1] for n in range(callers)]
    server.eventually(lambda: server.predict("a").status == 401)

    each = [
        Caller(f"caller-{n}", 20.0 if n == 0 else 1.0, {"Authorization": f"Bearer {key}"})
        for n, key in enumerate(keys)
    ]
    rate = share * full / callers * sum(caller.weight for caller in each)
    result = offer(
        server,
        poisson(rate, duration_s=3.0, rng=np.random.default_rng(2)),
        callers=tuple(each),
        headers=DEADLINE,
    )
    greedy = result.callers.having("caller-0")
    assert answered(result)[greedy].mean() < 0.5, "there was room for all"
    assert late(result) < 0.1
    assert answered(result)[~greedy].mean() >= 0.9
    good = {c.name: answered(result)[result.callers.having(c.name)].mean() for c in each[1:]}
    assert min(good.values()) >= 0.6, good


@pytest.mark.slow  # counts what is kept of a rate: another job on the machine takes from it
def test_fault_L6_single_rows_are_not_stuck_behind_requests_of_a_thousand(sleeping):
    """They share the model's time by what they cost, not by who came first."""
    server = sleeping(
        row_s=0.0003, toml="[serving]\nworkers = 1\nbatch_max = 32\ntimeout_ms = 20000\n"
    )
    statuses, large_s = set(), []
    many = [f"row {n}" for n in range(1_000)]

    def ask_much():
        began_s = time.perf_counter()
        statuses.add(server.predict(*many).status)
        large_s.append(time.perf_counter() - began_s)

    with meanwhile(ask_much), meanwhile(ask_much), meanwhile(ask_much):
        server.eventually(lambda: server.metric("seatrial_queue_depth") > 1_000)
        result = offer(server, poisson(30.0, duration_s=1.5, rng=np.random.default_rng(3)))
    assert statuses == {200}
    assert set(result.statuses.tolist()) == {200}
    own_s = result.latency_s - result.lateness_s
    assert np.median(own_s) < np.median(large_s) / 4
