"""Orders come from whoever holds the token, hold at once, and leave a trace."""

import http.client
import json
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from seatrial.core.clock import SYSTEM
from seatrial.core.errors import EnvironmentMismatchError, SettingsError
from seatrial.core.settings import ServingSettings
from seatrial.releases.control import Control
from seatrial.releases.places import ControlPlaces
from seatrial.serve import admin_server
from seatrial.serve.admin_server import is_loopback, prepare
from seatrial.serve.admin_token import AdminToken
from seatrial.serve.audit import AuditLog
from seatrial.serve.keyfile import KeyFile, Terms
from seatrial.serve.keys import WRONG_BURST

CALLS = [
    ("GET", "/admin/status"),
    ("GET", "/admin/audit"),
    ("POST", "/admin/kill"),
    ("POST", "/admin/reload"),
    ("POST", "/admin/drain"),
    ("GET", "/"),
    ("GET", "/admin/no-such-thing"),
]


@dataclass
class Keeper:
    folder: Path
    process: subprocess.Popen
    stderr: Path

    @property
    def address(self):
        return json.loads(ControlPlaces.of(self.folder).admin_address.read_bytes())

    @property
    def port(self):
        return int(self.address["url"].rpartition(":")[2])

    @property
    def token(self):
        return ControlPlaces.of(self.folder).admin_token.read_text().strip()

    def ask(self, method, path, document=None, *, shown=None, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = dict(headers or {})
        if shown is not None:
            sent["Authorization"] = f"Bearer {shown}"
        if document is not None:
            body = json.dumps(document)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), json.loads(response.read())
        finally:
            connection.close()

    def order(self, path, document=None):
        return self.ask("POST", path, document, shown=self.token)

    def control(self):
        return Control(self.folder).read()

    def audit(self):
        return AuditLog(self.folder).read()


def wait_for(condition, process):
    until = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, "the keeper has ended"
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def keeper(tmp_path):
    """Start keepers with an admin port, about one folder."""
    (tmp_path / "seatrial.toml").write_text('[model]\nload = "m:m"\n')
    started = []

    def start(*flags, listens=True):
        stderr = tmp_path / f"stderr-{len(started)}"
        command = [sys.executable, "-m", "seatrial.serve.keeper", str(tmp_path), "--every", "3600"]
        with stderr.open("w") as out:
            process = subprocess.Popen([*command, "--admin-port", "0", *flags], stderr=out)
        started.append(process)
        keeper = Keeper(tmp_path, process, stderr)
        wait_for(lambda: '"admin-ready"' in stderr.read_text() or not listens, process)
        return keeper

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_an_order_holds_before_it_is_answered(keeper):
    running = keeper()
    status, _, said = running.order("/admin/kill", {"on": True, "reason": "wrong refunds"})
    assert status == 200
    assert said["audited"]
    assert said["control"]["killed"]
    state = running.control()
    assert (state.killed, state.reason, state.by) == (True, "wrong refunds", "admin token")
    assert running.order("/admin/kill", {"on": False})[0] == 200
    assert not running.control().killed
    assert running.order("/admin/reload")[0] == 200
    assert running.order("/admin/drain", {"reason": "moving"})[0] == 200
    state = running.control()
    assert (state.reloaded, state.drained, state.generation) == (3, 4, 4)
    status, _, told = running.ask("GET", "/admin/status", shown=running.token)
    assert told["control"]["generation"] == 4
    assert told["keeper"]["pid"] == running.process.pid
    assert told["sealing"]["segments"] == 0
    status, headers, audit = running.ask("GET", "/admin/audit?last=3", shown=running.token)
    assert [row["action"] for row in audit["rows"]] == ["kill-off", "reload", "drain"]
    assert audit["rows"][2]["reason"] == "moving"
    assert (audit["count"], audit["broken_at"]) == (4, None)
    assert headers["cache-control"] == "no-store"


def test_an_order_on_an_old_state_is_refused_and_audited(keeper):
    running = keeper()
    Control(running.folder).order("kill-on", by="somebody else")
    status, _, said = running.order("/admin/kill", {"on": False, "generation": 0})
    assert (status, said["code"]) == (409, "conflict")
    assert running.control().killed
    assert running.audit().rows[0].outcome == "conflict"


