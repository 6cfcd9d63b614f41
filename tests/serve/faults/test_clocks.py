"""A wall clock that jumps by an hour, either way (C1)."""

from __future__ import annotations

import pytest

from seatrial.core.clock import SYSTEM
from seatrial.releases.control import Control
from seatrial.serve.keyfile import KeyFile, Terms

HOUR_S = 3600.0

JUMPING = """
import sys, time
from datetime import timedelta
from pathlib import Path

flag, true_s = Path(sys.argv[2]) / ".clock", time.time

def off_s():
    return float(flag.read_text() or 0) if flag.exists() else 0.0

time.time = lambda: true_s() + off_s()
time.time_ns = lambda: int(time.time() * 1e9)

from seatrial.core.clock import SystemClock

true_utc = SystemClock.utc
SystemClock.utc = lambda clock: true_utc(clock) + timedelta(seconds=off_s())
"""
"""Every wall clock that the front reads is off by what a file says."""

both_ways = pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S], ids=["ahead", "back"])

SOON = {"X-Request-Timeout-Ms": "400"}
PATIENT = {"X-Request-Timeout-Ms": "60000"}


@both_ways
def test_fault_C1_deadlines_are_those_of_a_clock_that_does_not_jump(faulty, jump_s):
    """Who waits is not expired by a jump, and who hangs is; idle workers and callers stay."""
    model = faulty("--workers", "1", prelude=JUMPING)
    workers = model.worker_pids()
    kept = model.server.connect()
    try:
        kept.request("GET", "/livez")
        assert model.server.read(kept).status == 200
        with model.waiting("a", ["b", "c"], headers=PATIENT) as (gate, answers):
            model.flag("clock", str(jump_s))
            assert abs(hour_of(model.server)) > HOUR_S / 2
            model.flag(gate)
            assert [at.status for at in answers()] == [200] * 3
        assert model.worker_pids() == workers
        hung = model.server.predict("hang", headers=SOON)
        assert (hung.status, hung.json["code"]) == (504, "deadline-exceeded")
        model.server.eventually(lambda: model.worker_pids() not in ([], workers))
        assert model.server.predict("a").status == 200
        kept.request("GET", "/livez")
        assert model.server.read(kept).status == 200
    finally:
        kept.close()


def hour_of(server):
    """How far the server's wall clock is off, in seconds, by what it writes."""
    answer = server.ask("POST", "/predict", "{")
    wall_ms = int(answer.headers["x-request-id"][:12], 16)
    return wall_ms / 1000 - SYSTEM.utc().timestamp()


@both_ways
def test_fault_C1_answers_are_remembered_as_long_as_they_should_be(faulty, jump_s):
    """A jump ahead does not forget them."""
    toml = "[serving]\ncache_mib = 8\ncache_ttl_s = 600\n"
    model = faulty("--workers", "1", prelude=JUMPING, toml=toml)
    assert model.server.predict("a").status == 200
    model.flag("clock", str(jump_s))
    assert model.server.predict("a").headers["x-served-by"] == "cache"


@both_ways
def test_fault_C1_what_is_remembered_for_a_moment_is_forgotten_all_the_same(faulty, jump_s):
    """A jump back does not keep it for an hour more."""
    toml = "[serving]\ncache_mib = 8\ncache_ttl_s = 0.2\n"
    model = faulty("--workers", "1", prelude=JUMPING, toml=toml)
    assert model.server.predict("a").status == 200
    model.flag("clock", str(jump_s))
    model.server.eventually(lambda: model.server.predict("a").headers["x-served-by"] == "model")


@both_ways
def test_fault_C1_a_key_asks_no_more_often_than_it_may(faulty, jump_s):
    model = faulty("--workers", "1", prelude=JUMPING)
    _, secret = KeyFile(model.server.folder).create(
        Terms(requests_per_s=0.001, burst=2), now=SYSTEM.utc()
    )
    shown = {"X-API-Key": secret}
    model.server.eventually(lambda: model.server.predict("a").status == 401)
    assert [model.server.predict("a", headers=shown).status for _ in range(2)] == [200, 200]
    for off_s in (0.0, jump_s, 0.0):
        model.flag("clock", str(off_s))
        refused = model.server.predict("a", headers=shown)
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 1_000


@both_ways
def test_fault_C1_the_log_has_both_times_and_every_id_once(faulty, jump_s):
    """The order of things is that of the clock which does not jump."""
    model = faulty("--workers", "1", prelude=JUMPING)
    ids = []
    for off_s in (0.0, jump_s, 0.0):
        model.flag("clock", str(off_s))
        ids += [model.server.predict(f"row {n}").headers["x-request-id"] for n in range(5)]
    records = model.server.records()
    assert [record["id"] for record in records] == ids
    assert len(set(ids)) == 15
    steady = [record["monotonic_s"] for record in records]
    assert steady == sorted(steady)
    assert steady[-1] - steady[0] < HOUR_S / 2
    assert all(0 <= record["total_ms"] < HOUR_S for record in records)
    wall = [record["time"] for record in records]
    assert (wall[5:10] > wall[:5]) == (jump_s > 0)
    assert wall[5][:13] != wall[0][:13]


@both_ways
def test_fault_C1_orders_are_followed_whatever_the_clock_says(faulty, jump_s):
    model = faulty("--workers", "1", prelude=JUMPING)
    model.flag("clock", str(jump_s))
    Control(model.server.folder).order("kill-on", by="a test")
    model.server.eventually(lambda: model.server.predict("a").json.get("code") == "killed")
    Control(model.server.folder).order("kill-off", by="a test")
    model.server.eventually(lambda: model.server.predict("a").status == 200)
    model.server.popen.terminate()
    assert model.server.popen.wait(60) == 0
