from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest


def test_an_answer_holds_one_result_per_row_and_says_where_it_comes_from(server):
    """The shape is that of the contract; the headers name release, server part, times."""
    answer = server.predict("a", "bare")
    assert answer.status == 200
    assert answer.json == {
        "id": answer.headers["x-request-id"],
        "release": server.ready["release"],
        "results": [
            {"output": "A", "confidence": 0.875, "scores": None, "abstained": False},
            {"output": "bare", "confidence": None, "scores": None, "abstained": False},
        ],
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-release"] == server.ready["release"]
    assert answer.headers["x-served-by"] == "model"
    assert "x-confidence" not in answer.headers
    stages = [stage.split(";dur=") for stage in answer.headers["server-timing"].split(", ")]
    assert [name for name, _ in stages] == ["admit", "queue", "model", "send"]
    assert all(float(duration) >= 0 for _, duration in stages)


def test_one_input_is_one_row_with_its_confidence_in_a_header(server):
    """``input`` is for those who have one."""
    answer = server.ask("POST", "/predict", '{"input": "a"}')
    assert [result["output"] for result in answer.json["results"]] == ["A"]
    assert answer.headers["x-confidence"] == "0.875"


def test_no_rows_get_no_results(server):
    """An empty request is a request."""
    assert server.predict().json["results"] == []


def test_a_valid_trace_is_passed_through_and_an_invalid_one_replaced(server):
    """W3C trace context: bad ones are ignored."""
    valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert server.predict("a", headers={"traceparent": valid}).headers["traceparent"] == valid
    other = server.predict("a", headers={"traceparent": valid.replace("4bf92f", "XYZ")})
    assert other.headers["traceparent"] != valid
    assert len(other.headers["traceparent"]) == len(valid)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "body-malformed", None),
        (b'{"inputs": ["a"', 400, "body-malformed", None),
        (b'\xef\xbb\xbf{"inputs": ["a"]}', 400, "body-malformed", None),
        (b'{"inputs": [NaN]}', 400, "body-malformed", None),
        (b'{"inputs": ["a", NaN]}', 400, "body-malformed", None),
        (b'{"inputs": ["\xff"]}', 400, "body-malformed", None),
        (b'{"inputs": ["\\ud800"]}', 400, "body-malformed", None),
        (b'{"inputs": ["\x00"]}', 400, "body-malformed", None),
        (b"[" * 100_000, 400, "body-malformed", None),
        (b'{"inputs": ' + b"[" * 100_000, 400, "body-malformed", None),
        (b'{"inputs": ["a", 3]}', 422, "input-invalid", "/inputs/1"),
        (b'{"inputs": "a"}', 422, "input-invalid", "/inputs"),
        (b'{"input": 1e999}', 422, "input-invalid", "/input"),
        (b'{"imputs": ["a"]}', 422, "input-invalid", ""),
        (b'{"inputs": ["a"], "input": "a"}', 422, "input-invalid", ""),
        (b"{}", 422, "input-invalid", ""),
        (b"[]", 422, "input-invalid", ""),
        (b'{"inputs": ["' + b"a" * 2**19 + b'"]}', 413, "body-too-large", None),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_a_bad_body_is_refused_by_name_and_place(server, body, status, code, pointer):
    """Malformed is 400, of another shape 422 with a JSON pointer, too large 413; all recorded."""
    answer = server.ask("POST", "/predict", body)
    problem = answer.json
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["retryable"] is False
    assert problem["hint"]
    if pointer:
        assert problem["errors"][0]["pointer"] == pointer
    record = server.record_of(answer)
    assert (record["status"], record["error"]) == ("rejected", code)


def test_a_body_that_grows_too_large_is_cut_off(server):
    """Chunks are counted as they come."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        for _ in range(9):
            raw.sendall(chunk)
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_never_comes_is_timed_out(server):
    """The caller's own deadline counts; status 408, and the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
            b"X-Request-Timeout-Ms: 100\r\n\r\n{"
        )
        received = b""
        while piece := raw.recv(10_000):
            received += piece
        assert received.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "application/vnd.api+json"}, 200),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"X-Request-Timeout-Ms": "5000"}, 200),
        ({"X-Request-Timeout-Ms": "soon"}, 422),
        ({"X-Request-Timeout-Ms": "-1"}, 422),
        ({"X-Request-Timeout-Ms": "nan"}, 422),
    ],
)
def test_headers_are_held_to_what_they_may_say(server, headers, status):
    """A body in another form or an impossible deadline is refused with a hint."""
    assert server.predict("a", headers=headers).status == status


