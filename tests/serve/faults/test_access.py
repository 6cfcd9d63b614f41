"""Whoever may not: on the port for predictions and on that for administration (S1)."""

from __future__ import annotations

import json
from datetime import timedelta
from http.client import HTTPConnection

from seatrial.core.clock import SYSTEM
from seatrial.releases.control import Control
from seatrial.releases.places import ControlPlaces
from seatrial.serve.audit import AuditLog
from seatrial.serve.keyfile import KeyFile, Terms
from seatrial.serve.keys import WRONG_BURST

VARYING = {"date", "x-request-id", "traceparent", "server-timing"}


def keys(folder):
    """One valid key and others that are not, by what is wrong with them."""
    file, now = KeyFile(folder), SYSTEM.utc()
    _, valid = file.create(Terms(), now=now)
    _, expired = file.create(Terms(expires=now - timedelta(days=1)), now=now)
    key, revoked = file.create(Terms(), now=now)
    file.revoke(key.id, now=now)
    other = "a" if valid[-1] != "a" else "b"
    wrong = {
        "expired": expired,
        "revoked": revoked,
        "last letter": valid[:-1] + other,
        "longer": valid + "x",
        "shorter": valid[:-1],
        "no secret": valid[: valid.rindex("_") + 1],
        "unknown id": "pk_zzzzzzzz_" + valid.rpartition("_")[2],
        "nonsense": "x",
        "endless": "x" * 5_000,
        "no ASCII": "pk_\xe9_\xff",
    }
    return valid, wrong


def seen(answer):
    """What a caller can tell one refusal from another by."""
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    return answer.status, headers, {**answer.json, "instance": ""}


def test_fault_S1_every_key_that_is_not_valid_is_refused_in_the_same_words(faulty):
    """Missing, wrong, nearly right, expired, revoked: nothing tells which, and nothing is run."""
    model = faulty("--workers", "1")
    valid, wrong = keys(model.server.folder)
    model.server.eventually(lambda: model.server.predict("a").status == 401)
    ran = len(model.calls())
    refusals = {"none": seen(model.server.predict("a"))}
    for what, shown in wrong.items():
        bearer = {"Authorization": f"Bearer {shown}"}
        refusals[what] = seen(model.server.predict("a", headers=bearer))
    for what in ("expired", "last letter", "nonsense"):
        named = seen(model.server.predict("a", headers={"X-API-Key": wrong[what]}))
        refusals[f"{what}, other header"] = named
    assert len(refusals) < WRONG_BURST
    first = refusals["none"]
    assert first[0] == 401
    assert {what: told for what, told in refusals.items() if told != first} == {}
    assert len(model.calls()) == ran
    good = {"Authorization": f"Bearer {valid}"}
    assert model.server.predict("a", headers=good).status == 200
    written = b"".join(
        path.read_bytes() for path in (model.server.folder / ".seatrial").rglob("*.ndjson")
    )
    for secret in (valid, *wrong.values()):
        if len(secret) > len("nonsense"):
            assert secret.encode("latin-1") not in written


def test_fault_S1_who_guesses_keys_is_slowed_and_nobody_else_is(faulty):
    model = faulty("--workers", "1")
    valid, _ = keys(model.server.folder)
    good = {"X-API-Key": valid}
    model.server.eventually(lambda: model.server.predict("a").status == 401)
    told = []
    while 429 not in told:
        assert len(told) < 10 * WRONG_BURST
        answer = model.server.predict("a", headers={"X-API-Key": f"guess {len(told)}"})
        told.append(answer.status)
    assert set(told[:-1]) == {401}
    assert int(answer.headers["retry-after"]) >= 1
    assert [model.server.predict(f"row {n}", headers=good).status for n in range(10)] == [200] * 10


class Admin:
    """The admin port of a running server."""

    def __init__(self, server):
        self.places = ControlPlaces.of(server.folder)
        server.eventually(self.places.admin_address.exists, limit_s=60)
        url = json.loads(self.places.admin_address.read_bytes())["url"]
        self.port = int(url.rpartition(":")[2])
        self.read = server.read

    @property
    def token(self):
        return self.places.admin_token.read_text().strip()

    def ask(self, method, path, *, shown=None):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
        try:
            connection.request(method, path, b'{"on": true}', headers)
            return self.read(connection)
        finally:
            connection.close()


def test_fault_S1_the_admin_port_gives_nothing_to_whoever_lacks_the_token(faulty):
    """Each try is in the audit log; no order is given; routes that exist and not look alike."""
    model = faulty("--workers", "1", "--keeper", "--admin-port", "0")
    server = model.server
    admin = Admin(server)
    valid, wrong = keys(server.folder)
    token = admin.token
    nearly = token[:-1] + ("a" if token[-1] != "a" else "b")
    shown = [None, "", nearly, token + "x", wrong["revoked"], wrong["expired"], "x"]
    routes = ["/admin/kill", "/admin/status", "/admin/none", "/", "/predict"]
    tries = [(one, routes[number % len(routes)]) for number, one in enumerate(shown)]
    refusals = [seen(admin.ask("POST", route, shown=one)) for one, route in tries]
    assert refusals[0][0] == 401
    assert all(told == refusals[0] for told in refusals)
    assert admin.ask("POST", "/admin/kill", shown=valid).status == 403
    assert not Control(server.folder).read().killed
    audit = AuditLog(server.folder).read()
    assert [row.outcome for row in audit.rows] == ["unauthorized"] * len(shown) + ["forbidden"]
    assert audit.broken_at is None
    text = admin.places.audit.read_text()
    assert not any(one in text for one in (token, nearly, valid, *wrong.values()) if len(one) > 8)
    assert admin.ask("POST", "/admin/kill", shown=token).status == 200
    good = {"X-API-Key": valid}
    server.eventually(
        lambda: server.predict("a", headers=good).json.get("code") == "killed", limit_s=60
    )
    assert AuditLog(server.folder).read().rows[-1].outcome == "done"


def test_fault_S1_the_port_for_predictions_knows_no_orders(faulty):
    """Whatever is shown there."""
    model = faulty("--workers", "1", "--keeper", "--admin-port", "0")
    token = Admin(model.server).token
    for shown in ({}, {"Authorization": f"Bearer {token}"}):
        for route in ("/admin/kill", "/admin/status", "/admin/drain"):
            answer = model.server.ask("POST", route, b'{"on": true}', shown)
            assert answer.status in {401, 404}
    assert Control(model.server.folder).read().generation == 0
    assert model.server.predict("a").status == 200
