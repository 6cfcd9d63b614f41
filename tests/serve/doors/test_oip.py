from __future__ import annotations

import base64
import contextlib
import gzip
import json
import re
import struct
import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import ModelRaisedError, OverloadedError, SeatrialError, tree
from seatrial.models.oip import OipCodec
from seatrial.serve.doors.door import Request
from seatrial.serve.doors.oip import OipDoor, infers
from seatrial.serve.doors.signature import Signature
from seatrial.serve.doors.tensors import DATATYPES, pack
from seatrial.serve.messages import Result

PATH = "/v2/models/m/infer"


def door(kind="text", *, columns=None, task="classification", **options):
    signature = Signature(kind, task, columns=columns)
    return OipDoor("m", lambda: signature, releases=lambda: ["m@new", "m@old"], **options)


def request(document, *packed, headers=None, path=PATH):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = dict(headers or {})
    if packed:
        fields[b"inference-header-content-length"] = b"%d" % len(body)
    return Request("POST", path, "", fields, body + b"".join(packed))


def tensor(data, *, name="x", shape=None, datatype="BYTES", **parameters):
    made = {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}
    return made | ({"parameters": parameters} if parameters else {})


def packed(size, *, name="x", shape=(1,), datatype="BYTES"):
    made = {"name": name, "shape": list(shape), "datatype": datatype}
    return made | {"parameters": {"binary_data_size": size}}


def rows(asked, *binary, kind="text", columns=None, **options):
    return door(kind, columns=columns).read(request({"inputs": asked}, *binary, **options)).rows


def refused(asked, *binary, kind="text", columns=None, **options):
    with pytest.raises(SeatrialError) as caught:
        rows(asked, *binary, kind=kind, columns=columns, **options)
    told = door().refuse(caught.value, id="i", release="m@new")
    document = msgspec.json.decode(told.body)
    assert list(document) == ["error"]
    return told.status, document["error"]


def answered(results, *, asked=None, kind="text", **document):
    at = door(kind)
    reading = at.read(request({"inputs": [tensor(["a"] * len(results))], **document}))
    told = at.answer(reading, id="ours", release="m@new", results=results)
    headers = dict(told.headers)
    cut = int(headers.get(b"inference-header-content-length", len(told.body)))
    return told, msgspec.json.decode(told.body[:cut]), told.body[cut:]


def test_text_is_one_tensor_of_bytes():
    """In JSON or packed, as [n] or [n, 1], by any name."""
    assert rows([tensor(["a", "é"])]) == ["a", "é"]
    assert rows([tensor(["a", "b"], shape=[2, 1])]) == ["a", "b"]
    assert rows([tensor([["a"], ["b"]], shape=[2, 1], name="text")]) == ["a", "b"]
    share = pack("BYTES", ["a", "é", ""])
    assert rows([packed(len(share), shape=[3])], share) == ["a", "é", ""]


def test_a_record_is_one_tensor_per_column():
    """Null and NaN are missing values; whole numbers stay whole."""
    asked = [
        tensor([1, 2], name="rooms", datatype="INT64"),
        tensor(["Elm", None], name="street"),
        packed(16, name="size", shape=[2, 1], datatype="FP64"),
        tensor([True, False], name="new", datatype="BOOL"),
    ]
    found = rows(asked, struct.pack("<2d", 1.5, float("nan")), kind="record")
    assert found == [
        {"rooms": 1, "street": "Elm", "size": 1.5, "new": True},
        {"rooms": 2, "street": None, "size": None, "new": False},
    ]


def test_an_array_is_one_tensor_of_numbers():
    """Rows first, whatever follows; each row nested as the shape."""
    made = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    asked = [packed(made.nbytes, shape=made.shape, datatype="FP32")]
    assert rows(asked, made.tobytes(), kind="array") == made.tolist()
    flat = [tensor(made.ravel().tolist(), shape=[2, 3, 2], datatype="FP32")]
    assert rows(flat, kind="array") == made.tolist()
    assert rows([tensor([1, None, 2], datatype="FP64")], kind="array") == [1.0, None, 2.0]


def test_images_come_as_bytes_or_as_base64_and_leave_as_base64():
    """What the native route takes."""
    picture = b"\x89PNG\xff"
    told = base64.b64encode(picture).decode()
    share = struct.pack("<I", len(picture)) + picture
    assert rows([packed(len(share))], share, kind="image") == [told]
    assert rows([tensor([told])], kind="image") == [told]
    assert rows([tensor([told], content_type="base64")], kind="image") == [told]


