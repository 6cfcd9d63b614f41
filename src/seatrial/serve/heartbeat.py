"""What is looked at again and again, on one timer: an idle server should hardly wake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct


class Beat(Struct, frozen=True):
    """Something that is looked at every so many turns.

    Attributes:
        turns: 1 for every turn.
        look: Looks; quick, and never raises.
    """

    turns: int
    look: Callable[[], None]


class Heartbeat:
    """Calls beats.

    Args:
        every_s: Seconds of a turn.
        beats: What is called.
        on_error: Told of a look that failed; it is tried again at its next turn.

    >>> seen = []
    >>> beats = [Beat(1, lambda: seen.append("a")), Beat(2, lambda: seen.append("b"))]
    >>> heart = Heartbeat(0.05, beats, on_error=seen.append)
    >>> for _ in range(3):
    ...     heart.turn()
    >>> seen
    ['a', 'a', 'b', 'a']
    """

    def __init__(
        self, every_s: float, beats: Sequence[Beat], *, on_error: Callable[[Exception], None]
    ) -> None:
        self._every_s = every_s
        self._beats = beats
        self._on_error = on_error
        self._turns = 0

    async def run(self) -> None:
        """Turn until cancelled."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def turn() -> None:
            # By a timer and not in a task, which costs an idle server as much again.
            nonlocal timer
            timer = loop.call_later(self._every_s, turn)
            self.turn()

        timer = loop.call_later(self._every_s, turn)
        try:
            await loop.create_future()
        finally:
            timer.cancel()

    def turn(self) -> None:
        """Call what is due."""
        self._turns += 1
        for beat in self._beats:
            if self._turns % beat.turns == 0:
                try:
                    beat.look()
                except Exception as error:  # noqa: BLE001  (one look that fails must not end the others)
                    self._on_error(error)
