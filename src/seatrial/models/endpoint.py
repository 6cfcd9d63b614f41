"""One HTTP endpoint, asked with JSON over connections that are kept open.

No redirect is followed and no proxy is read from the environment: what is measured is the service
that was named. Values of secret headers appear in no message.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from seatrial.core.errors import (
    DeadlineExceededError,
    OutputContractError,
    SettingsError,
    UnreachableError,
)
from seatrial.models.refusals import quoted, refusal

READ_BYTES: Final = 1 << 16
RESPONSE_MAX_BYTES: Final = 256 << 20
"""A response larger than this is no answer to a batch; reading on would only fill the memory."""


class Endpoint:
    """Keeps connections to one URL and exchanges JSON documents over them.

    Args:
        url: ``http://`` or ``https://``, without credentials.
        headers: Sent with every request; their values are treated as secrets.
        timeout_s: Longest wait for one whole exchange.

    Raises:
        SettingsError: The URL cannot be asked.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 30.0
    ) -> None:
        self._parts = split(url)
        self.url = shown(self._parts)
        self.headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def at(self, path: str) -> Endpoint:
        """Return the endpoint of another path on the same server."""
        url = self._parts._replace(path=path).geturl()
        return Endpoint(url, headers=self.headers, timeout_s=self._timeout_s)

    @property
    def full_url(self) -> str:
        """The URL as it is asked, with its query."""
        return self._parts.geturl()

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self._parts.path

    def post(self, document: Any) -> Any:
        """Send a JSON document and return the one that comes back.

        Raises:
            UnreachableError: No connection, or it broke.
            DeadlineExceededError: No complete answer within the time limit.
            OverloadedError: The server said that it is full.
            ModelRaisedError: The server answered with another error.
            OutputContractError: The answer is not JSON.
        """
        try:
            body = msgspec.json.encode(document)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise OutputContractError(
                f"the inputs cannot be sent as JSON: {error}.", hint="Send plain values."
            ) from None
        return self._exchange("POST", body)

    def get(self) -> Any:
        """Return the JSON document at this URL; raises as :meth:`post`."""
        return self._exchange("GET", None)

    def close(self) -> None:
        """Close the connections that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(self, method: str, body: bytes | None) -> Any:
        deadline = time.monotonic() + self._timeout_s
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                return self._over(connection, method, body, deadline=deadline)
            except UnreachableError as error:
                # A server may close an idle connection at any moment; that says nothing about
                # this request, so it gets a new connection, once.
                if "status" in error.details:
                    raise
        return self._over(self._connection(), method, body, deadline=deadline)

    def _over(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        body: bytes | None,
        *,
        deadline: float,
    ) -> Any:
        try:
            self._limit(connection, deadline)
            connection.request(method, self._target(), body=body, headers=self._all_headers(body))
            self._limit(connection, deadline)
            response = connection.getresponse()
            content = self._read(connection, response, deadline)
        except TimeoutError:
            connection.close()
            raise DeadlineExceededError(
                f"{self.url} gave no complete answer within {self._timeout_s:g} s.",
                hint="Raise endpoint.timeout_s, or find out what it waits for.",
            ) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            connection.close()
            raise UnreachableError(
                f"{self.url} cannot be reached: {type(error).__name__}: {error}",
                hint="Check that the service runs and that the URL is right.",
            ) from None
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        return self._document(response, content)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)

    def _limit(self, connection: http.client.HTTPConnection, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.timeout = left
        if connection.sock is not None:
            connection.sock.settimeout(left)

    def _read(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        deadline: float,
    ) -> bytes:
        content = bytearray()
        while True:
            self._limit(connection, deadline)
            part = response.read1(READ_BYTES)
            if not part:
                break
            content += part
            if len(content) > RESPONSE_MAX_BYTES:
                raise OutputContractError(
                    f"{self.url} sends more than {RESPONSE_MAX_BYTES >> 20} MiB for one batch.",
                    hint="Check that this is the endpoint that answers predictions.",
                )
        if response.length:
            raise http.client.IncompleteRead(bytes(content), response.length)
        response.close()  # read1 leaves it open, and the connection with it unusable
        return bytes(content)

    def _target(self) -> str:
        path = self._parts.path or "/"
        return f"{path}?{self._parts.query}" if self._parts.query else path

    def _all_headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "seatrial"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return headers | self.headers

    def _document(self, response: http.client.HTTPResponse, content: bytes) -> Any:
        status = response.status
        if 200 <= status < 300:  # noqa: PLR2004
            return self._json(content)
        if 300 <= status < 400:  # noqa: PLR2004
            raise UnreachableError(
                f"{self.url} answered {status}, a redirect to {response.headers.get('Location')}.",
                hint="Redirects are not followed; give the final URL.",
                details={"status": status},
            )
        raise refusal(self.url, status, self._redacted(content))

    def _json(self, content: bytes) -> Any:
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            # Python's own reader accepts NaN and Infinity, which the contract check then names.
            return json.loads(content)
        except (ValueError, RecursionError):
            said = quoted(self._redacted(content))
            raise OutputContractError(
                f"{self.url} answered something that is not JSON: {said}",
                hint="Check that this is the endpoint that answers predictions.",
            ) from None

    def _redacted(self, content: bytes) -> bytes:
        for secret in self.headers.values():
            if secret:
                content = content.replace(secret.encode(), b"***")
        return content


def split(url: str) -> SplitResult:
    """Return the parts of a URL that can be asked.

    Raises:
        SettingsError: Another scheme, no host, or credentials in it.
    """
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        port_ok, parts = False, SplitResult("", "", "", "", "")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok:
        raise SettingsError(
            f"the URL {url!r} cannot be asked; accepted is http://HOST[:PORT][/PATH] or https://….",
            hint="For example: http://127.0.0.1:8000/predict",
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"the URL of {parts.hostname} holds credentials; they would end up in reports.",
            hint="Put them in a variable and name it in [endpoint.header_env].",
        )
    return parts._replace(fragment="")


def shown(parts: SplitResult) -> str:
    """Return a URL for messages: without its query, which may hold keys."""
    return parts._replace(query="").geturl()
