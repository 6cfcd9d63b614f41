"""The review page as a program sees it: who is let in, and what is said to whom."""

from __future__ import annotations

import threading

import psutil
import pytest

from seatrial.core.clock import SYSTEM
from seatrial.serve.keyfile import KeyFile, Terms
from seatrial.web.gate import HEADERS

API = [
    ("GET", "/review/api/question"),
    ("GET", "/review/api/rows?reviewer=anna"),
    ("GET", "/review/api/progress?reviewer=anna"),
    ("POST", "/review/api/label"),
    ("POST", "/review/api/undo"),
]
FILES = ["", "/static/review.css", "/static/review.js", "/static/api.js", "/static/content.js"]


@pytest.fixture(scope="module")
def page(serve_page, make_shared_folder):
    return serve_page(
        make_shared_folder([f"secret text {place}" for place in range(20)], ["positive"] * 20)
    )


def first_row(page, reviewer):
    return page.ask("GET", f"/review/api/rows?reviewer={reviewer}&limit=1")[2]["rows"][0]


def order(page, reviewer, **more):
    row = first_row(page, reviewer)
    return {"id": row["id"], "row": row["row"], "reviewer": reviewer, "label": "positive", **more}


def test_it_says_where_it_is_and_what_there_is_to_do(page) -> None:
    assert page.url.startswith("http://127.0.0.1:")
    assert (page.ready["rows"], page.ready["labelled"]) == (20, 0)
    assert len(page.token) > 30


def test_the_page_and_its_files_hold_nothing_of_the_rows(page) -> None:
    for name in FILES:
        status, headers, content = page.ask("GET", f"/review{name}", token=None)
        assert status == 200
        assert b"secret" not in content
        assert page.token.encode() not in content
        assert b"http://" not in content
        assert b"https://" not in content
        for header, value in HEADERS.items():
            assert headers[header] == value
        kind = headers["content-type"].partition(";")[0]
        assert kind == {"css": "text/css", "js": "text/javascript"}.get(
            name.rpartition(".")[2], "text/html"
        )


def test_a_label_goes_through_and_is_in_the_log(page) -> None:
    status, _, told = page.ask(
        "POST", "/review/api/label", order(page, "anna", tags=["made-up number"])
    )
    assert (status, told["right"], told["progress"]["mine"]) == (200, True, 1)
    (said,) = page.folder.labels()["anna"].values()
    assert (said.label, said.tags) == ("positive", ("made-up number",))
    undone = {"id": said.id, "row": said.row, "reviewer": "anna"}
    assert page.ask("POST", "/review/api/undo", undone)[2]["progress"]["mine"] == 0


@pytest.mark.parametrize(("method", "path"), API)
def test_fault_S7_nothing_is_said_without_the_token(page, method, path) -> None:
    document = order(page, "eve") if method == "POST" else None
    for token in (None, "rt_wrong", page.token[:-1], page.token + "x"):
        status, _, told = page.ask(method, path, document, token=token)
        assert status in {401, 429}  # many wrong tokens from one address are counted
        assert "secret" not in str(told)
    assert "eve" not in page.folder.labels()


def test_fault_S7_a_token_in_the_address_opens_nothing(page) -> None:
    for name in ("token", "key", "access_token"):
        path = f"/review/api/question?{name}={page.token}"
        assert page.ask("GET", path, token=None)[0] in {401, 429}
    cookie = {"Cookie": f"token={page.token}; seatrial={page.token}"}
    assert page.ask("GET", "/review/api/question", token=None, headers=cookie)[0] in {401, 429}


