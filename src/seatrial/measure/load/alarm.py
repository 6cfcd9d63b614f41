"""Wakes an event loop at a given moment, finer than the loop's own timers.

libuv's timers and epoll's timeouts count whole milliseconds, which would be added to every
latency. On Linux a timerfd wakes the loop through a readable descriptor within tens of
microseconds; elsewhere (kqueue waits in nanoseconds) the loop's own timer serves.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from typing import Protocol

CLOCK_MONOTONIC = 1
NONBLOCK_CLOEXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
SHORTEST_NS = 1_000
"""A timerfd set to zero would be switched off instead of firing at once."""


class Alarm(Protocol):
    """Calls back once per ``arm``."""

    def arm(self, delay_s: float) -> None:
        """Call back in ``delay_s`` seconds; replaces what was armed before."""
        ...

    def close(self) -> None:
        """Never call back again."""
        ...


class LoopAlarm:
    """The loop's own timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, delay_s: float) -> None:
        """Call back in ``delay_s`` seconds."""
        self.close()
        self._handle = self._loop.call_later(max(delay_s, 0.0), self._callback)

    def close(self) -> None:
        """Never call back again."""
        if self._handle is not None:
            self._handle.cancel()


class TimerfdAlarm:
    """A Linux timerfd, through the C library (the standard library has it from 3.13 on)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.timerfd_create(CLOCK_MONOTONIC, NONBLOCK_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        # struct itimerspec: interval (s, ns), then value (s, ns).
        self._spec = (ctypes.c_long * 4)()
        self._loop = loop
        self._callback = callback
        loop.add_reader(self._descriptor, self._fire)

    def arm(self, delay_s: float) -> None:
        """Call back in ``delay_s`` seconds."""
        delay_ns = max(int(delay_s * 1e9), SHORTEST_NS)
        self._spec[2], self._spec[3] = divmod(delay_ns, 1_000_000_000)
        self._libc.timerfd_settime(self._descriptor, 0, self._spec, None)

    def close(self) -> None:
        """Never call back again."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _fire(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:
            return
        self._callback()


def set_up_alarm(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> Alarm:
    """Return the finest alarm of this machine."""
    try:
        return TimerfdAlarm(loop, callback)
    except (OSError, AttributeError):
        # Only Linux has it in its C library.
        return LoopAlarm(loop, callback)
