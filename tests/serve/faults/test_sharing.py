"""Identical requests at once, and releases swapped under them: L1, R7."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from seatrial.releases.control import Control

COUNTING = '''
import os, time
from pathlib import Path

CALLS = Path(__file__).with_name(".calls")

class Model:
    """Says which release it is; every call of it leaves a line."""

    def predict(self, inputs):
        with CALLS.open("a") as calls:
            calls.write("".join(f"{value}\\n" for value in inputs))
        if any(value.startswith("slow") for value in inputs):
            time.sleep(0.3)
        if any(value == "raise" for value in inputs):
            time.sleep(0.3)
            raise ValueError("bad row")
        return [f"{value} from %s" for value in inputs]

def load():
    return Model()
'''

CACHED = "[serving]\ncache_mib = 8\nworkers = 1\n"


def calls(server):
    return (server.folder / ".calls").read_text().splitlines()


def at_once(server, value, count):
    """Ask the same on ``count`` connections; return the answers."""
    body = json.dumps({"inputs": [value]})
    connections = [server.connect() for _ in range(count)]
    try:
        for connection in connections:
            connection.request("POST", "/predict", body)
        found = [connection.getresponse() for connection in connections]
        return [(at.status, dict(at.getheaders()), json.loads(at.read())) for at in found]
    finally:
        for connection in connections:
            connection.close()


def test_fault_L1_a_thousand_identical_cold_requests_are_one_model_call(serve):
    """All but the first join it; whoever comes later is answered from the cache."""
    server = serve(toml=CACHED, model=COUNTING % "one")
    answers = at_once(server, "slow herd", 1_000)
    assert {status for status, _, _ in answers} == {200}
    outputs = {answer["results"][0]["output"] for _, _, answer in answers}
    assert outputs == {"slow herd from one"}
    assert len({answer["id"] for _, _, answer in answers}) == 1_000
    assert calls(server).count("slow herd") == 1
    later = server.predict("slow herd")
    assert later.headers["x-served-by"] == "cache"
    assert calls(server).count("slow herd") == 1
    kinds = {r["cache"] for r in server.records() if r.get("input") == "slow herd"}
    assert kinds <= {"miss", "joined", "hit"}
    assert len(server.records()) == 1_001


def test_fault_L1_where_the_one_call_fails_all_get_its_error_and_nothing_is_kept(serve):
    """No stampede: those who waited are not each run again."""
    server = serve(toml=CACHED, model=COUNTING % "one")
    answers = at_once(server, "raise", 100)
    assert {status for status, _, _ in answers} == {500}
    assert calls(server).count("raise") == 1
    assert server.predict("raise").status == 500
    assert calls(server).count("raise") == 2


def test_fault_L1_who_joined_is_answered_though_the_first_caller_goes(serve):
    """The row goes on for those who wait for it, and is run once."""
    server = serve(toml=CACHED, model=COUNTING % "one")
    body = json.dumps({"inputs": ["slow leader"]})
    leader = server.connect()
    leader.request("POST", "/predict", body)
    server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
    with ThreadPoolExecutor(3) as callers:
        joined = [callers.submit(server.predict, "slow leader") for _ in range(3)]
        server.eventually(lambda: server.metric("seatrial_connections") >= 5)
        leader.close()
        assert [at.result().status for at in joined] == [200, 200, 200]
    assert calls(server).count("slow leader") == 1


def test_fault_R7_no_answer_of_one_release_is_given_for_another(serve):
    """Cached and running answers belong to the release that made them; a swap loses no request."""
    server = serve(toml=CACHED, model=COUNTING % "one")
    first = server.ready["release"]
    assert server.predict("kept").json["results"][0]["output"] == "kept from one"
    stop, seen = threading.Event(), []

    def ask(number):
        while not stop.is_set():
            answer = server.predict("kept", f"slow {number} {len(seen)}")
            seen.append((answer.status, answer.json))

    with ThreadPoolExecutor(4) as callers:
        running = [callers.submit(ask, number) for number in range(4)]
        server.eventually(lambda: len(seen) > 8)
        (server.folder / "model.py").write_text(COUNTING % "two")
        Control(server.folder).order("reload", by="a test")
        server.eventually(lambda: server.predict("x").headers["x-release"] != first)
        after = len(seen)
        server.eventually(lambda: len(seen) > after + 8)
        stop.set()
        for each in running:
            each.result()
    assert {status for status, _ in seen} == {200}
    for _, answer in seen:
        wanted = "one" if answer["release"] == first else "two"
        assert {r["output"].rpartition(" ")[2] for r in answer["results"]} == {wanted}
    assert {answer["release"] for _, answer in seen} == {
        first,
        server.predict("kept").headers["x-release"],
    }


def test_fault_R7_a_folder_that_cannot_be_loaded_leaves_what_answers(serve):
    """The old release goes on, and readiness says why the new one does not."""
    server = serve(toml=CACHED, model=COUNTING % "one")
    first = server.ready["release"]
    (server.folder / "model.py").write_text("def load():\n    raise OSError('no weights')\n")
    Control(server.folder).order("reload", by="a test")
    server.eventually(lambda: "no weights" in server.ask("GET", "/readyz?verbose").json["reload"])
    answer = server.predict("a")
    assert (answer.status, answer.headers["x-release"]) == (200, first)
