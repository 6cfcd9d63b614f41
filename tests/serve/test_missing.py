from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgspec
import pytest

from seatrial.core.errors import ModelRaisedError, WorkerLostError
from seatrial.serve.doors.signature import Signature
from seatrial.serve.missing import MissingValues

ROW = {"rooms": 3, "street": "Elm", "new": True, "note": None}


class Model:
    """Stands where a worker does: fails on null in some columns, dies of it in others."""

    def __init__(self, *, fails=(), dies=()):
        self.fails, self.dies, self.asked = set(fails), set(dies), []
        self.died = False

    async def answer(self, inputs, *, limit_s):
        (row,) = inputs
        self.asked.append(row)
        missing = {name for name, value in row.items() if value is None}
        if missing & self.dies:
            self.died = True
            raise WorkerLostError("it died.")
        if missing & self.fails:
            raise ModelRaisedError("it raised.")


class Crew:
    """Stands where dispatcher and pool of a deployment are, with one worker."""

    def __init__(self, worker, signature, adapter):
        self.examples = SimpleNamespace(signature=signature)
        self.settings = SimpleNamespace(model=SimpleNamespace(adapter=adapter))
        self.dispatcher = self.pool = self
        self.seats = [SimpleNamespace(worker=worker)]
        self.working = [worker]
        self.looks = 0

    @property
    def ready(self):
        """Its successor takes a moment."""
        self.looks += 1
        return self.looks > 1

    async def retire(self, worker):
        self.working.remove(worker)

    def add(self, worker):
        self.working.append(worker)


def signed(kind="record", row=ROW):
    signature = Signature(kind, "regression")
    signature.learn([row])
    return signature


def asked(*models, signatures=(), adapter="load", halted=False):
    """Return what may not be null once models were asked; those of one release share what it is."""
    signatures = signatures or [signed()] * len(models)

    async def all_of_them():
        ask = MissingValues(halted=lambda: halted)
        for model, signature in zip(models, signatures, strict=True):
            crew = Crew(model, signature, adapter)
            await ask(crew)
            assert crew.working == ([] if model.died else [model])
            assert crew.looks == (2 if model.died else 0)

    asyncio.run(all_of_them())
    table = signatures[-1].table
    return {one.name for one in table if not one.missing} if table else set()


def test_a_model_that_takes_null_everywhere_is_asked_once():
    """One row, for one worker of a release, which then goes to work."""
    model, other = Model(), Model()
    assert asked(model, other) == set()
    assert model.asked == [dict.fromkeys(ROW)]
    assert other.asked == []


def test_columns_on_whose_null_the_model_fails_must_hold_something():
    """Those alone; what was missing in the row itself is not asked again."""
    model = Model(fails=["rooms", "street"])
    assert asked(model) == {"rooms", "street"}
    assert len(model.asked) == 4


def test_another_release_is_asked_anew():
    """It may take what the one before did not."""
    before, after = signed(), signed()
    assert asked(Model(fails=["rooms"]), Model(), signatures=(before, after)) == set()
    assert {one.name for one in before.table if not one.missing} == {"rooms"}


def test_where_null_kills_the_model_nobody_may_send_any():
    """No second worker is lost, and the start waits for the successor of the first."""
    second = Model()
    assert asked(Model(dies=["new"]), second) == {"rooms", "street", "new"}
    assert second.asked == []


@pytest.mark.parametrize("given", [{"adapter": "url"}, {"halted": True}])
def test_a_model_that_may_not_be_called_is_not(given):
    """Somebody else's service, or one that is switched off."""
    model = Model(fails=["rooms"])
    assert asked(model, **given) == set()
    assert model.asked == []
    assert asked(model, signatures=[signed("text", "some text")]) == set()
    assert model.asked == []


def test_a_running_server_takes_what_it_describes(serve, project, tmp_path):
    """A column that the model needs is required, and a request beside it is not harmed."""
    folder = project(
        tmp_path / "project",
        kind="record",
        toml='[eval]\ndata = "eval.jsonl"\ninput = "*"\n',
        model="def load():\n    return lambda rows: [row['rooms'] * 2 for row in rows]\n",
    )
    rows = [{"rooms": number, "street": f"Elm {number}", "label": 0} for number in range(9)]
    (folder / "eval.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    server = serve("--workers", "1", folder=folder)
    described = server.ask("GET", "/openapi.json").json["components"]["schemas"]["PredictRequest"]
    assert described["properties"]["input"]["required"] == ["rooms", "street"]
    assert described["properties"]["input"]["properties"] == {
        "rooms": {"type": ["number"]},
        "street": {"type": ["string", "null"]},
    }
    assert server.predict({"rooms": 2.5, "street": None}).json["results"][0]["output"] == 5.0
    for row, words in (
        ({"street": "Elm"}, "/inputs/0 lacks the column 'rooms'"),
        ({"rooms": None, "street": "Elm"}, "/inputs/0/rooms: expected a number, got null"),
        ({"rooms": "2", "street": "Elm"}, "/inputs/0/rooms: expected a number, got text"),
    ):
        refused = server.predict(row)
        assert refused.status == 422
        assert refused.json["detail"].startswith(words)


def test_a_server_starts_though_null_kills_its_model(serve, project, tmp_path):
    """Its only worker is replaced, and nobody can kill the next one so."""
    folder = project(
        tmp_path / "project",
        kind="record",
        toml='[eval]\ndata = "eval.jsonl"\ninput = ["rooms"]\n',
        model="""
import os, signal

def one(rooms):
    return os.kill(os.getpid(), signal.SIGSEGV) if rooms is None else rooms

def load():
    return lambda rows: [one(row["rooms"]) for row in rows]
""",
    )
    (folder / "eval.jsonl").write_text('{"rooms": 3, "label": 0}\n')
    server = serve("--workers", "1", folder=folder)
    assert server.predict({"rooms": 4}).json["results"][0]["output"] == 4
    assert server.predict({"rooms": None}).status == 422
    assert server.metric("seatrial_worker_losses_total") == 1