def test_chats_come_as_text_or_as_json():
    """A conversation is no tensor."""
    talk = [{"role": "user", "content": "Hello"}]
    assert rows([tensor(["Hello"])], kind="chat") == ["Hello"]
    told = [tensor([json.dumps(talk)], content_type="pd_json")]
    assert rows(told, kind="chat") == [talk]
    huge = [tensor(['[{"n": 18446744073709551616}]'], content_type="pd_json")]
    assert rows(huge, kind="chat") == [[{"n": 18446744073709551616.0}]]
    deep = '[{"n": ' + "[" * 900 + "1" * 30 + "]" * 900 + "}]"
    for told in (deep, '[{"n": 1' + "0" * 400 + "}]"):
        status, words = refused([tensor([told], content_type="pd_json")], kind="chat")
        assert (status, "'x' has at [0]" in words) == (422, True)
    status, words = refused([tensor(["[3]"], content_type="pd_json")], kind="chat")
    assert status == 422
    assert "'x'" in words


@pytest.mark.parametrize("content_type", ["str", "np", "pd", "raw", "", None])
def test_what_mlserver_calls_text_is_text(content_type):
    """Its codecs' names change nothing; on the tensor or on the request."""
    assert rows([tensor(["a"], content_type=content_type)]) == ["a"]
    document = {"inputs": [tensor(["a"])], "parameters": {"content_type": content_type}}
    assert door().read(request(document)).rows == ["a"]


def test_mlservers_base64_and_json_elements_are_read():
    """Text in base64, and columns of objects with missing values."""
    told = base64.b64encode(b"good").decode()
    assert rows([tensor([told], content_type="base64")]) == ["good"]
    column = tensor(["null", '"Elm"', "3"], name="c", content_type="pd_json")
    assert [row["c"] for row in rows([column], kind="record")] == [None, "Elm", 3]


@pytest.mark.parametrize(
    ("kind", "asked", "words"),
    [
        ("text", [tensor([1.5], datatype="FP32")], "'x' has datatype FP32; accepted is BYTES"),
        ("text", [tensor(["a", "b"], shape=[1, 2])], r"'x' has shape \[1, 2\]"),
        ("text", [tensor(["a", None])], r"'x' has at \[1\] null; accepted is text"),
        ("text", [tensor(["a"], content_type="base64")], r"'x' has at \[0\] text that is not base"),
        ("text", [tensor(["3"], content_type="pd_json")], r"'x' has at \[0\] a value of type int"),
        (
            "text",
            [tensor(["{"], content_type="pd_json")],
            r"'x' has at \[0\] text that is not JSON",
        ),
        ("text", [tensor(["a"], content_type="hf")], "'x' has content_type 'hf'; accepted are str"),
        ("text", [tensor(["a"]), tensor(["b"], name="y")], "2 tensors .*'y'.*; accepted is one"),
        ("text", [tensor(["a"]), tensor(["b"])], "'x' has another of the same name"),
        ("text", [], r"0 tensors \(none\); accepted is one"),
        ("array", [tensor(["a"])], "'x' has datatype BYTES; accepted are numbers"),
        ("record", [tensor([1], name="b", datatype="INT8")], "'b' is no column .* accepted are a"),
        ("record", [], "lacks the tensors a, c"),
        (
            "record",
            [tensor([1], name="a", datatype="INT8"), tensor([1, 2], name="c", datatype="INT8")],
            "'c' has 2 rows where 'a' has 1",
        ),
        (
            "record",
            [tensor([1, 2], name="a", shape=[1, 2], datatype="INT8")],
            r"'a' has shape \[1, 2\]",
        ),
        ("record", [tensor(["[1]"], name="a", content_type="pd_json")], r"'a' has at \[0\]"),
        ("text", [{"name": "x", "shape": [1], "datatype": "BYTES"}], "'x' has neither data nor"),
        ("text", [tensor(["a"], shared_memory_region="r")], "'x' has its values in shared memory"),
        ("text", [tensor(["a"], shape=[10**9, 0])], "'x' has shape"),
        ("text", [{**tensor(["a"]), "shape": ["1"]}], "/inputs/0/shape/0"),
        ("text", [{"shape": [1]}], "/inputs/0.*`name`"),
    ],
)
def test_what_does_not_fit_the_model_is_422_and_named(kind, asked, words):
    """Names, datatypes, shapes and values."""
    columns = ["a", "c"] if kind == "record" else None
    status, message = refused(asked, kind=kind, columns=columns)
    assert status == 422
    assert re.search(words, message), message


