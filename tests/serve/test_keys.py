"""A key opens what it is for, for as long as it is for, and is nowhere to be read."""

import stat
import threading
from datetime import timedelta

import pytest

from seatrial.core.errors import (
    ForbiddenError,
    RateLimitedError,
    SettingsError,
    UnauthorizedError,
    UnknownNameError,
)
from seatrial.serve import problems
from seatrial.serve.keyfile import KeyFile, Terms
from seatrial.serve.keys import ANYBODY, WRONG_BURST, WRONG_PER_S, Keyring, scope_of
from seatrial.testing.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def file(tmp_path):
    return KeyFile(tmp_path)


def make(file, clock, **terms):
    return file.create(Terms(**terms), now=clock.utc())


def bearer(secret):
    return {b"authorization": b"Bearer " + secret.encode()}


def test_without_keys_everybody_is_answered(tmp_path, clock):
    ring = Keyring(tmp_path, clock=clock)
    assert ring.identify({}) is ANYBODY
    assert ring.identify(bearer("whatever their client always sends")) is ANYBODY
    with pytest.raises(UnauthorizedError):
        ring.identify({}, scope="admin")


def test_keys_can_be_demanded_before_there_are_any(tmp_path, clock):
    ring = Keyring(tmp_path, required=True, clock=clock)
    with pytest.raises(UnauthorizedError):
        ring.identify({})


@pytest.mark.parametrize(
    "headers",
    [
        lambda secret: {b"authorization": b"Bearer " + secret},
        lambda secret: {b"authorization": b"bearer   " + secret + b" "},
        lambda secret: {b"x-api-key": secret},
        lambda secret: {b"authorization": b"Basic dXNlcg==", b"x-api-key": secret},
    ],
)
def test_a_key_is_taken_from_either_header(tmp_path, file, clock, headers):
    key, secret = make(file, clock, name="shop")
    caller = Keyring(tmp_path, clock=clock).identify(headers(secret.encode()))
    assert (caller.id, caller.name, caller.scopes) == (key.id, "shop", {"predict"})


def test_no_key_and_every_wrong_one_look_the_same(tmp_path, file, clock):
    _, secret = make(file, clock)
    gone, withdrawn = make(file, clock)
    file.revoke(gone.id, now=clock.utc())
    _, old = make(file, clock, expires=clock.utc())
    ring = Keyring(tmp_path, clock=clock)
    other = "b" if secret[-1] == "a" else "a"
    wrong = ["", "x", "pk_", secret[:-1], secret[:-1] + other, "ak" + secret[2:], secret + "x"]
    wrong += [withdrawn, old, "x" * 10_000, "pk_00000000_" + secret[12:]]
    said = set()
    for number, shown in enumerate(wrong):
        with pytest.raises(UnauthorizedError) as refused:
            ring.identify(bearer(shown), peer=str(number))
        said.add(problems.document(refused.value, request="1", release="r"))
    with pytest.raises(UnauthorizedError) as refused:
        ring.identify({})
    said.add(problems.document(refused.value, request="1", release="r"))
    assert len(said) == 1
    assert secret.encode() not in said.pop()
    assert (b"www-authenticate", b'Bearer realm="seatrial"') in problems.headers(refused.value)


def test_a_key_does_what_its_scopes_say(tmp_path, file, clock):
    _, predicts = make(file, clock)
    _, administers = make(file, clock, scopes=("admin", "predict"))
    assert predicts.startswith("pk_")
    assert administers.startswith("ak_")
    ring = Keyring(tmp_path, clock=clock)
    with pytest.raises(ForbiddenError):
        ring.identify(bearer(predicts), scope="admin")
    assert ring.identify(bearer(administers), scope="admin").scopes == {"admin", "predict"}


def test_a_key_ends_when_it_expires(tmp_path, file, clock):
    _, secret = make(file, clock, expires=clock.utc() + timedelta(seconds=60))
    ring = Keyring(tmp_path, clock=clock)
    clock.advance(59)
    ring.identify(bearer(secret))
    clock.advance(1)
    with pytest.raises(UnauthorizedError):
        ring.identify(bearer(secret))


def test_changes_of_the_file_are_taken_over(tmp_path, file, clock):
    ring = Keyring(tmp_path, clock=clock)
    assert not ring.refresh()
    key, secret = make(file, clock)
    assert ring.refresh()
    assert ring.identify(bearer(secret)).id == key.id
    with pytest.raises(UnauthorizedError):
        ring.identify({})
    file.revoke(key.id, now=clock.utc())
    assert ring.refresh()
    assert not ring.refresh()
    with pytest.raises(UnauthorizedError):
        ring.identify(bearer(secret))


@pytest.mark.parametrize("harm", ["damaged", "gone", "all revoked"])
def test_a_server_that_asked_for_keys_goes_on_asking(tmp_path, file, clock, harm):
    key, secret = make(file, clock)
    ring = Keyring(tmp_path, clock=clock)
    if harm == "damaged":
        file.path.write_text('{"version": 1, "keys": [{"id"')
    elif harm == "gone":
        file.path.unlink()
    else:
        file.revoke(key.id, now=clock.utc())
    ring.refresh()
    with pytest.raises(UnauthorizedError):
        ring.identify({})
    assert bool(ring.problem) == (harm != "all revoked")
    if harm != "all revoked":
        assert ring.identify(bearer(secret)).id == key.id


