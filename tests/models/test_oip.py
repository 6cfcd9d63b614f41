"""Open Inference Protocol v2: texts, arrays and records become tensors, tensors become answers."""

import pytest

from seatrial.core.errors import OutputContractError, SettingsError
from seatrial.core.settings import parse
from seatrial.models import oip
from seatrial.models.opening import open_subject
from seatrial.models.url import UrlSubject
from seatrial.testing.service import serving


def server(metadata, answer, seen=None):
    def route(path, document, headers):
        if document is None:
            return (200, metadata) if metadata is not None else (404, {"error": "no metadata"})
        if not path.endswith("/v2/models/model/infer"):
            return 404, {"error": f"no route {path}"}
        if seen is not None:
            seen.append(document)
        return 200, {"model_name": "model", "outputs": answer(document["inputs"])}

    return route


def echo(inputs):
    return [{"name": "y", "datatype": one["datatype"], "shape": one["shape"], "data": one["data"]}
            for one in inputs[:1]]  # fmt: skip


def opened(url, folder, *, columns=None, **model):
    document = {"model": {"url": url, **model}, "endpoint": {"protocol": "oip"}}
    if columns:
        document["eval"] = {"input": columns}
    return open_subject(parse(document, environment={}), folder)


def outputs(subject, inputs):
    return [one.output for one in subject.answer(inputs).answers]


@pytest.mark.parametrize("shape", [[-1], [-1, 1]])
def test_text_is_one_tensor_of_bytes_named_as_the_metadata_says(tmp_path, shape):
    seen = []
    metadata = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": shape}]}
    with serving(server(metadata, echo, seen)) as url:
        subject = opened(url, tmp_path)
        assert outputs(subject, ["a", "b"]) == ["a", "b"]
        subject.close()
    tensor = {"name": "text", "datatype": "BYTES", "data": ["a", "b"]}
    assert seen == [{"inputs": [tensor | {"shape": [2, *shape[1:]]}]}]


def test_a_server_without_metadata_is_asked_with_defaults(tmp_path):
    with serving(server(None, echo)) as url:
        subject = opened(url, tmp_path)
        assert outputs(subject, ["a"]) == ["a"]
        subject.close()


def test_records_become_one_tensor_per_column(tmp_path):
    seen = []
    records = [{"n": 1, "x": 0.5, "ok": True, "t": "a"}, {"n": 2, "x": None, "ok": False, "t": "b"}]
    with serving(server(None, echo, seen)) as url:
        subject = opened(url, tmp_path, columns=["t", "n", "x", "ok"], input="record")
        subject.answer(records)
        subject.close()
    found = {one["name"]: (one["datatype"], one["data"]) for one in seen[0]["inputs"]}
    assert found == {
        "t": ("BYTES", ["a", "b"]),
        "n": ("INT64", [1, 2]),
        "x": ("FP64", [0.5, None]),
        "ok": ("BOOL", [True, False]),
    }


def test_records_go_into_a_single_declared_tensor_in_the_declared_order(tmp_path):
    seen = []
    metadata = {"inputs": [{"name": "rows", "datatype": "FP32", "shape": [-1, 2]}]}
    with serving(server(metadata, echo, seen)) as url:
        subject = opened(url, tmp_path, columns=["b", "a"], input="record", task="regression")
        assert outputs(subject, [{"a": 1, "b": 2}]) == [[2.0, 1.0]]
        subject.close()
        with pytest.raises(SettingsError, match="in which order"):
            opened(url, tmp_path, input="record")
    assert seen[0]["inputs"][0]["shape"] == [1, 2]


def test_labels_and_scores_become_one_answer(tmp_path):
    def answer(inputs):
        return [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["b", "a"]},
            {"name": "p", "datatype": "FP32", "shape": [2, 2], "data": [0.25, 0.75, 0.5, 0.5],
             "parameters": {"classes": ["a", "b"]}},
        ]  # fmt: skip

    with serving(server(None, answer)) as url:
        subject = opened(url, tmp_path)
        found = subject.answer(["x", "y"]).answers
        subject.close()
    assert [(one.output, one.confidence) for one in found] == [("b", 0.75), ("a", 0.5)]
    assert found[0].scores == {"a": 0.25, "b": 0.75}


def test_bare_scores_are_classified(tmp_path):
    def answer(inputs):
        return [{"name": "logits", "datatype": "FP32", "shape": [1, 3], "data": [0.0, 9.0, 0.0]}]

    with serving(server(None, answer)) as url:
        subject = opened(url, tmp_path)
        assert outputs(subject, ["x"]) == [1]
        subject.close()


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [{"name": "y", "datatype": "FP32", "shape": [1], "data": [1.0]}],
        [{"name": "y", "datatype": "FP32", "shape": [2]}],
        [{"name": "l", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
         {"name": "p", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 0.5]}],
    ],
)  # fmt: skip
def test_a_response_without_a_row_per_input_is_refused(tmp_path, answer):
    with serving(server(None, lambda _: answer)) as url:
        subject = opened(url, tmp_path)
        with pytest.raises(OutputContractError):
            subject.answer(["x", "y"])
        subject.close()


def test_an_endpoint_that_speaks_oip_is_found_by_trying(tmp_path):
    with serving(server(None, echo)) as url:
        subject = UrlSubject.open(url)
        assert outputs(subject, ["a", "b"]) == ["a", "b"]
        subject.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/v2/models/m/infer"),
        ("/v2", "/v2/models/m/infer"),
        ("/base/", "/base/v2/models/m/infer"),
        ("/v2/models/other", "/v2/models/other/infer"),
        ("/v2/models/other/infer", "/v2/models/other/infer"),
    ],
)
def test_the_infer_route_is_found_from_any_part_of_it(path, expected):
    assert oip.infer_path(path, "m") == expected
