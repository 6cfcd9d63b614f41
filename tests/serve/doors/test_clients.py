"""Other people's clients, unchanged."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

TRITON = "tritonclient[http]==2.73.0"
MLSERVER = "mlserver==1.7.1"

BY_TRITON = """
import json, sys
import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1])
told = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "model": client.is_model_ready("m"),
    "version": client.is_model_ready("m", client.get_model_metadata("m")["versions"][0]),
    "server": client.get_server_metadata()["name"],
    "inputs": client.get_model_metadata("m")["inputs"],
    "index": [one["state"] for one in client.get_model_repository_index()],
}
made = triton.InferInput("input", [3, 1], "BYTES")
made.set_data_from_numpy(np.array([["a"], ["é"], [""]], dtype=object))
for way in ("plain", "gzip", "deflate"):
    how = {} if way == "plain" else {
        "request_compression_algorithm": way, "response_compression_algorithm": way,
    }
    answer = client.infer("m", [made], request_id="mine", timeout=5_000_000, **how)
    told[way] = [text.decode() for text in answer.as_numpy("output")]
told["id"] = answer.get_response()["id"]
told["confidence"] = answer.as_numpy("confidence").tolist()
told["scores"] = answer.as_numpy("scores").tolist()
told["classes"] = answer.get_output("scores")["parameters"]["classes"]
told["abstained"] = answer.as_numpy("abstained").tolist()

made.set_data_from_numpy(np.array([["a"], ["b"], ["c"]], dtype=object), binary_data=False)
wanted = [triton.InferRequestedOutput("output", binary_data=False)]
told["json"] = client.infer("m", [made], outputs=wanted).as_numpy("output").tolist()

empty = triton.InferInput("input", [0], "BYTES")
empty.set_data_from_numpy(np.array([], dtype=object))
told["empty"] = list(client.infer("m", [empty]).as_numpy("output").shape)

waiting = [client.async_infer("m", [made]) for _ in range(8)]
told["async"] = [one.get_result().as_numpy("output")[2].decode() for one in waiting]
for name, tensor in {"n": made, "m": triton.InferInput("input", [1], "FP32")}.items():
    if tensor is not made:
        tensor.set_data_from_numpy(np.ones(1, np.float32))
    try:
        client.infer(name, [tensor])
    except triton.InferenceServerException as error:
        told[f"error {name}"] = [error.status(), error.message()]
client.close()
print(json.dumps(told))
"""

ARRAYS_BY_TRITON = """
import json, sys
import ml_dtypes
import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1])
told = {}
for name in "INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 FP16 FP32 FP64 BF16".split():
    kind = ml_dtypes.bfloat16 if name == "BF16" else triton.triton_to_np_dtype(name)
    made = triton.InferInput("x", [2, 2], name)
    made.set_data_from_numpy(np.array([[1, 2], [3, 4]], kind))
    told[name] = client.infer("m", [made]).as_numpy("output").tolist()
client.close()
print(json.dumps(told))
"""


def run(command, *, script=None, limit_s=120):
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, timeout=limit_s, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_tritonclient_asks_as_it_always_does(address, client_home):
    """Packed by default, compressed, plain, empty, many at once; errors are its own exceptions."""
    python = client_home(TRITON) / "python"
    told = json.loads(run([str(python), "-", address()], script=BY_TRITON))
    assert all(told[probe] for probe in ("live", "ready", "model", "version"))
    assert told["server"] == "seatrial"
    assert told["inputs"] == [{"name": "input", "datatype": "BYTES", "shape": [-1]}]
    assert told["index"] == ["READY"]
    for way in ("plain", "gzip", "deflate"):
        assert told[way] == ["A", "É", ""]
    assert told["id"] == "mine"
    assert told["confidence"] == [0.75] * 3
    assert told["scores"] == [[0.75, 0.25]] * 3
    assert told["classes"] == ["loud", "soft"]
    assert told["abstained"] == [False] * 3
    assert told["json"] == ["A", "B", "C"]
    assert told["empty"] == [0]
    assert told["async"] == ["C"] * 8
    assert told["error n"][0] == "404"
    assert told["error m"][0] == "422"
    assert "accepted is BYTES" in told["error m"][1]


@pytest.mark.slow
def test_tritonclient_packs_every_datatype(address, client_home):
    """Numbers arrive as they left."""
    python = client_home(TRITON) / "python"
    told = json.loads(run([str(python), "-", address("array")], script=ARRAYS_BY_TRITON))
    assert told == {name: [3, 7] for name in told}
    assert len(told) == 12


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["-b"], ["-s", "3"]], ids=["json", "packed", "batches"])
def test_mlserver_infer_gets_one_answer_per_line(address, client_home, tmp_path, flags):
    """MLServer's own batch inference, one request a line, several workers."""
    lines = [
        {
            "id": f"line-{number}",
            "inputs": [
                {
                    "name": "text",
                    "shape": [2, 1],
                    "datatype": "BYTES",
                    "data": [f"a{number}", "b"],
                    "parameters": {"content_type": "str"},
                }
            ],
        }
        for number in range(7)
    ]
    if "-b" in flags:
        for line in lines:
            line["inputs"][0] |= {"datatype": "INT32", "data": [1, 2], "shape": [2, 1]}
            del line["inputs"][0]["parameters"]
    asked, answered = tmp_path / "asked.jsonl", tmp_path / "answered.jsonl"
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    place = address("array" if "-b" in flags else "text")
    command = client_home(MLSERVER) / "mlserver"
    arguments = ["-u", place, "-m", "m", "-i", asked, "-o", answered, "-w", "2", *flags]
    run([str(command), "infer", *map(str, arguments)])
    told = [json.loads(line) for line in answered.read_text().splitlines()]
    assert {one["id"] for one in told} == {line["id"] for line in lines}
    for one in told:
        output = next(at for at in one["outputs"] if at["name"] == "output")
        number = one["id"].removeprefix("line-")
        assert output["data"] == ([1, 2] if "-b" in flags else [f"A{number}", "B"])


CURL = shutil.which("curl")
WRK = shutil.which("wrk")


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_curl_needs_a_url_and_a_body(address):
    """By either route; and without the type of the body, which is then a form's, a hint."""
    place = address()
    body = '{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["a"]}]}'
    url = f"http://{place}/v2/models/m/infer"
    json_type = ["-H", "Content-Type: application/json"]
    told = json.loads(run([CURL, "-s", *json_type, "-d", body, url]))
    assert told["outputs"][0]["data"] == ["A"]
    told = json.loads(run([CURL, "-s", "--json", '{"input":"a"}', f"http://{place}/predict"]))
    assert told["results"][0]["output"] == "A"
    assert "application/json" in json.loads(run([CURL, "-s", "-d", body, url]))["error"]


@pytest.mark.skipif(WRK is None, reason="wrk is not installed")
def test_wrk_sees_no_error(address, tmp_path):
    """Connections are kept alive, and every answer is a success."""
    body = '{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["a"]}]}'
    script = tmp_path / "ask.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = [[{body}]]\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
    )
    url = f"http://{address()}/v2/models/m/infer"
    told = run([WRK, "-t1", "-c4", "-d1s", "--timeout", "60s", "-s", str(script), url])
    assert "Requests/sec" in told
    assert "Non-2xx" not in told
    assert "Socket errors" not in told