@pytest.mark.parametrize(
    ("order", "code", "detail"),
    [
        ("raise", "model-error", "the model raised ValueError: bad row"),
        ("nan", "non-finite-output", "the model answered row 1 with a value that is not finite"),
        ("short", "output-contract", "the model returned 5 answers for 2 inputs"),
    ],
)
def test_a_failing_model_is_a_500_that_names_the_row_and_hides_the_code(
    server, order, code, detail
):
    """The caller sees what was raised, not where in the user's files."""
    answer = server.predict("a", order)
    problem = answer.json
    assert (answer.status, problem["code"]) == (500, code)
    assert problem["detail"].startswith(detail)
    assert "model.py" not in answer.body.decode()
    if code != "output-contract":
        assert problem["errors"][0]["row"] == 1
        assert problem["errors"][0]["pointer"] == "/inputs/1"
    for row in (0, 1):
        record = server.record_of(answer, row)
        assert (record["status"], record["error"]) == ("failed", code)


def test_batch_mates_of_a_failing_row_are_answered(server):
    """Requests that share a batch with a bad one get the answers they would get alone."""
    with ThreadPoolExecutor(20) as callers:
        blocker = callers.submit(server.predict, "sleep 0.5")
        server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
        bad = callers.submit(server.predict, "raise")
        good = [callers.submit(server.predict, f"text {number}") for number in range(15)]
        server.eventually(lambda: server.metric("seatrial_queue_depth") == 16)
        assert blocker.result().status == 200
        assert bad.result().status == 500
        answers = [mate.result() for mate in good]
    outputs = [answer.json["results"][0]["output"] for answer in answers]
    assert outputs == [f"TEXT {number}" for number in range(15)]


def test_what_waits_is_answered_in_one_batch(serve):
    """While the only worker is busy requests gather; the next call takes them all."""
    server = serve("--workers", "1")
    with ThreadPoolExecutor(9) as callers:
        blocker = callers.submit(server.predict, "sleep 0.5")
        server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
        waiting = [callers.submit(server.predict, "a") for _ in range(8)]
        server.eventually(lambda: server.metric("seatrial_queue_depth") == 8)
        assert server.record_of(blocker.result())["batch_size"] == 1
        assert {server.record_of(at.result())["batch_size"] for at in waiting} == {8}


def test_each_row_is_recorded_before_its_answer_leaves(server):
    """Input, answer, times and origin are in the log when the caller has the answer."""
    answer = server.predict("one", "unsure")
    first, second = server.record_of(answer, 0), server.record_of(answer, 1)
    assert (first["input"], first["output"], first["confidence"]) == ("one", "ONE", 0.875)
    assert (second["output"], second["scores"]) == ("?", {"?": 0.25})
    assert {first["origin"], second["origin"]} == {"user"}
    assert first["release"] == server.ready["release"]
    assert first["status"] == "answered"
    stages = sum(first[f"{stage}_ms"] for stage in ("admit", "queue", "model", "send"))
    assert stages == pytest.approx(first["total_ms"], abs=1.0)


def test_a_caller_who_leaves_is_recorded_and_not_waited_for(server):
    """Rows that still wait are dropped; the log keeps what was asked."""
    with ThreadPoolExecutor(1) as callers:
        blocker = callers.submit(server.predict, "sleep 1")
        server.eventually(lambda: server.metric("seatrial_inflight_requests") == 1)
        leaver = server.connect()
        leaver.request("POST", "/predict", json.dumps({"inputs": ["left behind"]}))
        server.eventually(lambda: server.metric("seatrial_queue_depth") == 1)
        leaver.close()
        server.eventually(lambda: server.metric("seatrial_queue_depth") == 0)
        assert blocker.result().status == 200
    (record,) = [r for r in server.records() if r["input"] == "left behind"]
    assert (record["status"], record["error"]) == ("cancelled", "caller-gone")


def test_user_code_cannot_disturb_the_server(server):
    """Prints, a changed folder and ignored signals stay in the worker's own process."""
    assert server.predict("noise").status == 200
    assert server.predict("a").status == 200


def test_requests_on_one_connection_are_answered_in_order(server):
    """Keep-alive and pipelining."""
    body = b'{"input": "%s"}'
    requests = b"".join(
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n" + body % text
        for text in (b"aaa", b"bbb", b"ccc")
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(requests)
        received = b""
        while received.count(b'"results"') < 3:
            received += raw.recv(10_000)
    assert received.index(b'"AAA"') < received.index(b'"BBB"') < received.index(b'"CCC"')
