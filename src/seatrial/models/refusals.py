"""What a service means by a response that is no answer: one of our errors, in its own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seatrial.core.errors import (
    DeadlineExceededError,
    ModelRaisedError,
    OverloadedError,
    SeatrialError,
    from_wire,
    tree,
)

SHOWN: Final = 200
"""Characters of a server's own message that are repeated in ours."""

_OVERLOADED: Final = frozenset({429, 503})
_TIMED_OUT: Final = frozenset({408, 504})
_HINTS: Final = {
    401: "It wants credentials: name the variable that holds them in [endpoint.header_env].",
    403: "It refuses these credentials: see [endpoint.header_env].",
    404: "Check the path of the URL.",
    405: "Check the path of the URL: it takes no POST.",
    413: "The batch is larger than the service accepts.",
    415: "It does not take JSON.",
    422: "Its input has another shape: describe it with endpoint.body (--body).",
    400: "Its input has another shape: describe it with endpoint.body (--body).",
    429: "It is full: ask more slowly.",
    503: "It is full or not ready: try again later.",
}


def refusal(url: str, status: int, content: bytes) -> SeatrialError:
    """Return the error that a response means which is neither an answer nor a redirect.

    Our own servers are taken at their word; of others the status says which kind it is.

    Args:
        url: Who answered, as it may be shown.
        status: HTTP status.
        content: What came back, without secrets.
    """
    document = _object(content)
    said = quoted(content)
    own = document.get("code")
    if isinstance(own, str) and own in {cls.code for cls in tree().values()} - {"internal"}:
        return from_wire(
            own,
            f"{url} answered {status}: {said}",
            hint=str(document.get("hint") or ""),
            details={"status": status} | _details(document),
        )
    kind: type[SeatrialError] = ModelRaisedError
    if status in _OVERLOADED:
        kind = OverloadedError
    elif status in _TIMED_OUT:
        kind = DeadlineExceededError
    return kind(
        f"{url} answered {status}: {said}",
        hint=_HINTS.get(status, "See the service's own log."),
        details={"status": status} | ({"answer": document} if document else {}),
    )


def quoted(content: bytes) -> str:
    """Return what a server said, shortened."""
    text = message_of(content)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def message_of(content: bytes) -> str:
    """Return what a server's error body says: its message where it has one, on one line.

    >>> message_of(b'{"detail": "no such model"}'), message_of(b"<h1>Bad</h1>")
    ('no such model', '<h1>Bad</h1>')
    """
    found: Any = _object(content)
    for key in ("detail", "message", "error", "title"):
        inner = found.get(key)
        if isinstance(inner, Mapping):
            inner = inner.get("message")
        if inner:
            text = inner if isinstance(inner, str) else json.dumps(inner)
            return " ".join(text.split())
    return " ".join(content.decode("utf-8", "replace").split()) or "nothing"


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _details(document: Mapping[str, Any]) -> dict[str, Any]:
    details = document.get("details")
    return dict(details) if isinstance(details, Mapping) else {}
