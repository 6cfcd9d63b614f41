"""What an operator forbids does not happen, and who may not ask gets nothing."""

from __future__ import annotations

import threading

from seatrial.core.clock import SYSTEM
from seatrial.releases.control import Control
from seatrial.serve.keyfile import KeyFile, Terms

COUNTING = """
from pathlib import Path

calls = Path(__file__).with_suffix(".calls")

class Model:
    def predict(self, inputs):
        with calls.open("ab") as file:
            file.write(b"x" * sum(not text.startswith("warm") for text in inputs))
        return [text.upper() for text in inputs]

def load():
    return Model()
"""


def calls(server):
    path = server.folder / "model.calls"
    return path.stat().st_size if path.exists() else 0


def killed(server):
    return server.predict("late").status == 503


def test_fault_K1_a_kill_under_load_stops_every_model_call(serve):
    """No keeper runs, no registry, no database: the order is a line in a file."""
    server = serve("--workers", "2", model=COUNTING)
    said, stopping = [], threading.Event()

    def ask():
        while not stopping.is_set():
            said.append(server.predict("hello"))

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        server.eventually(lambda: len(said) > 20)
        Control(server.folder).order("kill-on", by="a test", reason="wrong answers")
        server.eventually(lambda: killed(server))
        for quiet in (20, 50):  # what was handed to a worker just before may still begin
            before, asked = calls(server), len(said)
            server.eventually(lambda until=asked + quiet: len(said) > until)
    finally:
        stopping.set()
        for caller in callers:
            caller.join()
    assert calls(server) == before
    assert {answer.status for answer in said} == {200, 503}
    refused = [answer for answer in said if answer.status == 503]
    assert {answer.json["code"] for answer in refused} == {"killed"}
    statuses = [record["status"] for record in server.records()]
    assert statuses.count("answered") + statuses.count("killed") == len(statuses)
    assert statuses.count("killed") >= len(refused)


def test_fault_K1_a_kill_survives_a_restart_and_is_taken_back_without_one(serve):
    first = serve("--workers", "1", model=COUNTING)
    assert first.predict("hello").status == 200
    Control(first.folder).order("kill-on", by="a test")
    first.eventually(lambda: killed(first))
    first.popen.kill()
    first.popen.wait()
    before = calls(first)
    again = serve("--workers", "1", folder=first.folder)
    assert again.predict("hello").json["code"] == "killed"
    assert calls(again) == before
    Control(again.folder).order("kill-off", by="a test")
    again.eventually(lambda: not killed(again))
    assert calls(again) > before


def test_fault_S1_only_keys_for_predictions_get_predictions(serve, project, tmp_path):
    folder = project(tmp_path / "keyed", model=COUNTING)
    file, now = KeyFile(folder), SYSTEM.utc()
    key, secret = file.create(Terms(name="shop"), now=now)
    _, reviews = file.create(Terms(scopes=("review",)), now=now)
    gone, revoked = file.create(Terms(), now=now)
    file.revoke(gone.id, now=now)
    server = serve("--workers", "1", folder=folder)
    shown = {"": 401, "Bearer wrong": 401, f"Bearer {revoked}": 401, f"Bearer {reviews}": 403}
    told = {}
    for header, status in shown.items():
        answer = server.predict("hello", headers={"Authorization": header} if header else {})
        assert answer.status == status, header
        told.setdefault(status, set()).add((answer.json["detail"], answer.json["hint"]))
        assert ("www-authenticate" in answer.headers) == (status == 401)
    assert [len(texts) for texts in told.values()] == [1, 1]
    assert calls(server) == 0
    for path, status in {"/livez": 200, "/readyz": 200, "/metrics": 401}.items():
        assert server.ask("GET", path).status == status
    answer = server.predict("hello", headers={"X-API-Key": secret})
    assert answer.json["results"][0]["output"] == "HELLO"
    assert server.ask("POST", "/admin/kill", '{"on": true}', {"X-API-Key": secret}).status == 404
    file.revoke(key.id, now=now)
    server.eventually(lambda: server.predict("x", headers={"X-API-Key": secret}).status == 401)
    kept = repr(server.records())
    assert not [one for one in (secret, reviews, revoked, "Bearer") if one in kept]
