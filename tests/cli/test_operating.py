"""What an operator orders holds, is shown, and says so when it cannot be had."""

import json
import os

import pytest

from seatrial.releases.control import Control
from seatrial.releases.places import ControlPlaces
from seatrial.serve.audit import AuditLog
from seatrial.serve.keys import Keyring
from seatrial.testing.service import serving


def test_kill_holds_until_it_is_taken_back(folder, seatrial):
    assert seatrial("kill", "status", folder).out == "on\n"
    ended = seatrial("kill", "on", folder, "--reason", "wrong\nrefunds")
    assert ended.status == 0
    assert ended.out.startswith("killed: no model call starts, since 2")
    assert ended.out.endswith(": wrong refunds\n")
    assert Control(folder).read().killed
    told = json.loads(seatrial("kill", "status", folder, "--json").out)
    assert (told["killed"], told["reason"], told["generation"]) == (True, "wrong\nrefunds", 1)
    assert seatrial("kill", "off", folder).out.startswith("on, since")
    rows = AuditLog(folder).read().rows
    assert [(row.action, row.reason) for row in rows] == [
        ("kill-on", "wrong\nrefunds"),
        ("kill-off", ""),
    ]
    assert rows[0].by.endswith(", command line")


def test_fault_K1_the_switch_needs_no_settings_that_can_be_read(folder, seatrial):
    (folder / "seatrial.toml").write_text("not = toml = at all")
    assert seatrial("kill", "on", folder).status == 0
    assert Control(folder).read().killed


@pytest.mark.parametrize(
    "told", [("kill", "on"), ("keys", "create"), ("keys", "list"), ("status",)]
)
def test_an_order_for_a_folder_that_is_not_served_is_refused(tmp_path, seatrial, told):
    ended = seatrial(*told, tmp_path)
    assert ended.status == 2
    assert "holds no seatrial.toml" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_an_order_that_could_not_be_written_is_an_error(folder, seatrial):
    (folder / ".seatrial").write_text("in the way")
    ended = seatrial("kill", "on", folder)
    assert ended.status == 3
    assert "not taken" in ended.err


def test_a_kill_holds_even_where_it_cannot_be_audited(folder, seatrial):
    ControlPlaces.of(folder).audit.mkdir(parents=True)
    ended = seatrial("kill", "on", folder)
    assert ended.status == 0
    assert "not in the audit log" in ended.err
    assert Control(folder).read().killed


def test_a_key_is_shown_once(folder, seatrial):
    made = seatrial("keys", "create", folder, "--name", "shop", "--rate", "5", "--expires", "30")
    secret = made.out.strip()
    assert made.status == 0
    caller = Keyring(folder).identify({b"x-api-key": secret.encode()})
    assert caller.name == "shop"
    listed = seatrial("keys", "list", folder)
    assert caller.id in listed.out
    assert "valid" in listed.out
    told = json.loads(seatrial("keys", "list", folder, "--json").out)
    assert told[0]["requests_per_s"] == 5
    shown = listed.out + repr(told) + repr(AuditLog(folder).read())
    assert secret not in shown
    assert secret.split("_")[2] not in shown


def test_a_key_is_replaced_and_revoked(folder, seatrial):
    first = json.loads(seatrial("keys", "create", folder, "--scope", "admin", "--json").out)
    assert first["secret"].startswith("ak_")
    second = json.loads(
        seatrial("keys", "create", folder, "--replace", first["id"], "--overlap", "1", "--json").out
    )
    assert second["scopes"] == ["admin"]
    ended = seatrial("keys", "revoke", folder, second["id"])
    assert ended.out == f"key {second['id']} is revoked\n"
    ring = Keyring(folder)
    assert ring.match(first["secret"].encode()) is not None
    assert ring.match(second["secret"].encode()) is None
    actions = [row.action for row in AuditLog(folder).read().rows]
    assert actions == ["key-create", "key-replace", "key-revoke"]
    unknown = seatrial("keys", "revoke", folder, "nobody")
    assert unknown.status == 2
    assert first["id"] in unknown.err


def test_without_keys_the_list_says_what_that_means(folder, seatrial):
    assert seatrial("keys", "list", folder).out == "no keys: everybody is answered\n"
    assert seatrial("keys", "list", folder, "--json").out.strip() == "[]"


def test_status_of_a_folder(folder, seatrial):
    seatrial("kill", "on", folder, "--reason", "why")
    key = json.loads(seatrial("keys", "create", folder, "--json").out)
    seatrial("keys", "create", folder)
    seatrial("keys", "revoke", folder, key["id"])
    told = json.loads(seatrial("status", folder, "--json").out)
    assert told["control"]["killed"]
    assert told["keys"] == {"revoked": 1, "valid": 1}
    assert (told["audit_rows"], told["audit_broken_at"], told["admin"]) == (4, None, None)
    assert told["segments"] == {"open": 0, "closed": 0, "sealed": 0, "quarantine": 0}
    lines = seatrial("status", folder).out.splitlines()
    assert lines[0].startswith("answering    killed")
    assert lines[1] == "keys         revoked 1, valid 1"
    assert lines[2] == "admin API    not served"


def test_status_shows_an_admin_api_only_while_its_keeper_lives(folder, seatrial):
    places = ControlPlaces.of(folder)
    places.make()
    address = {"url": "http://127.0.0.1:9", "pid": os.getpid()}
    places.admin_address.write_text(json.dumps(address))
    assert json.loads(seatrial("status", folder, "--json").out)["admin"] == address
    places.admin_address.write_text(json.dumps({**address, "pid": 2**22 + 1}))
    assert json.loads(seatrial("status", folder, "--json").out)["admin"] is None


def test_status_of_a_server(seatrial):
    def route(path, document, headers):
        told = {"state": "ready", "degraded": False, "workers": {"ready": 2, "wanted": 2}}
        return (200, told) if path == "/status" else (404, {})

    with serving(route) as url:
        assert json.loads(seatrial("status", "--url", url, "--json").out)["state"] == "ready"
        assert seatrial("status", "--url", url + "/").out.splitlines() == [
            "state        ready",
            "degraded     false",
            "workers      ready 2, wanted 2",
        ]
        ended = seatrial("status", "--url", url + "/elsewhere")
        assert ended.status == 3
        assert "it answers 404" in ended.err
    with serving(lambda *_: (200, b"not json")) as url:
        assert seatrial("status", "--url", url).status == 3
    ended = seatrial("status", "--url", url)
    assert ended.status == 3
    assert "Connection refused" in ended.err
    assert seatrial("status", "--url", "no url").status == 3
