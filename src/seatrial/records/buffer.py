"""Rows in memory while the disk refuses them: bounded, and what is let go is counted."""

from __future__ import annotations

from collections import deque


class Buffer:
    """Lines that wait for the disk, by append: the newest are kept, the rest counted.

    >>> waiting = Buffer(10)
    >>> waiting.push([b"12345678"]); waiting.push([b"12", b"34"])
    >>> waiting.count, waiting.dropped
    (2, 1)
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: deque[list[bytes]] = deque()
        self._size_bytes = 0
        self.count = 0
        self.dropped = 0
        self.untold = 0

    def push(self, encoded: list[bytes]) -> None:
        """Keep the lines of one append, letting the oldest go where there is no room."""
        self._waiting.append(encoded)
        self._account(encoded, 1)
        while self._size_bytes > self._max_bytes:
            self.drop(len(self.pop()))

    def pop(self) -> list[bytes]:
        """Remove and return the oldest append; nothing where none waits."""
        if not self._waiting:
            return []
        encoded = self._waiting.popleft()
        self._account(encoded, -1)
        return encoded

    def put_back(self, encoded: list[bytes]) -> None:
        """Let lines wait again, before all others."""
        self._waiting.appendleft(encoded)
        self._account(encoded, 1)

    def drop(self, count: int) -> None:
        """Count lines that were let go."""
        self.dropped += count
        self.untold += count

    def _account(self, encoded: list[bytes], sign: int) -> None:
        self._size_bytes += sign * sum(map(len, encoded))
        self.count += sign * len(encoded)
