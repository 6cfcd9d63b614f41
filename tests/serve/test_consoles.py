"""Pages stand on the admin port beside the admin API, and can do it no harm."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from seatrial.core import plugins
from seatrial.core.clock import SYSTEM
from seatrial.core.errors import ForbiddenError, RateLimitedError, UnauthorizedError
from seatrial.core.settings import Settings
from seatrial.serve.consoles import Consoles, Doorman
from seatrial.serve.events import Events
from seatrial.serve.keyfile import KeyFile, Terms
from seatrial.serve.keys import WRONG_BURST, Keyring


class Answer:
    """An ASGI application that says who it is."""

    def __init__(self, name):
        self.name = name

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.name.encode()})


@pytest.fixture
def doorman(tmp_path):
    return Doorman(lambda shown: shown == b"the token", keyring=Keyring(tmp_path))


@pytest.fixture
def registered(monkeypatch):
    """Register pages for one test."""

    def register(name, page):
        monkeypatch.setitem(plugins.consoles._entries, name, page)

    return register


@pytest.fixture
def consoles(tmp_path, doorman):
    said = io.StringIO()
    made = Consoles(
        Answer("admin"),
        folder=tmp_path,
        log_folder=tmp_path / "log",
        settings=Settings(),
        doorman=doorman,
        events=Events(said),
    )
    made.said = said
    return made


def ask(app, *paths):
    async def run():
        answers = []
        for path in paths:
            sent = []

            async def send(message, sent=sent):
                sent.append(message)

            await app({"type": "http", "path": path, "headers": []}, None, send)
            answers.append((sent[0]["status"], sent[1]["body"]))
        return answers

    return asyncio.run(run())


def test_a_page_is_made_once_when_it_is_first_asked_for(consoles, registered, tmp_path):
    made = []

    def console(folder, **given):
        made.append((folder, given["log_folder"], given["settings"]))
        assert given["identify"](b"the token", scope="review", peer="") == "token"
        return Answer("page")

    registered("notes", console)
    assert ask(consoles, "/admin/status") == [(200, b"admin")]
    assert made == []
    assert ask(consoles, "/notes", "/notes/api/x", "/notebook", "/", "") == [
        (200, b"page"),
        (200, b"page"),
        (200, b"admin"),
        (200, b"admin"),
        (200, b"admin"),
    ]
    assert made == [(tmp_path, tmp_path / "log", Settings())]


def test_no_page_can_take_the_place_of_the_admin_api(consoles, registered):
    registered("admin", lambda *_, **__: Answer("thief"))
    assert ask(consoles, "/admin/kill") == [(200, b"admin")]


def test_a_page_that_cannot_be_made_is_tried_again_and_the_admin_api_goes_on(consoles, registered):
    tries = []

    def console(folder, **given):
        tries.append(folder)
        if len(tries) == 1:
            raise ZeroDivisionError("odd")
        return Answer("page")

    registered("notes", console)
    (first, admin, second) = ask(consoles, "/notes", "/admin/status", "/notes")
    assert first[0] == 500
    assert "ZeroDivisionError: odd" in json.loads(first[1])["detail"]
    assert (admin, second) == ((200, b"admin"), (200, b"page"))
    assert '"no-page"' in consoles.said.getvalue()


def test_the_doorman_knows_the_token_and_the_keys_of_a_page(doorman, tmp_path):
    file, now = KeyFile(tmp_path), SYSTEM.utc()
    assert doorman.identify(b"the token", scope="review", peer="") == "token"
    for scope in ("review", "admin"):
        key, secret = file.create(Terms(scopes=(scope,)), now=now)
        assert doorman.identify(secret.encode(), scope="review", peer="") == f"key {key.id}"
    _, other = file.create(Terms(), now=now)
    with pytest.raises(ForbiddenError, match="scope review"):
        doorman.identify(other.encode(), scope="review", peer="")
    with pytest.raises(UnauthorizedError, match="none was shown"):
        doorman.identify(b"", scope="review", peer="")


def test_guessing_is_slowed_down(doorman):
    refused = []
    for _ in range(WRONG_BURST + 5):
        with pytest.raises((UnauthorizedError, RateLimitedError)) as error:
            doorman.identify(b"guess", scope="review", peer="10.0.0.1")
        refused.append(error.type)
    assert refused[-1] is RateLimitedError
    assert doorman.identify(b"the token", scope="review", peer="10.0.0.1") == "token"
