"""One HTTP endpoint: kept connections, and an error of ours for everything that can go wrong."""

import re
import socket
import threading
from contextlib import contextmanager

import pytest

from seatrial.core import errors
from seatrial.core.errors import (
    DeadlineExceededError,
    ModelRaisedError,
    NonFiniteOutputError,
    OutputContractError,
    OverloadedError,
    SettingsError,
    UnreachableError,
)
from seatrial.models.endpoint import Endpoint
from seatrial.models.refusals import message_of
from seatrial.testing.service import serving


@contextmanager
def raw_server(*responses):
    """Answer each connection's request with the next response, as given, and say no more.

    The request is read to its end first, and the connection closed after the client has closed it:
    closing it with anything unread would reset it, and the answer could be lost on the way.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()

        def run():
            for response in responses:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(60)
                    if read_request(connection) and response is not None:
                        connection.sendall(response)
                        connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass  # until the client closes

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{address[1]}/x"
        finally:
            while thread.is_alive():  # a client that gave up early may never have connected
                socket.create_connection(address, timeout=60).close()
                thread.join(0.05)


def read_request(connection):
    """Return a request, headers and body, or nothing where the client left before its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    length = re.search(rb"(?im)^content-length: *(\d+)", received)
    end = received.index(b"\r\n\r\n") + 4 + (int(length.group(1)) if length else 0)
    while len(received) < end:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    return received


def reply(body=b"[1]", status="200 OK", extra=b""):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (
        status.encode(), len(body), extra, body,
    )  # fmt: skip


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("document", ["\ud800", nested(5_000), 1j], ids=["text", "deep", "type"])
def test_what_json_cannot_carry_is_an_error_of_ours(document):
    with pytest.raises(OutputContractError, match="cannot be sent as JSON"):
        Endpoint("http://127.0.0.1:1/x").post(document)


@pytest.mark.parametrize("status", ["200 OK", "500 Broken"])
def test_an_answer_that_is_nested_without_end_is_an_error_of_ours(status):
    content = b"[" * 100_000 + b"]" * 100_000
    with raw_server(reply(content, status=status)) as url:
        endpoint = Endpoint(url)
        with pytest.raises((OutputContractError, ModelRaisedError)):
            endpoint.post(1)
        endpoint.close()


def test_one_connection_serves_many_requests():
    ports = set()

    def route(path, document, headers):
        ports.add(headers["X-Seen"])
        return 200, document

    with serving(route) as url:
        endpoint = Endpoint(url, headers={"X-Seen": "1"})
        assert [endpoint.post({"n": n}) for n in range(5)] == [{"n": n} for n in range(5)]
        assert len(endpoint._idle) == 1
        endpoint.close()


def test_a_connection_that_the_server_closed_meanwhile_is_replaced():
    with raw_server(reply(b"1"), reply(b"2")) as url:
        endpoint = Endpoint(url)
        assert [endpoint.post({}), endpoint.post({})] == [1, 2]
        endpoint.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelRaisedError),
        (404, ModelRaisedError),
        (422, ModelRaisedError),
        (429, OverloadedError),
        (500, ModelRaisedError),
        (503, OverloadedError),
        (504, DeadlineExceededError),
        (307, UnreachableError),
    ],
)
def test_a_refusal_is_told_with_the_servers_own_message(status, kind):
    with serving(lambda *_: (status, {"detail": "because   of\nthis"})) as url:
        endpoint = Endpoint(f"{url}/a?key=hidden")
        with pytest.raises(kind, match=f"/a answered {status}") as caught:
            endpoint.post({})
        if status != 307:
            assert "because of this" in caught.value.message
        assert "hidden" not in str(caught.value)
        assert caught.value.details["status"] == status
        assert caught.value.hint
        endpoint.close()


def test_a_redirect_is_not_followed():
    asked = []

    def route(path, document, headers):
        asked.append(path)
        return 302, {}

    with serving(route) as url:
        endpoint = Endpoint(f"{url}/here")
        with pytest.raises(UnreachableError, match="a redirect to /elsewhere"):
            endpoint.post({})
        endpoint.close()
    assert asked == ["/here"]


def test_our_own_error_codes_keep_their_class_across_the_wire():
    problem = {
        "code": NonFiniteOutputError.code,
        "detail": "row 3",
        "hint": "look",
        "details": {"row": 3},
    }
    with serving(lambda *_: (500, problem)) as url:
        endpoint = Endpoint(url)
        with pytest.raises(NonFiniteOutputError, match="row 3") as caught:
            endpoint.post({})
        assert caught.value.details["row"] == 3
        endpoint.close()


def test_nobody_listening_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match="cannot be reached"):
        Endpoint(f"http://127.0.0.1:{port}").post({})


def test_a_host_that_cannot_be_named_is_unreachable():
    with pytest.raises(UnreachableError):
        Endpoint(f"http://{'a' * 70}.invalid").post({})


def test_silence_is_a_missed_deadline():
    with raw_server(None) as url, pytest.raises(DeadlineExceededError, match=r"within 0\.05 s"):
        Endpoint(url, timeout_s=0.05).post({})


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_broken_answer_is_unreachable(response):
    with raw_server(response) as url, pytest.raises(UnreachableError):
        Endpoint(url).post({})


def test_an_answer_that_is_not_json_is_quoted():
    with serving(lambda *_: (200, b"<h1>Welcome</h1>")) as url:
        endpoint = Endpoint(url)
        with pytest.raises(OutputContractError, match="<h1>Welcome"):
            endpoint.post({})
        endpoint.close()


def test_an_endless_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr("seatrial.models.endpoint.RESPONSE_MAX_BYTES", 1000)
    endless = b"[" + b"1," * 5000 + b"1]"
    with (
        serving(lambda *_: (200, endless)) as url,
        pytest.raises(OutputContractError, match="sends more than"),
    ):
        Endpoint(url).post({})


def test_values_of_headers_never_appear_in_messages():
    def route(path, document, headers):
        return 500, {"detail": f"bad key {headers['Authorization']}"}

    with serving(route) as url:
        endpoint = Endpoint(url, headers={"Authorization": "Bearer s3cret"})
        with pytest.raises(ModelRaisedError, match=r"bad key \*\*\*"):
            endpoint.post({})
        endpoint.close()


def test_no_proxy_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(lambda *_: (200, [1])) as url:
        endpoint = Endpoint(url)
        assert endpoint.post({}) == [1]
        endpoint.close()


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://host/x", "http://", "http://host:99999", "http://u:p@host/"],
)
def test_a_url_that_cannot_be_asked_is_refused(url):
    with pytest.raises(SettingsError):
        Endpoint(url)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"error": {"message": "too long", "code": 1}}', "too long"),
        (b'{"detail": [{"loc": ["body"], "msg": "missing"}]}', "missing"),
        (b'{"error": "plain"}', "plain"),
        (b"", "nothing"),
        (b"\xff\xfe", "��"),
    ],
)
def test_the_message_of_an_error_body_is_found(content, message):
    assert message in message_of(content)


def test_every_code_of_ours_is_known_to_the_reader():
    assert errors.from_wire("overloaded", "m").http_status == 503
