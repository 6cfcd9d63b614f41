from __future__ import annotations

import msgspec
import pytest
from jsonschema import Draft202012Validator

from seatrial.core import settings
from seatrial.core.errors import SeatrialError, tree
from seatrial.serve.doors.catalogue import Catalogue
from seatrial.serve.doors.columns import Column
from seatrial.serve.doors.door import Request
from seatrial.serve.doors.native import NativeDoor
from seatrial.serve.doors.oip import OipDoor
from seatrial.serve.doors.signature import Signature
from seatrial.serve.messages import Result
from seatrial.serve.openapi import document

ROWS = {
    "text": ["a"],
    "image": ["aGk="],
    "chat": ["Hello"],
    "record": [{"rooms": 1, "street": "Elm", "size": 1.5, "new": True}],
    "array": [[[1.0, 2.0], [3.0, 4.0]]],
}


def learned(kind, *, rows=True):
    signature = Signature(kind, "classification")
    signature.learn(ROWS[kind] if rows else [])
    return signature


def described(signature, **options):
    return msgspec.json.decode(document(signature, model="m", **options))


def validator(made, schema):
    return Draft202012Validator({**schema, "components": made["components"]})


def body_of(made, path, method="post"):
    return made["paths"][path][method]["requestBody"]["content"]["application/json"]


@pytest.mark.parametrize("kind", sorted(ROWS))
@pytest.mark.parametrize("known", [True, False])
def test_the_examples_are_for_this_kind_of_model_and_work(kind, known):
    """They fit their own schema, and the doors take them."""
    signature = learned(kind, rows=known)
    made = described(signature)
    native = body_of(made, "/predict")
    for example in native["examples"].values():
        validator(made, native["schema"]).validate(example["value"])
        asked = Request("POST", "/predict", "", {}, msgspec.json.encode(example["value"]))
        assert NativeDoor(kind).read(asked).rows
    oip = body_of(made, "/v2/models/{name}/infer")
    (example,) = oip["examples"].values()
    validator(made, oip["schema"]).validate(example["value"])
    path = "/v2/models/m/infer"
    asked = Request("POST", path, "", {}, msgspec.json.encode(example["value"]))
    assert len(OipDoor("m", lambda: signature, releases=lambda: ["m@1"]).read(asked).rows) == 1


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_every_schema_is_one_and_every_reference_leads_somewhere(kind):
    """JSON Schema 2020-12, as OpenAPI 3.1 says."""
    made = described(learned(kind), keys_required=True)
    assert made["openapi"] == "3.1.0"
    for schema in made["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    text = msgspec.json.encode(made).decode()
    names = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= set(made["components"]["schemas"])
    operations = [at["operationId"] for path in made["paths"].values() for at in path.values()]
    assert len(operations) == len(set(operations))


def test_what_the_doors_answer_fits_what_is_described():
    """Answers, infer responses, metadata and errors of either family."""
    signature = learned("record")
    made = described(signature)
    results = [Result("yes", 0.5, {"yes": 0.5}, abstained=False)]
    oip = OipDoor("m", lambda: signature, releases=lambda: ["m@1"])
    example = body_of(made, "/v2/models/{name}/infer")["examples"]["tensors"]["value"]
    path = "/v2/models/m/infer"
    reading = oip.read(Request("POST", path, "", {}, msgspec.json.encode(example)))
    native = NativeDoor("record")
    error = SeatrialError("what happened.")
    catalogue = Catalogue("m", lambda: signature, releases=lambda: ["m@1"], unready=lambda: "")
    for path, status, told in (
        (
            "/v2/models/{name}/infer",
            "200",
            oip.answer(reading, id="i", release="m@1", results=results),
        ),
        ("/v2/models/{name}/infer", "500", oip.refuse(error, id="i", release="m@1")),
        ("/predict", "200", native.answer(reading, id="i", release="m@1", results=results)),
        ("/predict", "500", native.refuse(error, id="i", release="m@1")),
        *(
            (
                path,
                "200",
                catalogue.answer(Request("GET", path.format(name="m", version="1"), "", {}, b"")),
            )
            for path in made["paths"]
            if path.startswith("/v2") and not path.endswith("infer")
        ),
    ):
        operation = made["paths"][path]
        responses = next(iter(operation.values()))["responses"]
        kind = dict(told.headers)[b"content-type"].decode()
        assert str(told.status) == status
        schema = responses[status]["content"][kind]["schema"]
        validator(made, schema).validate(msgspec.json.decode(told.body))


def test_every_status_that_an_error_can_have_is_declared():
    """On the routes that call the model; 401 and 403 where there are keys."""
    made = described(learned("text"), keys_required=True)
    possible = {error.http_status for error in tree().values()} | {408, 415}
    # 404 and 405 belong to other paths and methods, 409 to the admin port; nobody sees 499.
    possible -= {404, 405, 409, 499}
    for path in ("/predict", "/v2/models/{name}/infer"):
        assert {int(status) for status in made["paths"][path]["post"]["responses"]} >= possible


def test_what_is_refused_before_it_is_known_whose_it_is_is_declared_everywhere():
    """Unreadable, late or too large: a problem document on every route, of any family."""
    made = described(learned("text"))
    for path in made["paths"].values():
        for operation in path.values():
            for status in ("400", "408", "431"):
                schema = operation["responses"][status]["content"]["application/problem+json"]
                assert schema == {"schema": {"$ref": "#/components/schemas/Problem"}}


def test_keys_are_described_where_they_are_required():
    """On inference; probes stay open."""
    made = described(learned("text"), keys_required=True)
    assert made["paths"]["/predict"]["post"]["security"] == [{"bearer": []}, {"key": []}]
    assert "401" in made["paths"]["/predict"]["post"]["responses"]
    for path in ("/metrics", "/openapi.json", "/tickets/{id}", "/v2", "/v2/models/{name}/ready"):
        assert made["paths"][path]["get"]["security"]
        assert {"401", "403", "429"} <= set(made["paths"][path]["get"]["responses"])
    for path in ("/livez", "/status", "/v2/health/live"):
        assert "security" not in made["paths"][path]["get"]
    assert "security" not in described(learned("text"))["paths"]["/predict"]["post"]


def test_known_columns_are_named_typed_and_required():
    """As the settings or the eval set say."""
    row = described(learned("record"))["components"]["schemas"]["PredictRequest"]["properties"]
    assert row["input"]["required"] == ["rooms", "street", "size", "new"]
    assert row["input"]["properties"]["street"] == {"type": ["string", "null"]}
    document = {
        "model": {"load": "m:load", "input": "record", "task": "regression"},
        "eval": {"input": ["a", "b"]},
    }
    signature = Signature.of(settings.parse(document, environment={}))
    assert list(signature.table) == [Column("a"), Column("b")]
    for said in ("*", "a"):
        document["eval"] = {"input": said}
        assert Signature.of(settings.parse(document, environment={})).table is None
    document["eval"] = {"input": "a", "data": "eval.csv"}
    assert Signature.of(settings.parse(document, environment={})).table.names == ("a",)
