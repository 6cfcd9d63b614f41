"""Which requests a page takes: under its own names, from itself, as JSON."""

from __future__ import annotations

import asyncio

import pytest

from seatrial.core.errors import ForbiddenError, InputError
from seatrial.web.gate import HEADERS, POLICY, Gate, is_own, is_same

NAMES = {"localhost", "reviewer-box"}


def scope(method="GET", path="/review/api/rows", **headers):
    sent = {"host": "127.0.0.1:8001", **{n.replace("_", "-"): v for n, v in headers.items()}}
    pairs = [(name.encode(), value.encode()) for name, value in sent.items() if value is not None]
    return {"type": "http", "method": method, "path": path, "headers": pairs}


@pytest.fixture
def gate():
    async def app(scope, receive, send):
        loose = [(b"content-security-policy", b"default-src *"), (b"x-own", b"kept")]
        await send({"type": "http.response.start", "status": 200, "headers": loose})
        await send({"type": "http.response.body", "body": b"in"})

    return Gate(app, hosts=("Review.Example",), pages=("/review",))


def answer(gate, request):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(gate(request, None, send))
    return sent[0]["status"], sent[0]["headers"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8001", "[::1]:8001", "10.0.0.7", "localhost:1", "reviewer-box", "LOCALHOST"]
)
def test_addresses_and_own_names_are_ours(host) -> None:
    assert is_own(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8001",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "user@localhost",
        "localhost/evil",
        "localhost:80:80",
        "localhost:99999",
        "[::1",
        "127.0.0.1, evil.example",
        " localhost",
    ],
)
def test_a_name_that_somebody_else_may_point_here_is_not(host) -> None:
    assert not is_own(host, NAMES)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:8001", "127.0.0.1:8001", True),
        ("https://box", "box:443", True),
        ("http://127.0.0.1:8002", "127.0.0.1:8001", False),
        ("http://localhost:8001", "127.0.0.1:8001", False),
        ("http://evil.example", "127.0.0.1:8001", False),
        ("null", "127.0.0.1:8001", False),
        ("file://", "127.0.0.1:8001", False),
        ("http://[", "127.0.0.1:8001", False),
    ],
)
def test_an_origin_is_ours_or_not(origin, host, same) -> None:
    assert is_same(origin, host) is same


def test_a_host_named_in_the_settings_is_taken(gate) -> None:
    gate.check(scope(host="review.example:8001"))
    behind = {"host": "review.example", "origin": "https://review.example"}
    gate.check(scope("POST", content_type="application/json", **behind))


@pytest.mark.parametrize("host", ["evil.example", None])
def test_a_strange_or_missing_host_is_refused(gate, host) -> None:
    with pytest.raises(ForbiddenError, match="not called"):
        gate.check(scope(host=host))


def test_two_hosts_are_refused(gate) -> None:
    request = scope()
    request["headers"].append((b"host", b"127.0.0.1:8001"))
    with pytest.raises(ForbiddenError, match="not called"):
        gate.check(request)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_only_the_page_itself_may_be_opened_from_elsewhere(gate, site) -> None:
    gate.check(scope(path="/review", sec_fetch_site=site))
    with pytest.raises(ForbiddenError, match="elsewhere"):
        gate.check(scope(path="/review/api/rows", sec_fetch_site=site))
    with pytest.raises(ForbiddenError, match="elsewhere"):
        gate.check(scope("POST", "/review", sec_fetch_site=site, content_type="application/json"))


def test_orders_come_from_the_page_or_from_a_program(gate) -> None:
    gate.check(scope("POST", content_type="application/json; charset=utf-8"))
    gate.check(scope("POST", content_type="application/json", origin="http://127.0.0.1:8001"))
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999"):
        with pytest.raises(ForbiddenError):
            gate.check(scope("POST", content_type="application/json", origin=origin))


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_what_a_form_can_send_is_refused(gate, kind) -> None:
    with pytest.raises(InputError, match="application/json") as refused:
        gate.check(scope("POST", content_type=kind))
    assert refused.value.details["http_status"] == 415


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
def test_every_answer_is_hardened_whatever_the_application_says(gate, host) -> None:
    status, headers = answer(gate, scope(host=host))
    assert status == (200 if host == "127.0.0.1" else 403)
    told = [(name.decode(), value.decode()) for name, value in headers]
    for name, value in HEADERS.items():
        assert [given for given in told if given[0] == name] == [(name, value)]
    assert ("x-own", "kept") in told or status == 403


def test_the_policy_lets_nothing_run_but_the_pages_own_files() -> None:
    parts = dict(part.split(" ", 1) for part in POLICY.split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["script-src"] == "'self'"
    assert parts["frame-ancestors"] == parts["form-action"] == parts["base-uri"] == "'none'"
    assert "unsafe" not in POLICY