def test_a_server_does_not_start_on_a_damaged_file(tmp_path, file, clock):
    make(file, clock)
    file.path.write_text('{"version": 1, "keys": [{"id": "secret-looking"}]}')
    with pytest.raises(SettingsError) as refused:
        Keyring(tmp_path, clock=clock)
    assert "secret-looking" not in str(refused.value)


def test_a_replaced_key_stays_valid_for_the_overlap(tmp_path, file, clock):
    old, secret = make(file, clock, name="shop", scopes=("predict", "review"), concurrency=3)
    new, replacement = file.replace(old.id, overlap=timedelta(hours=1), now=clock.utc())
    assert (new.name, new.scopes, new.concurrency) == ("shop", ["predict", "review"], 3)
    assert new.expires is None
    ring = Keyring(tmp_path, clock=clock)
    assert {ring.identify(bearer(one)).name for one in (secret, replacement)} == {"shop"}
    clock.advance(3600)
    assert ring.identify(bearer(replacement)).id == new.id
    with pytest.raises(UnauthorizedError):
        ring.identify(bearer(secret))


def test_an_overlap_does_not_prolong_a_key(file, clock):
    ends = clock.utc() + timedelta(minutes=1)
    old, _ = make(file, clock, expires=ends)
    file.replace(old.id, overlap=timedelta(hours=1), now=clock.utc())
    assert file.keys()[0].expires == ends


def test_unknown_keys_are_not_revoked_or_replaced(file, clock):
    with pytest.raises(UnknownNameError):
        file.revoke("nobody", now=clock.utc())
    with pytest.raises(UnknownNameError):
        file.replace("nobody", overlap=timedelta(0), now=clock.utc())


def test_the_file_holds_no_secret_and_is_its_owners_alone(file, clock):
    _, secret = make(file, clock)
    text = file.path.read_text()
    assert secret not in text
    assert secret.split("_")[2] not in text
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_folder_that_was_open_to_others_is_closed(file, clock):
    file.path.parent.mkdir(parents=True, mode=0o755)
    make(file, clock)
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_secrets_are_long_and_never_the_same(file, clock):
    secrets = {make(file, clock)[1].split("_")[2] for _ in range(20)}
    assert len(secrets) == 20
    assert all(len(secret) == 32 for secret in secrets)


def test_keys_made_at_one_time_by_several_are_all_kept(file, clock):
    makers = [threading.Thread(target=make, args=(file, clock)) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(file.keys()) == 8
    assert not list(file.path.parent.glob("*.new"))


def test_a_key_asks_no_more_often_than_it_may(tmp_path, file, clock):
    _, secret = make(file, clock, requests_per_s=2.0, burst=3)
    ring = Keyring(tmp_path, clock=clock)
    caller = ring.identify(bearer(secret))
    for _ in range(3):
        ring.enter(caller)
        ring.leave(caller)
    with pytest.raises(RateLimitedError) as refused:
        ring.enter(caller)
    assert (b"retry-after", b"1") in problems.headers(refused.value)
    assert problems.status_of(refused.value) == 429
    clock.advance(0.5)
    ring.enter(caller)


def test_a_key_has_no_more_in_flight_than_it_may(tmp_path, file, clock):
    _, secret = make(file, clock, concurrency=2)
    ring = Keyring(tmp_path, clock=clock)
    caller = ring.identify(bearer(secret))
    ring.enter(caller)
    ring.enter(caller)
    with pytest.raises(RateLimitedError):
        ring.enter(caller)
    ring.leave(caller)
    ring.enter(caller)


def test_limits_survive_that_the_file_is_read_anew(tmp_path, file, clock):
    _, secret = make(file, clock, concurrency=1, requests_per_s=0.001, burst=2)
    ring = Keyring(tmp_path, clock=clock)
    caller = ring.identify(bearer(secret))
    ring.enter(caller)
    make(file, clock)
    assert ring.refresh()
    with pytest.raises(RateLimitedError):
        ring.enter(caller)
    ring.leave(caller)
    ring.enter(caller)
    ring.leave(caller)
    with pytest.raises(RateLimitedError):
        ring.enter(caller)


def test_wrong_keys_are_counted_by_peer_and_never_lock_out_a_right_one(tmp_path, file, clock):
    _, secret = make(file, clock)
    ring = Keyring(tmp_path, clock=clock)

    def shown(peer):
        try:
            ring.identify(bearer("pk_guess"), peer=peer)
        except (UnauthorizedError, RateLimitedError) as error:
            return problems.status_of(error)

    assert [shown("a") for _ in range(WRONG_BURST + 2)] == [401] * WRONG_BURST + [429] * 2
    assert shown("b") == 401
    ring.identify(bearer(secret), peer="a")
    clock.advance(1 / WRONG_PER_S)
    assert [shown("a"), shown("a")] == [401, 429]


def test_probes_need_no_key():
    assert [scope_of(path) for path in ("/livez", "/readyz", "/predict", "/metrics")] == [
        None,
        None,
        "predict",
        "predict",
    ]
