"""Connections that end after a while: for ports where few callers say little."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class ShortLived(H11Protocol):
    """uvicorn's own protocol, which alone would wait for ever for the rest of a header.

    Args:
        seconds: How long a connection lasts.
        arguments: What uvicorn gives.
        named: What uvicorn gives by name.
    """

    def __init__(self, seconds: float, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds = seconds
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to count."""
        super().connection_made(transport)
        self._end = self.loop.call_later(self._seconds, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)
