"""Pages that the keeper serves on the admin port beside the admin API, each under its name.

They are made by packages that stand above this one, so nothing here imports them: they are named
in :data:`seatrial.core.plugins.consoles`, the door that is also open to anybody else's. A page is
made when it is first asked for, and one that cannot be made leaves the admin API as it is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seatrial.core import plugins
from seatrial.core.errors import (
    EnvironmentMismatchError,
    ForbiddenError,
    SeatrialError,
    UnauthorizedError,
)
from seatrial.core.settings import Settings
from seatrial.serve import problems
from seatrial.serve.events import Events
from seatrial.serve.http import Receive, Scope, Send
from seatrial.serve.keyfile import Scope as KeyScope
from seatrial.serve.keys import Keyring

RETRY_HINT = "The keeper's events say why; the admin API goes on."


class Doorman:
    """Knows who may use a page: whoever shows the token, or a key with the page's scope.

    Args:
        matches: Says whether something shown is the token.
        keyring: Knows the keys.
    """

    def __init__(self, matches: Callable[[bytes], bool], *, keyring: Keyring) -> None:
        self._matches = matches
        self._keyring = keyring

    def identify(self, shown: bytes, *, scope: KeyScope, peer: str) -> str:
        """Return who shows something, as it may be written down.

        Args:
            shown: The token or key, as it came.
            scope: What a key needs; ``admin`` does, too.
            peer: Address of the other side, for counting wrong ones.

        Raises:
            UnauthorizedError: It opens nothing.
            ForbiddenError: It is a key for something else.
            RateLimitedError: This peer showed too many things that open nothing.
        """
        self._keyring.refresh()
        has_token = self._matches(shown)
        caller = self._keyring.match(shown)
        if has_token:
            return "token"
        if caller is not None and caller.scopes & {scope, "admin"}:
            return f"key {caller.id}"
        self._keyring.count_wrong(peer)
        raise (UnauthorizedError if caller is None else ForbiddenError)(
            f"this needs a token or a key with the scope {scope}, and none was shown.",
            hint=f"Make one with: seatrial keys create --scope {scope}",
        )


class Consoles:
    """The ASGI application of the admin port: the admin API, and every page under its name.

    Args:
        admin: Answers what belongs to no page.
        folder: The project folder.
        log_folder: Whose log is shown.
        settings: The folder's.
        doorman: Knows who may use the pages.
        events: Told of a page that cannot be made.
    """

    def __init__(
        self,
        admin: Any,
        *,
        folder: Path,
        log_folder: Path,
        settings: Settings,
        doorman: Doorman,
        events: Events,
    ) -> None:
        self._admin = admin
        self._folder = folder
        self._log_folder = log_folder
        self._settings = settings
        self._doorman = doorman
        self._events = events
        self._pages: dict[str, asyncio.Future[Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        if name == "admin" or name not in plugins.consoles:
            await self._admin(scope, receive, send)
            return
        try:
            page = await self._page(name)
        except SeatrialError as error:
            body = problems.document(error, request=secrets.token_hex(8), release="")
            head = {"type": "http.response.start", "status": problems.status_of(error)}
            await send({**head, "headers": problems.headers(error)})
            await send({"type": "http.response.body", "body": body})
            return
        await page(scope, receive, send)

    async def _page(self, name: str) -> Any:
        """Return a page, made in another thread so that a kill need not wait for it."""
        if name not in self._pages:
            loop = asyncio.get_running_loop()
            self._pages[name] = loop.run_in_executor(None, self._make, name)
        try:
            return await asyncio.shield(self._pages[name])
        except SeatrialError as error:
            self._pages.pop(name, None)
            self._events.say("no-page", {"page": name, "message": str(error)})
            raise

    def _make(self, name: str) -> Any:
        try:
            make = plugins.consoles.get(name)
            return make(
                self._folder,
                log_folder=self._log_folder,
                settings=self._settings,
                identify=self._doorman.identify,
            )
        except SeatrialError:
            raise
        except Exception as error:
            # The edge of a plug-in: whatever is wrong with it must not reach the kill switch.
            raise EnvironmentMismatchError(
                f"the page {name} cannot be made: {type(error).__name__}: {error}.",
                hint=RETRY_HINT,
            ) from error
