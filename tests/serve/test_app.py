from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families


def test_the_probes_answer(server):
    """Live, ready, and ready in detail."""
    assert server.ask("GET", "/livez").status == 200
    assert server.ask("GET", "/readyz").status == 200
    assert server.ask("GET", "/healthz").status == 200
    told = server.ask("GET", "/readyz?verbose").json
    assert told["ready"] is True
    assert told["release"] == server.ready["release"]
    assert [worker["state"] for worker in told["workers"]] == ["ready"]


def test_the_status_tells_the_public_what_it_may_expect(server):
    """State, release, wait."""
    told = server.ask("GET", "/status").json
    assert told["state"] == "ready"
    assert told["release"] == server.ready["release"]
    assert told["workers"] == {"ready": 1, "wanted": 1}
    assert told["rows_waiting"] == 0


def test_the_metrics_are_readable_and_count(server):
    """Standard names, one prefix, no ids; a request shows up in them."""
    before = server.metric('seatrial_requests_total{code="200"')
    server.predict("a", "b")
    server.predict("raise")
    assert server.metric('seatrial_requests_total{code="200"') == before + 1
    page = server.ask("GET", "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name for family in text_string_to_metric_families(page.body.decode())}
    assert families >= {
        "seatrial_requests",
        "seatrial_request_duration_seconds",
        "seatrial_queue_depth",
        "seatrial_inflight_requests",
        "seatrial_rejected",
        "seatrial_batch_size",
        "seatrial_model_info",
        "process_cpu_seconds",
    }
    assert server.metric("seatrial_model_info") == 1
    assert server.metric('seatrial_rejected_total{model="echo",reason="model-error"') >= 1


def test_feedback_is_recorded_for_a_row_that_was_asked(server):
    """By the id of the answer; label, rating or both."""
    answer = server.predict("a", "b")
    identifier = answer.json["id"]
    body = json.dumps({"id": identifier, "row": 1, "label": "B", "rating": 0.5})
    told = server.ask("POST", "/feedback", body)
    assert (told.status, told.json) == (200, {"id": identifier, "row": 1})
    (said,) = [e for e in server.records() if e["event"] == "feedback" and e["id"] == identifier]
    assert (said["row"], said["label"], said["rating"]) == (1, "B", 0.5)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"id": "never given"}, 404),
        ({"id": "0" * 40}, 404),
        ({"row": 2}, 422),
        ({"row": -1}, 422),
        ({"row": "first"}, 422),
        ({"label": None, "verdict": 1}, 422),
    ],
)
def test_feedback_on_what_was_never_asked_is_refused(server, change, status):
    """Unknown ids are 404, rows that are not there 422."""
    identifier = server.predict("a", "b").json["id"]
    body = json.dumps({"id": identifier, "row": 0, "label": "A", **change})
    answer = server.ask("POST", "/feedback", body)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/feedback", b'{"id": "x"}', 422),
        ("POST", "/feedback", b"{", 400),
        ("POST", "/feedback", b'{"id": "' + b"x" * 70_000, 413),
        ("GET", "/feedback", None, 405),
        ("GET", "/predict", None, 405),
        ("PUT", "/predict", b"{}", 405),
        ("GET", "/", None, 404),
        ("GET", "/..%2f..%2fetc", None, 404),
    ],
)
def test_what_is_not_a_route_is_a_problem_document(server, method, path, body, status):
    """Every error has the same shape; 405 says what is possible."""
    answer = server.ask(method, path, body)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    if status == 405:
        assert "POST" in answer.headers["allow"]


@pytest.mark.slow
def test_promtool_finds_nothing_in_the_metrics(server):
    """Prometheus' own checker: names, types, help."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    server.predict("a", "raise")
    page = server.ask("GET", "/metrics").body
    check = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_a_protocols_own_shape_tells_of_every_error_on_its_routes(server, serve, project, tmp_path):
    """Also where the body is too large, or a key is missing."""
    large = server.ask("POST", "/v2/repository/index", b" " * 70_000)
    assert large.status == 413
    assert large.json["error"].startswith("the body is too large")
    folder = project(tmp_path / "keyed", toml="[serving]\nkeys_required = true\n")
    keyed = serve("--workers", "1", folder=folder)
    refused = keyed.ask("GET", "/v2")
    assert refused.status == 401
    assert list(refused.json) == ["error"]
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert keyed.ask("GET", "/v2/health/live").status == 200
    assert keyed.ask("GET", "/metrics").json["code"] == "unauthorized"
