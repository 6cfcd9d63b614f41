"""What request headers say of the body and of the caller's patience."""

from __future__ import annotations

import math
from collections.abc import Mapping

from seatrial.core.errors import InputError

JSON = b"application/json"

TIMEOUT_MAX_S = 600.0
"""Longest deadline a caller may ask for: a request that waits longer has been forgotten."""

MS = 1000.0


def check_media_type(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that says it is something else than JSON; saying nothing is fine.

    Raises:
        InputError: Another media type or an encoding.

    >>> check_media_type({b"content-type": b"application/json; charset=utf-8"})
    """
    if (encoding := headers.get(b"content-encoding")) is not None:
        _check_encoding(encoding.strip().lower())
    kind = headers.get(b"content-type")
    if kind is None or kind == JSON:
        return
    kind = kind.partition(b";")[0].strip().lower()
    if kind not in {JSON, b"text/json", b""} and not kind.endswith(b"+json"):
        raise unsupported(f"content-type {shown(kind)}; accepted is application/json")


def timeout_s(headers: Mapping[bytes, bytes]) -> float | None:
    """Return how long the caller waits; ``None`` where they do not say.

    Raises:
        InputError: ``X-Request-Timeout-Ms`` is no number above 0.

    >>> timeout_s({b"x-request-timeout-ms": b"250"}), timeout_s({})
    (0.25, None)
    """
    said = headers.get(b"x-request-timeout-ms")
    if said is None:
        return None
    try:
        asked_ms = math.nan if b"_" in said else float(said)  # 1_000 is Python's, not a number
    except ValueError:
        asked_ms = math.nan
    if not asked_ms > 0:
        raise InputError(
            f"X-Request-Timeout-Ms is {shown(said)}; accepted is a number of milliseconds above 0.",
            hint="For example: X-Request-Timeout-Ms: 500",
        )
    return min(asked_ms / MS, TIMEOUT_MAX_S)


def unsupported(what: str) -> InputError:
    """Build the error for a body in a form that is not taken; status 415."""
    return InputError(
        f"received {what}.",
        hint="Send plain JSON, with the header Content-Type: application/json",
        details={"http_status": 415},
    )


def shown(value: bytes) -> str:
    """Return the start of a header as it may be repeated in a message.

    >>> shown(b"soon")
    "'soon'"
    """
    return repr(value[:100].decode("latin-1"))


def _check_encoding(encoding: bytes) -> None:
    if encoding not in {b"identity", b""}:
        raise unsupported(f"content-encoding {shown(encoding)}; accepted is none")