@pytest.mark.parametrize(
    ("asked", "binary", "headers", "words"),
    [
        ([packed(5)], b"", {}, "nothing says where they begin"),
        ([packed(6)], b"\x01\x00\x00\x00a", {}, "announces 6 packed bytes; 5 are left"),
        ([packed(2**62)], b"\x01\x00\x00\x00a", {}, "5 are left"),
        ([packed(5)], b"\x01\x00\x00\x00abc", {}, "2 bytes follow the last tensor"),
        ([tensor(["a"])], b"", {b"inference-header-content-length": b"9" * 5000}, "is '999"),
        ([tensor(["a"])], b"", {b"inference-header-content-length": b"-1"}, "is '-1'"),
        ([tensor(["a"])], b"", {b"inference-header-content-length": b"x"}, "is 'x'"),
        ([tensor(["a"])], b"", {b"inference-header-content-length": b"10"}, "JSON"),
        ([tensor(["a"])], b"", {b"inference-header-content-length": b"\xb2"}, "is '²'"),
    ],
)
def test_lying_lengths_are_400(asked, binary, headers, words):
    """A body that is not as long as it says is no request."""
    status, message = refused(asked, *([binary] if binary else []), headers=headers)
    assert status == 400
    assert words in message
    assert len(message) < 500


def test_the_body_may_be_compressed_within_bounds():
    """As tritonclient does; the length in the header is that of the JSON inflated."""
    document = json.dumps({"inputs": [packed(5)]}).encode()
    whole = gzip.compress(document + b"\x01\x00\x00\x00a")
    fields = {
        b"content-encoding": b"gzip",
        b"inference-header-content-length": b"%d" % len(document),
    }
    asked = Request("POST", PATH, "", fields, whole)
    assert door().read(asked).rows == ["a"]
    with pytest.raises(SeatrialError) as caught:
        door(body_max_bytes=20).read(asked)
    assert caught.value.http_status == 413


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/json", None),
        (b"application/octet-stream", None),
        (b"application/octet-stream; charset=binary", None),
        (None, None),
        (b"application/x-www-form-urlencoded", 415),
        (b"text/plain", 415),
        (b"x" * 5000, 415),
    ],
)
def test_json_octets_and_silence_are_taken(kind, status):
    """tritonclient names no content type."""
    headers = {} if kind is None else {b"content-type": kind}
    if status is None:
        assert rows([tensor(["a"])], headers=headers) == ["a"]
    else:
        assert refused([tensor(["a"])], headers=headers)[0] == status


def test_models_and_versions_are_found_by_path():
    """The usual release where no version is named; 404 for what is not there."""
    asked = {"inputs": [tensor(["a"])]}
    assert door().read(request(asked)).release is None
    old = request(asked, path="/v2/models/m/versions/old/infer")
    assert door().read(old).release == "m@old"
    for path in ("/v2/models/n/infer", "/v2/models/m/versions/1/infer", "/v2/models/%6D%00/infer"):
        assert refused([tensor(["a"])], path=path)[0] == 404
    assert door().read(request(asked, path="/v2/models/%6D/infer")).rows == ["a"]
    assert infers(b"POST", PATH.encode())
    assert not infers(b"GET", PATH.encode())
    assert not infers(b"POST", b"/v2/models/m")


@pytest.mark.parametrize(
    ("parameters", "headers", "timeout_s"),
    [
        ({}, {}, None),
        ({"timeout": 250_000}, {}, 0.25),
        ({"timeout": 0}, {}, None),
        ({"timeout": 10**15}, {}, 600.0),
        ({"timeout": 250_000}, {b"x-request-timeout-ms": b"100"}, 0.1),
        ({"timeout": 50_000}, {b"x-request-timeout-ms": b"100"}, 0.05),
        (None, {b"x-request-timeout-ms": b"100"}, 0.1),
    ],
)
def test_the_deadline_comes_in_microseconds(parameters, headers, timeout_s):
    """Or in the header of the native route; the shorter counts."""
    document = {"inputs": [tensor(["a"])], "parameters": parameters}
    assert door().read(request(document, headers=headers)).timeout_s == timeout_s


@pytest.mark.parametrize("timeout", [-1, 1.5, "1", 2**70])
def test_an_impossible_deadline_is_refused(timeout):
    """Microseconds, not below 0."""
    document = {"inputs": [tensor(["a"])], "parameters": {"timeout": timeout}}
    with pytest.raises(SeatrialError, match="/parameters/timeout") as caught:
        door().read(request(document))
    assert caught.value.http_status == 422


