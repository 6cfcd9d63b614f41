"""What comes over the wire: slow, oversized, malformed, out of order (H1-H9)."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import time
import zlib

import psutil
import pytest

HANG_S = 20.0
"""Long after every deadline in these tests: what takes longer hangs."""

QUICK = "[serving]\nhead_timeout_s = 0.5\nbody_timeout_s = 0.5\nwrite_timeout_s = 0.5\n"


@contextlib.contextmanager
def raw(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=HANG_S) as connection:
        yield connection


def received(connection):
    """Everything until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def statuses(data):
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def request(body=b'{"inputs": ["a"]}', extra=b"", method=b"POST", path=b"/predict", version=b"1.1"):
    head = b"%b %b HTTP/%b\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n"
    return head % (method, path, version, len(body), extra) + body


def test_fault_H1_half_a_header_is_answered_408_at_the_deadline(serve):
    server = serve("--workers", "1", toml=QUICK)
    with raw(server) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert statuses(received(connection)) == [408]
    assert server.predict("a").status == 200


def test_fault_H1_the_header_deadline_is_armed_again_on_a_kept_connection(serve):
    server = serve("--workers", "1", toml=QUICK)
    with raw(server) as connection:
        connection.sendall(request() + b"POST /predict HT")
        assert statuses(received(connection)) == [200, 408]


def test_fault_H1_a_header_that_trickles_is_cut_at_the_same_deadline(serve):
    """Bytes that keep coming do not keep it open."""
    server = serve("--workers", "1", toml=QUICK)
    with raw(server) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\n")
        until = time.monotonic() + HANG_S
        while not select.select([connection], [], [], 0.05)[0]:
            assert time.monotonic() < until, "the connection is still open"
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"X-A: b\r\n")
        assert statuses(received(connection)) == [408]


def test_fault_H1_a_body_that_stops_is_answered_408(serve):
    server = serve("--workers", "1", toml=QUICK)
    with raw(server) as connection:
        connection.sendall(request()[:-3])
        assert statuses(received(connection)) == [408]
    answer = server.records()[-1]
    assert (answer["status"], answer["error"]) == ("timed_out", "deadline-exceeded")


def test_fault_H1_a_reader_that_does_not_read_is_dropped(serve):
    """Its answers fill the buffers; others are served meanwhile."""
    model = "def load():\n    return lambda inputs: ['x' * 1_000_000 for _ in inputs]\n"
    server = serve("--workers", "1", toml=QUICK, model=model)
    with raw(server) as connection:
        connection.sendall(request() * 40)
        server.eventually(lambda: server.metric("seatrial_connections") >= 2)
        assert server.predict("a").status == 200
        server.eventually(lambda: server.metric("seatrial_connections") == 1)
        # What the kernel had taken is still there; then nothing more comes.
        assert len(received(connection)) < 40_000_000


def test_fault_H1_five_hundred_slow_connections_leave_others_alone(serve):
    """They cost memory, no work: whoever sends whole requests is answered."""
    server = serve("--workers", "1")
    with contextlib.ExitStack() as slow:
        for _ in range(500):
            connection = slow.enter_context(raw(server))
            connection.sendall(b"POST /predict HTTP/1.1\r\nX-Slow:")
        server.eventually(lambda: server.metric("seatrial_connections") >= 500)
        assert [server.predict(f"row {n}").status for n in range(50)] == [200] * 50


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_fault_H2_a_body_over_the_limit_is_413_before_it_is_read(serve, announced):
    """Memory stays bounded whatever is sent."""
    server = serve("--workers", "1", toml="[serving]\nbody_max_mib = 1\n")
    before = psutil.Process(server.popen.pid).memory_info().rss
    for _ in range(5):
        with raw(server) as connection:
            if announced:
                connection.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 10000000000\r\n\r\n")
            else:
                connection.sendall(b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
                chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
                with contextlib.suppress(ConnectionError):
                    for _ in range(20):
                        connection.sendall(chunk)
            assert statuses(received(connection)) == [413]
    assert psutil.Process(server.popen.pid).memory_info().rss - before < 20 * 2**20
    assert server.predict("a").status == 200


@pytest.mark.parametrize(
    "head",
    [b"X-Big: " + b"a" * 200_000 + b"\r\n", b"X-A: b\r\n" * 10_000, b"X-B: c\r\n" * 200],
    ids=["one-large", "ten-thousand", "two-hundred"],
)
def test_fault_H3_headers_over_the_limit_are_431(server, head):
    with raw(server) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"POST /predict HTTP/1.1\r\n" + head + b"\r\n")
        assert statuses(received(connection)) == [431]
    assert server.predict("a").status == 200


def test_fault_H3_headers_that_never_end_cost_no_memory(server):
    before = psutil.Process(server.popen.pid).memory_info().rss
    with raw(server) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"POST /predict HTTP/1.1\r\nX-Big: ")
        for _ in range(480):
            connection.sendall(b"a" * 65_536)
        assert statuses(received(connection)) == [431]
    assert psutil.Process(server.popen.pid).memory_info().rss - before < 10 * 2**20


MALFORMED = [
    b"",
    b"{",
    b'{"inputs": ["a"',
    b'\xef\xbb\xbf{"inputs": ["a"]}',
    b'{"inputs": [NaN]}',
    b'{"inputs": [1e999]}',
    b'{"inputs": [' + b"9" * 5_000 + b"]}",
    b'{"inputs": ["\\ud800"]}',
    b'{"inputs": ["\xff\xfe"]}',
    b'{"inputs": ["\x00"]}',
    b"[" * 100_000,
    b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a":' * 100_000,
    b"null",
    b'"inputs"',
    b'{"inputs": [["a"]]}',
    b'{"inputs": {"0": "a"}}',
    b'{"inputs": ["a"]} trailing',
]