def test_fault_S1_whoever_does_not_hold_the_token_gets_nothing(keeper):
    """No token, wrong ones, a key for predictions, one that is over: never a hint which."""
    running = keeper()
    file, now = KeyFile(running.folder), SYSTEM.utc()
    predict, secret = file.create(Terms(), now=now)
    _, over = file.create(Terms(scopes=("admin",), expires=now - timedelta(1)), now=now)
    gone, revoked = file.create(Terms(scopes=("admin",)), now=now)
    file.revoke(gone.id, now=now)
    nearly = running.token[:-1] + ("a" if running.token[-1] != "a" else "b")
    shown = {None: 401, "": 401, "wrong": 401, nearly: 401, running.token + "x": 401}
    shown |= {over: 401, revoked: 401, secret: 403}
    texts = set()
    for number, (one, expected) in enumerate(shown.items()):
        method, path = CALLS[number % len(CALLS)]
        status, headers, said = running.ask(method, path, {"on": True}, shown=one)
        assert status == expected, one
        assert ("www-authenticate" in headers) == (expected == 401)
        texts.add((said["detail"], said["hint"]))
    assert len(texts) == 1
    assert running.control().generation == 0
    audit = running.audit()
    outcomes = [row.outcome for row in audit.rows]
    assert outcomes == ["unauthorized"] * 7 + ["forbidden"]
    assert audit.rows[7].by == f"key {predict.id}"
    assert audit.rows[0].peer == "127.0.0.1"
    assert audit.broken_at is None
    assert running.ask("GET", "/admin/status", shown=running.token)[0] == 200


def test_fault_S1_no_secret_is_written_down(keeper):
    running = keeper()
    _, secret = KeyFile(running.folder).create(Terms(), now=SYSTEM.utc())
    said = [running.ask("GET", "/admin/status", shown=secret)]
    said.append(running.ask("GET", "/admin/status", shown=running.token))
    said.append(running.ask("GET", "/admin/status", headers={"X-API-Key": "wrong-but-secret"}))
    kept = running.stderr.read_text() + ControlPlaces.of(running.folder).audit.read_text()
    for text in (repr(said), kept):
        for one in (secret, running.token, "wrong-but-secret"):
            assert one not in text
    assert stat.S_IMODE(ControlPlaces.of(running.folder).admin_token.stat().st_mode) == 0o600


def test_fault_S1_guessing_is_slowed_and_fills_no_disk_and_locks_nobody_out(keeper):
    running = keeper()
    statuses = []
    while 429 not in statuses:
        status, headers, _ = running.ask("POST", "/admin/kill", shown=f"guess {len(statuses)}")
        statuses.append(status)
        assert len(statuses) < 10 * WRONG_BURST
    assert len(statuses) > WRONG_BURST
    assert int(headers["retry-after"]) >= 1
    assert running.audit().count == len(statuses) - 1
    assert running.order("/admin/kill", {"on": True})[0] == 200


def test_a_key_with_the_scope_administers_until_it_is_revoked(keeper):
    running = keeper()
    file = KeyFile(running.folder)
    key, secret = file.create(Terms(scopes=("admin",)), now=SYSTEM.utc())
    status, _, said = running.ask("POST", "/admin/kill", {"on": True}, shown=secret)
    assert (status, said["control"]["by"]) == (200, f"key {key.id}")
    file.revoke(key.id, now=SYSTEM.utc())
    assert running.ask("POST", "/admin/kill", {"on": False}, shown=secret)[0] == 401
    assert running.control().killed