def test_too_many_rows_are_413_whatever_they_are_said_to_hold():
    """Before any value is looked at."""
    at = door(rows_max=3)
    assert at.read(request({"inputs": [tensor(["a"] * 3)]})).rows == ["a"] * 3
    for asked in (tensor(["a"] * 4), tensor([], shape=[2**62]), packed(0, shape=[2**62])):
        with pytest.raises(SeatrialError) as caught:
            at.read(request({"inputs": [asked]}, *([b""] if "parameters" in asked else [])))
        assert caught.value.http_status in {413, 400}


def test_an_answer_names_model_version_and_request():
    """The caller's id where there is one, else ours."""
    results = [Result("A", 0.5, {"A": 0.5, "B": 0.5}, abstained=False)]
    told, document, _ = answered(results, id="theirs")
    assert (told.status, document["id"]) == (200, "theirs")
    assert (document["model_name"], document["model_version"]) == ("m", "new")
    assert document["outputs"] == [
        {
            "name": "output",
            "datatype": "BYTES",
            "shape": [1],
            "parameters": {"content_type": "str"},
            "data": ["A"],
        },
        {
            "name": "scores",
            "datatype": "FP64",
            "shape": [1, 2],
            "parameters": {"classes": ["A", "B"]},
            "data": [0.5, 0.5],
        },
        {"name": "confidence", "datatype": "FP64", "shape": [1], "data": [0.5]},
        {"name": "abstained", "datatype": "BOOL", "shape": [1], "data": [False]},
    ]
    assert (b"x-confidence", b"0.5") in told.headers
    assert answered(results)[1]["id"] == "ours"
    assert answered(results, id="")[1]["id"] == "ours"


def test_packed_outputs_follow_the_json_in_its_order():
    """All of them, or those that say so."""
    results = [
        Result("yes", 0.5, None, abstained=False),
        Result(None, None, None, abstained=True),
    ]
    told, document, tail = answered(results, parameters={"binary_data_output": True})
    assert dict(told.headers)[b"content-type"] == b"application/octet-stream"
    assert [one["parameters"]["binary_data_size"] for one in document["outputs"]] == [11, 16, 2]
    assert tail[:11] == b"\x03\x00\x00\x00yes\x00\x00\x00\x00"
    assert str(struct.unpack("<2d", tail[11:27])) == "(0.5, nan)"
    assert tail[27:] == b"\x00\x01"
    wanted = [
        {"name": "abstained", "parameters": {"binary_data": True}},
        {"name": "output"},
        {"name": "abstained"},
    ]
    _, document, tail = answered(results, outputs=wanted)
    assert [one["name"] for one in document["outputs"]] == ["abstained", "output"]
    assert document["outputs"][1]["data"] == ["yes", None]
    assert tail == b"\x00\x01"
    unwanted = [{"name": "output", "parameters": {"binary_data": False}}]
    told, _, tail = answered(results, outputs=unwanted, parameters={"binary_data_output": True})
    assert tail == b""
    assert dict(told.headers)[b"content-type"] == b"application/json"


def test_outputs_that_are_not_there_are_refused_by_name():
    """With those that are."""
    for wanted in (
        {"name": "logits"},
        {"name": "scores", "parameters": {"classification": 3}},
        {"name": "scores", "parameters": {"shared_memory_region": "r"}},
    ):
        with pytest.raises(SeatrialError, match=wanted["name"]) as caught:
            door().read(request({"inputs": [tensor(["a"])], "outputs": [wanted]}))
        assert caught.value.http_status == 422


def test_no_rows_get_an_empty_answer():
    """An empty batch is a batch."""
    at = door()
    for asked, share in ((tensor([], shape=[0]), ()), (packed(0, shape=[0]), (b"",))):
        reading = at.read(request({"inputs": [asked]}, *share))
        assert reading.rows == []
        told = at.answer(reading, id="i", release="m@new", results=[])
        outputs = msgspec.json.decode(told.body)["outputs"]
        assert [one["shape"] for one in outputs] == [[0], [0]]


def test_nulls_where_the_protocol_has_options_are_silence():
    """As typed clients write what they leave out."""
    asked = {**tensor(["a"]), "parameters": None}
    document = {"id": None, "parameters": None, "inputs": [asked], "outputs": None}
    assert door().read(request(document)).rows == ["a"]


@pytest.mark.parametrize("error", tree().values(), ids=lambda error: error.__name__)
def test_every_error_has_the_familys_shape(error):
    """One text; status, Retry-After and Allow as everywhere."""
    told = door().refuse(error("what happened.", hint="Do this."), id="i", release="m@new")
    assert msgspec.json.decode(told.body) == {"error": "what happened. Do this."}
    assert told.status == error.http_status
    assert dict(told.headers)[b"content-type"] == b"application/json"