@pytest.mark.parametrize("route", ["/predict", "/v2/models/echo/infer", "/feedback"])
@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:16]))
def test_fault_H4_H5_H6_malformed_json_is_the_callers_error_and_never_ours(server, route, body):
    """400 or 422, naming what is wrong; nothing else suffers."""
    answer = server.ask("POST", route, body, {"Content-Type": "application/json"})
    assert answer.status in {400, 404, 413, 422}
    problem = answer.json
    assert problem.get("detail") or problem.get("error")
    assert server.predict("a").status == 200


def test_fault_H7_of_duplicate_keys_the_last_wins(server):
    answer = server.ask("POST", "/predict", b'{"inputs": ["a"], "inputs": ["b"]}')
    assert [result["output"] for result in answer.json["results"]] == ["B"]


def test_fault_H7_requests_of_one_callers_id_are_both_kept_under_our_own(server):
    headers = {"X-Request-Id": "mine"}
    first, second = (server.predict("a", headers=headers) for _ in range(2))
    assert first.json["id"] != second.json["id"]
    assert server.record_of(first)["id"] != server.record_of(second)["id"]


def test_fault_H8_another_media_type_is_415_and_a_bomb_is_never_inflated(server):
    body = json.dumps({"inputs": ["a"]}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert server.ask("POST", "/predict", body, {"Content-Type": kind}).status == 415
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(b"0" * 2**20) for _ in range(300)) + squeeze.flush()
    before = psutil.Process(server.popen.pid).memory_info().rss
    packed = {"Content-Encoding": "gzip"}
    assert server.ask("POST", "/predict", bomb, packed).status == 415
    assert server.ask("POST", "/v2/models/echo/infer", bomb, packed).status == 413
    assert psutil.Process(server.popen.pid).memory_info().rss - before < 20 * 2**20


@pytest.mark.parametrize(
    "smuggled",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"NONSENSE\r\n\r\n",
    ],
)
def test_fault_H9_what_is_ambiguous_is_400_and_the_connection_ends(server, smuggled):
    with raw(server) as connection:
        connection.sendall(smuggled)
        assert statuses(received(connection)) == [400]
    assert server.predict("a").status == 200


def test_fault_H9_pipelined_requests_are_answered_in_order(server):
    """However different they are: inference, refusals and other routes on one connection."""
    wanted = []
    sent = b""
    for number in range(20):
        sent += request(b'{"inputs": ["row %d"]}' % number)
        sent += request(b"", method=b"GET", path=b"/livez")
        sent += request(b"{")
        wanted += [200, 200, 400]
    with raw(server) as connection:
        connection.sendall(sent + request(extra=b"Connection: close\r\n"))
        data = received(connection)
    assert statuses(data) == [*wanted, 200]
    places = [data.index(b'"ROW %d"' % number) for number in range(20)]
    assert places == sorted(places)


def test_fault_H9_older_and_other_protocols_get_an_answer_that_ends(server):
    """HTTP/1.0 is answered and closed; an upgrade is answered in HTTP, whatever it wants."""
    with raw(server) as connection:
        connection.sendall(request(version=b"1.0"))
        assert statuses(received(connection)) == [200]
    with raw(server) as connection:
        upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
        connection.sendall(request(extra=upgrade))
        assert statuses(received(connection)) == [200]


def test_fault_H9_whoever_would_rather_speak_http_2_is_answered_all_the_same(server):
    """As Java's client and ``curl --http2`` ask, with bodies, in parts and one after another."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    last = request(b'{"inputs": ["c"]}', extra=b"Connection: close\r\n")
    asked = request(extra=wish) + request(b'{"inputs": ["b"]}', extra=wish) + last
    chunked = (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        + wish
        + b'\r\n11\r\n{"inputs": ["x"]}\r\n0\r\n\r\n'
    )
    for step in (len(asked), 1, 100):
        with raw(server) as connection:
            for start in range(0, len(asked), step):
                connection.sendall(asked[start : start + step])
            data = received(connection)
        assert statuses(data) == [200, 200, 200]
        assert [data.count(b'"output":"%b"' % row) for row in (b"A", b"B", b"C")] == [1, 1, 1]
    with raw(server) as connection:
        connection.sendall(chunked + last)
        assert statuses(received(connection)) == [200, 200]
    with raw(server) as connection:
        connection.sendall(request(b"", extra=wish, method=b"GET", path=b"/livez") + last)
        assert statuses(received(connection)) == [200, 200]
    with raw(server) as connection:
        connection.sendall(b"CONNECT there:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        data = connection.recv(4096)
    assert statuses(data) == [400]
    assert b"the request target 'there:443' has no path" in data


def test_fault_H9_a_caller_that_waits_for_a_go_ahead_gets_it(server):
    """``Expect: 100-continue``, as curl sends it with large bodies."""
    body = b'{"inputs": ["a"]}'
    sent = request(body, extra=b"Expect: 100-continue\r\nConnection: close\r\n")
    with raw(server) as connection:
        connection.sendall(sent[: -len(body)])
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert statuses(received(connection)) == [200]


def test_fault_H10_rows_over_the_limit_and_no_rows(server):
    """A million rows are refused whole; none get an empty answer."""
    body = json.dumps({"inputs": ["a"] * 100_000})
    assert server.ask("POST", "/predict", body).status == 413
    assert server.predict().json["results"] == []
