import pytest

from seatrial.core.errors import UnreachableError
from seatrial.measure.load.target import make_requests, resolve_target


def test_a_url_is_taken_apart():
    target = resolve_target("http://127.0.0.1:8000/v2/models/m/infer?key=1")
    assert (target.address, target.port) == ("127.0.0.1", 8000)
    assert target.path == "/v2/models/m/infer?key=1"
    assert target.tls is None


def test_the_scheme_gives_the_port_and_tls():
    assert resolve_target("http://127.0.0.1").port == 80
    secured = resolve_target("https://127.0.0.1")
    assert secured.port == 443
    assert secured.tls is not None


def test_a_request_is_complete_and_in_one_piece():
    target = resolve_target("http://127.0.0.1:8000/predict")
    (request,) = make_requests(target, [b'{"a": 1}'], headers={"X-Key": "secret"})
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert head.splitlines() == [
        b"POST /predict HTTP/1.1",
        b"Host: 127.0.0.1:8000",
        b"Accept: application/json",
        b"Content-Type: application/json",
        b"X-Key: secret",
        b"Content-Length: 8",
    ]


def test_a_named_header_replaces_the_default():
    target = resolve_target("http://127.0.0.1:1/")
    (request,) = make_requests(target, [b""], headers={"Content-Type": "text/plain"})
    assert request.count(b"Content-Type") == 1
    assert b"Content-Type: text/plain" in request


def test_an_address_of_version_6_is_bracketed():
    (request,) = make_requests(resolve_target("http://[::1]:8000/"), [b""])
    assert b"Host: [::1]:8000" in request


def test_a_host_without_an_address_is_named():
    with pytest.raises(UnreachableError, match="has no address"):
        resolve_target("http://no-such-host.invalid/")