def test_the_token_is_made_once_and_a_new_one_counts_at_once(keeper):
    running = keeper()
    old = running.token
    running.process.terminate()
    running.process.wait()
    assert not ControlPlaces.of(running.folder).admin_address.exists()
    again = keeper()
    assert again.token == old
    AdminToken(again.folder).path.unlink()
    assert again.ask("GET", "/admin/status", shown=old)[0] == 401
    AdminToken(again.folder).make()
    assert again.token != old
    assert again.ask("GET", "/admin/status", shown=old)[0] == 401
    assert again.ask("GET", "/admin/status", shown=again.token)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/admin/kill", None, 400),
        ("POST", "/admin/kill", b"{", 400),
        ("POST", "/admin/kill", b"\xff", 400),
        ("POST", "/admin/kill", b"[" * 10_000, 422),
        ("POST", "/admin/kill", b'{"on": true, "reason": ' + b"[" * 10_000, 422),
        ("POST", "/admin/kill", b"{}", 422),
        ("POST", "/admin/kill", b'{"on": "yes"}', 422),
        ("POST", "/admin/kill", b'{"on": true, "resaon": "typing"}', 422),
        ("POST", "/admin/kill", b'{"on": true, "reason": "' + b"x" * 20_000 + b'"}', 413),
        ("POST", "/admin/reload", b'{"on": true}', 422),
        ("GET", "/admin/kill", None, 405),
        ("GET", "/admin/audit?last=-1", None, 422),
        ("GET", "/admin/audit?last=10001", None, 422),
        ("GET", "/admin/audit?last=%C2%B2", None, 422),
        ("GET", "/admin/unknown", None, 404),
    ],
)
def test_what_is_no_order_changes_nothing(shared, method, path, body, status):
    told, headers, said = shared.ask(method, path, body=body, shown=shared.token)
    assert told == status
    assert headers["content-type"] == "application/problem+json"
    assert said["hint"]
    assert shared.control().generation == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One keeper for all tests that give no order."""
    folder = tmp_path_factory.mktemp("admin")
    (folder / "seatrial.toml").write_text('[model]\nload = "m:m"\n')
    stderr = folder / "stderr"
    command = [sys.executable, "-m", "seatrial.serve.keeper", str(folder), "--admin-port", "0"]
    with stderr.open("w") as out:
        process = subprocess.Popen(command, stderr=out)
    try:
        wait_for(lambda: '"admin-ready"' in stderr.read_text(), process)
        yield Keeper(folder, process, stderr)
    finally:
        process.kill()
        process.wait()


def test_nobody_holds_a_connection_for_long(tmp_path, monkeypatch):
    """Half a header, then silence."""
    monkeypatch.setattr(admin_server, "CONNECTION_MAX_S", 0.1)
    ControlPlaces.of(tmp_path).make()
    server = admin_server.AdminServer(lambda *_: None, folder=tmp_path, host="127.0.0.1", port=0)
    server.start()
    try:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
            silent.sendall(b"GET /admin/status HTTP/1.1\r\nHost:")
            assert silent.recv(100) == b""
    finally:
        server.stop()


def test_sealing_goes_on_where_the_port_is_taken(keeper):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = keeper("--admin-port", str(taken.getsockname()[1]), listens=False)
        wait_for(lambda: '"no-admin"' in running.stderr.read_text(), running.process)
    assert not ControlPlaces.of(running.folder).admin_address.exists()
    running.process.terminate()
    assert running.process.wait(60) == 0


def test_only_this_machine_reaches_the_port_unless_that_was_asked_for(tmp_path):
    prepare(tmp_path, ServingSettings())
    with pytest.raises(SettingsError, match="other machines"):
        prepare(tmp_path, ServingSettings(admin_host="0.0.0.0"))
    prepare(tmp_path, ServingSettings(admin_host="0.0.0.0", admin_public=True))


def test_a_public_port_needs_a_token_that_somebody_made_on_purpose(tmp_path):
    public = ServingSettings(admin_host="0.0.0.0", admin_public=True)
    with pytest.raises(SettingsError, match="without a token"):
        prepare(tmp_path, public)
    file = KeyFile(tmp_path)
    file.create(Terms(), now=SYSTEM.utc())
    with pytest.raises(SettingsError, match="without a token"):
        prepare(tmp_path, public)
    file.create(Terms(scopes=("admin",)), now=SYSTEM.utc())
    prepare(tmp_path, public)


@pytest.mark.parametrize("harm", ["readable by others", "short"])
def test_a_token_that_others_may_know_is_not_used(tmp_path, harm):
    token = AdminToken(tmp_path)
    token.make()
    shown = token.path.read_bytes().strip()
    assert token.matches(shown)
    if harm == "short":
        token.path.write_bytes(b"admin\n")
        shown = b"admin"
    else:
        token.path.chmod(0o644)
    assert not token.matches(shown)
    with pytest.raises(EnvironmentMismatchError, match="Remove it"):
        prepare(tmp_path, ServingSettings())


def test_addresses_that_only_look_like_loopback_are_none():
    told = {host: is_loopback(host) for host in ("127.8.8.8", "localhost", "::", "10.0.0.1", "x y")}
    assert told == {
        "127.8.8.8": True,
        "localhost": True,
        "::": False,
        "10.0.0.1": False,
        "x y": False,
    }


def test_the_review_page_stands_beside_the_admin_api(keeper):
    running = keeper()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", "/review")
    response = connection.getresponse()
    assert (response.status, response.getheader("content-type")) == (
        200,
        "text/html; charset=utf-8",
    )
    assert b"review.js" in response.read()
    connection.close()
    question = "/review/api/question"
    assert running.ask("GET", question)[0] == 401
    _, review = KeyFile(running.folder).create(Terms(scopes=("review",)), now=SYSTEM.utc())
    for shown in (running.token, review):
        status, headers, asked = running.ask("GET", question, shown=shown)
        assert (status, asked["name"]) == (200, "model")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert running.ask("POST", "/admin/kill", {"on": True}, shown=review)[0] == 403
    assert not running.control().killed
