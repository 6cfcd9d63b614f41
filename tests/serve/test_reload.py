from __future__ import annotations

import msgspec
import pytest

from seatrial.releases.control import Control

TABLE = '[eval]\ndata = "eval.jsonl"\ninput = "*"\n'
DOUBLES = "def load():\n    return lambda rows: [row[{0!r}] * 2 for row in rows]\n"


def write_eval(folder, *names):
    rows = [dict.fromkeys(names, number) | {"label": 0} for number in range(9)]
    (folder / "eval.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))


def reload(server):
    """Order it, and wait until another release answers."""
    before = release(server)
    Control(server.folder).order("reload", by="a test")
    server.eventually(lambda: release(server) != before)


def release(server):
    return server.predict().headers["x-release"]


def described(server):
    schema = server.ask("GET", "/openapi.json").json["components"]["schemas"]["PredictRequest"]
    return schema["properties"]["input"]["required"]


@pytest.fixture
def table(serve, project, tmp_path):
    """A server of a table with one column."""
    folder = project(tmp_path / "project", kind="record", toml=TABLE, model=DOUBLES.format("rooms"))
    write_eval(folder, "rooms")
    return serve("--workers", "1", folder=folder)


def test_a_release_with_other_columns_is_asked_with_those(table):
    """What callers must send, and what workers are warmed with, is the new release's."""
    assert table.predict({"rooms": 2}).json["results"][0]["output"] == 4
    write_eval(table.folder, "area")
    (table.folder / "model.py").write_text(DOUBLES.format("area"))
    reload(table)
    assert described(table) == ["area"]
    inputs = table.ask("GET", "/v2/models/echo").json["inputs"]
    assert [one["name"] for one in inputs] == ["area"]
    assert table.predict({"area": 3}).json["results"][0]["output"] == 6
    assert "lacks the column 'area'" in table.predict({"rooms": 2}).json["detail"]
    tensor = {"name": "area", "shape": [1], "datatype": "INT64", "data": [4]}
    asked = msgspec.json.encode({"inputs": [tensor]})
    answered = table.ask("POST", "/v2/models/echo/infer", asked)
    assert answered.json["outputs"][0]["data"] == [8]
    warmed = [at for at in table.records() if at.get("route") == "warm-up"]
    assert {tuple(at["input"]) for at in warmed} == {("rooms",), ("area",)}
    assert table.predict({"area": None}).status == 422


def test_a_release_that_needs_a_value_where_the_one_before_did_not(table):
    """Each is asked for itself what it makes of null."""
    model = "def load():\n    return lambda rows: [row['rooms'] or 0 for row in rows]\n"
    assert table.predict({"rooms": None}).status == 422
    (table.folder / "model.py").write_text(model)
    reload(table)
    assert table.predict({"rooms": None}).json["results"][0]["output"] == 0


def test_a_release_abstains_below_its_own_confidence(serve):
    """The threshold is part of the release: its name and what it does change together."""
    server = serve("--workers", "1")
    settings = server.folder / "seatrial.toml"
    assert server.predict("a").json["results"][0]["abstained"] is False
    settings.write_text(settings.read_text() + "\n[serving]\nconfidence_min = 0.99\n")
    reload(server)
    assert server.predict("a").json["results"][0]["abstained"] is True


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('input = "record"', 'input = "text"', "model.input is 'text' now"),
        ('name = "echo"', 'name = "other"', "model.name is 'other' now"),
    ],
)
def test_what_a_server_was_not_made_for_is_not_loaded(table, before, after, words):
    """Another kind of input, another name: what answers goes on, and readiness says why."""
    settings = table.folder / "seatrial.toml"
    text = settings.read_text()
    assert before in text
    settings.write_text(text.replace(before, after))
    Control(table.folder).order("reload", by="a test")
    table.eventually(lambda: words in table.ask("GET", "/readyz?verbose").json["reload"])
    assert table.predict({"rooms": 2}).status == 200