def test_errors_say_when_to_come_back_and_nothing_of_our_inside():
    """As on the native route."""
    full = OverloadedError("full.", details={"retry_after_s": 3})
    assert (b"retry-after", b"3") in door().refuse(full, id="i", release="m@new").headers
    where = " (model.py:6, in predict)"
    raised = ModelRaisedError("it raised" + where, details={"where": where})
    assert b"model.py" not in door().refuse(raised, id="i", release="m@new").body


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("text", ["a", "b"]),
        ("record", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ("array", [[1.5, 2.0], [3.0, None]]),
    ],
)
def test_our_own_client_understands_our_own_server(kind, inputs):
    """What one seatrial asks another by this protocol comes back as it was."""
    codec = OipCodec(kind=kind, task="classification")
    at = door(kind)
    reading = at.read(request(codec.request(inputs)))
    assert reading.rows == inputs
    scores = [{"no": 0.25, "yes": 0.75}, {"no": 0.875, "yes": 0.125}]
    results = [
        Result("yes", 0.75, scores[0], abstained=False),
        Result("no", 0.875, scores[1], abstained=False),
    ]
    told = at.answer(reading, id="i", release="m@new", results=results)
    assert codec.answers(msgspec.json.decode(told.body)) == [
        {"output": "yes", "scores": scores[0], "confidence": 0.75},
        {"output": "no", "scores": scores[1], "confidence": 0.875},
    ]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
near_tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", ""]) | anything,
        "shape": st.lists(st.integers(-2, 3) | st.integers(2**31, 2**65), max_size=4) | anything,
        "datatype": st.sampled_from(DATATYPES) | anything,
        "data": st.lists(anything, max_size=4) | anything,
        "parameters": st.fixed_dictionaries(
            {},
            optional={
                "binary_data_size": st.integers(-1, 40) | anything,
                "content_type": st.sampled_from(["str", "base64", "pd_json"]) | anything,
            },
        ),
    },
)
near_requests = st.fixed_dictionaries(
    {},
    optional={
        "id": anything,
        "inputs": st.lists(near_tensors, max_size=3) | anything,
        "outputs": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["output", "scores"])}) | anything,
            max_size=2,
        ),
        "parameters": st.fixed_dictionaries(
            {}, optional={"timeout": st.integers(-1, 9), "binary_data_output": st.booleans()}
        )
        | anything,
    },
)


@given(
    st.sampled_from(["text", "record", "array", "image", "chat"]),
    near_requests,
    st.binary(max_size=40),
    st.none() | st.integers(-3, 3),
)
def test_whatever_is_nearly_a_request_is_answered_or_refused(kind, document, tail, offset):
    """No other exception leaves the door, and a reading can always be answered."""
    body = msgspec.json.encode(document)
    headers = {}
    if offset is not None:
        headers[b"inference-header-content-length"] = b"%d" % (len(body) + offset)
    at = door(kind)
    with contextlib.suppress(SeatrialError):
        reading = at.read(Request("POST", PATH, "", headers, body + tail))
        results = [Result("a", 0.5, None, abstained=False) for _ in reading.rows]
        assert at.answer(reading, id="i", release="m@new", results=results).status == 200


@given(
    st.binary(max_size=100),
    st.dictionaries(
        st.sampled_from(
            [
                b"content-type",
                b"content-encoding",
                b"inference-header-content-length",
                b"x-request-timeout-ms",
            ]
        ),
        st.binary(max_size=20) | st.sampled_from([b"gzip", b"deflate", b"application/json", b"3"]),
    ),
    st.text(max_size=20),
)
def test_any_bytes_headers_and_paths_are_refused_politely(body, headers, tail):
    """Never an internal error."""
    with pytest.raises(SeatrialError) as caught:
        door().read(Request("POST", "/v2/models/m/" + tail, "", headers, body))
    told = door().refuse(caught.value, id="i", release="m@new")
    assert 400 <= told.status < 500


@pytest.mark.parametrize("kind", ["text", "record", "array"])
@pytest.mark.parametrize("datatype", DATATYPES)
def test_declared_sizes_allocate_nothing(kind, datatype):
    """A shape of many terabytes is refused within kilobytes."""
    at = door(kind)
    for shape in ([10**12], [10**6, 10**6], [16_000_000], [2**62] * 8):
        for asked in (
            request({"inputs": [tensor([], shape=shape, datatype=datatype)]}),
            request({"inputs": [packed(8, shape=shape, datatype=datatype)]}, bytes(8)),
        ):
            tracemalloc.start()
            try:
                with pytest.raises(SeatrialError):
                    at.read(asked)
                assert tracemalloc.get_traced_memory()[1] < 2**19
            finally:
                tracemalloc.stop()