def test_fault_S7_orders_from_other_sites_are_refused_even_with_the_token(page) -> None:
    document = order(page, "mallory")
    strange = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{page.port + 1}"},
        {"Origin": f"http://localhost:{page.port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ]
    for headers in strange:
        status, told, _ = page.ask("POST", "/review/api/label", document, headers=headers)
        assert status in {403, 415}, headers
        assert "access-control-allow-origin" not in told
    assert "mallory" not in page.folder.labels()
    own = {"Origin": page.origin, "Sec-Fetch-Site": "same-origin"}
    assert page.ask("POST", "/review/api/label", document, headers=own)[0] == 200


def test_fault_S7_a_name_pointed_at_this_machine_gets_nothing(page) -> None:
    for host in (
        "evil.example",
        f"evil.example:{page.port}",
        f"127.0.0.1.evil.example:{page.port}",
    ):
        for path in ("/review", "/review/static/review.js", "/review/api/question"):
            status, _, told = page.ask("GET", path, host=host)
            assert status == 403
            assert "secret" not in str(told)
    for host in (f"localhost:{page.port}", f"[::1]:{page.port}"):
        assert page.ask("GET", "/review/api/question", host=host)[0] == 200


def test_fault_S7_other_sites_are_not_told_that_they_may_ask(page) -> None:
    asks = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    status, headers, _ = page.ask("OPTIONS", "/review/api/label", headers=asks)
    assert status in {403, 405, 415}
    assert not [name for name in headers if name.startswith("access-control")]


def test_keys_with_the_scope_review_open_it_and_others_do_not(page) -> None:
    file, now = KeyFile(page.folder.path), SYSTEM.utc()
    expected = {"review": {200}, "admin": {200}, "predict": {403, 429}}
    for scope, statuses in expected.items():
        _, secret = file.create(Terms(scopes=(scope,)), now=now)
        assert page.ask("GET", "/review/api/question", token=secret)[0] in statuses


def test_bodies_are_bounded(page) -> None:
    big = b'{"id": "' + b"x" * 200_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert page.ask("POST", "/review/api/label", body=big, headers=headers)[0] == 413
    deep = b'{"id":' + b"[" * 50_000
    assert page.ask("POST", "/review/api/label", body=deep, headers=headers)[0] in {400, 422}
    for body in (
        b"",
        b"{",
        b"[]",
        b'{"id": 1}',
        b'{"id": "a", "row": 0, "reviewer": "a", "evil": 1}',
        b"\xff\xfe",
    ):
        assert page.ask("POST", "/review/api/label", body=body, headers=headers)[0] in {400, 422}
    assert page.ask("GET", "/review/api/question")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/review/",
        "/review/static/",
        "/review/static/../server.py",
        "/review/static/%2e%2e/server.py",
        "/review/static/..%2f..%2fserver.py",
        "/review/static/review.html.j2",
        "/review/api/",
        "/review/api/nothing",
        "/admin/status",
    ],
)
def test_no_other_path_leads_anywhere(page, path) -> None:
    status, headers, told = page.ask("GET", path)
    assert status == 404
    assert headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert told["status"] == 404


@pytest.mark.parametrize(
    "query",
    [
        "reviewer=",
        "reviewer=a&after=x",
        "reviewer=a&limit=-1",
        "reviewer=a&limit=1e9",
        "reviewer=%E2%80%AEa",
        "reviewer=a&limit=" + "9" * 5_000,
    ],
)
def test_odd_questions_are_answered_with_what_is_accepted(page, query) -> None:
    status, _, told = page.ask("GET", f"/review/api/rows?{query}")
    assert status == 422
    assert told["detail"]


def test_two_reviewers_at_once_lose_no_label(page) -> None:
    rows = page.ask("GET", "/review/api/rows?reviewer=x&limit=20")[2]["rows"]
    refused = []

    def label(name):
        for row in rows:
            said = {"id": row["id"], "row": row["row"], "reviewer": name, "label": "neutral"}
            status = page.ask("POST", "/review/api/label", said)[0]
            refused.extend([status] if status != 200 else [])

    threads = [threading.Thread(target=label, args=(name,)) for name in ("carl", "ben", "zoe")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    counts = {name: len(said) for name, said in page.folder.labels().items()}
    assert [counts[name] for name in ("carl", "ben", "zoe")] == [20, 20, 20]


def test_the_page_listens_on_this_machine_only(page) -> None:
    sockets = psutil.Process(page.process.pid).net_connections(kind="inet")
    listening = {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
