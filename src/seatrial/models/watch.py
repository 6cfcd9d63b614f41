"""Watches the frames of one call, in all of its threads: which line ran how often, and how long."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Final, Literal

from seatrial.models.ownership import is_library, is_watched
from seatrial.models.subject import LineShare

LINES_MAX: Final = 400
"""Rows kept, those with the most seconds first."""

_What = Literal["line", "function", "draws"]
_Key = tuple[str, int, str, _What]  # file, line, function, what


class Watch:
    """The tracer of one call, for all of its threads."""

    def __init__(self, events_max: int) -> None:
        self.stopped = False
        self.overhead_s = 0.0
        self._events_left = events_max
        self._counts: dict[_Key, int] = defaultdict(int)
        self._seconds: dict[_Key, float] = defaultdict(float)
        self._own_seconds: dict[_Key, float] = defaultdict(float)
        self._local = threading.local()
        self._own_thread = threading.get_ident()
        self._before: tuple[Any, Any] = (None, None)

    def __enter__(self) -> None:
        self._before = (sys.gettrace(), threading.gettrace())
        _trace_threads(self._enter_frame)
        sys.settrace(self._enter_frame)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before[0])
        _trace_threads(self._before[1])
        self._events_left = 0

    def lines(self) -> list[LineShare]:
        """Return what was seen, most seconds first."""
        found = [
            LineShare(
                file=key[0],
                line=key[1],
                count=count,
                seconds=self._seconds[key],
                own_seconds=self._own_seconds[key],
                function=key[2],
                what=key[3],
            )
            for key, count in self._counts.items()
        ]
        return sorted(found, key=lambda one: -one.seconds)[:LINES_MAX]

    def drawn(self, frame: FrameType, seconds: float) -> None:
        """Count one input that a frame drew, and the seconds it then spent before the next."""
        if is_watched(frame):
            code = frame.f_code
            key: _Key = (code.co_filename, frame.f_lineno, code.co_qualname, "draws")
            self._counts[key] += 1
            self._seconds[key] += seconds

    def clock_s(self) -> float:
        """Return seconds without the time that watching took in this thread."""
        return time.perf_counter() - self._state().overhead_s

    def _state(self) -> _ThreadState:
        state: _ThreadState | None = getattr(self._local, "state", None)
        if state is None:
            state = self._local.state = _ThreadState()
        return state

    def _enter_frame(self, frame: FrameType, event: str, _: Any) -> Any:
        entered = time.perf_counter()
        state = self._state()
        tracer = None
        if event == "call" and not self._spent():
            tracer = self._begin(frame, state, entered - state.overhead_s)
        self._leave(state, entered)
        return tracer

    def _begin(self, frame: FrameType, state: _ThreadState, now: float) -> Any:
        code = frame.f_code
        if is_watched(frame):
            state.open.append(_OpenLine(None, now))
            return self._in_frame
        if frame.f_back is None or not is_library(frame) or not is_watched(frame.f_back):
            return None
        frame.f_trace_lines = False
        key: _Key = (code.co_filename, code.co_firstlineno, code.co_qualname, "function")
        self._counts[key] += 1
        state.open.append(_OpenLine(key, now))
        return self._in_frame

    def _in_frame(self, frame: FrameType, event: str, _: Any) -> Any:
        entered = time.perf_counter()
        state = self._state()
        if event != "exception" and state.open:
            self._pass(frame, event, state, entered - state.overhead_s)
        self._leave(state, entered)
        return self._in_frame

    def _pass(self, frame: FrameType, event: str, state: _ThreadState, now: float) -> None:
        """Close the line that the frame was at; open the next one, unless it returns."""
        line = state.open[-1]
        if line.key is not None:
            self._seconds[line.key] += now - line.since
            self._own_seconds[line.key] += now - line.since - line.inner_s
        if event == "return":
            state.open.pop()
            if state.open:
                state.open[-1].inner_s += now - line.entered
        elif self._spent():
            frame.f_trace_lines = False
            line.key = None
        else:
            code = frame.f_code
            key: _Key = (code.co_filename, frame.f_lineno, code.co_qualname, "line")
            line.key, line.since, line.inner_s = key, now, 0.0
            self._counts[key] += 1

    def _spent(self) -> bool:
        self._events_left -= 1
        if self._events_left == 0:
            self.stopped = True
            sys.settrace(None)
        return self._events_left <= 0

    def _leave(self, state: _ThreadState, entered: float) -> None:
        took = time.perf_counter() - entered
        state.overhead_s += took
        if threading.get_ident() == self._own_thread:
            self.overhead_s += took


class _OpenLine:
    """The line that a frame is at, since when, and how much of that went into inner frames."""

    __slots__ = ("entered", "inner_s", "key", "since")

    def __init__(self, key: _Key | None, entered: float) -> None:
        self.key = key
        self.entered = entered
        self.since = entered
        self.inner_s = 0.0


class _ThreadState:
    """Open frames of one thread, innermost last, and the time that watching took in it."""

    __slots__ = ("open", "overhead_s")

    def __init__(self) -> None:
        self.open: list[_OpenLine] = []
        self.overhead_s = 0.0


class WatchedInputs(list[Any]):
    """The inputs, noticing who draws them one by one from Python's iterator protocol."""

    def __init__(self, inputs: Iterable[Any], watch: Watch) -> None:
        super().__init__(inputs)
        self._watch = watch

    def __iter__(self) -> Iterator[Any]:
        watch = self._watch
        for index in range(len(self)):
            since = watch.clock_s()
            yield self[index]
            drawer = sys._getframe(1)  # noqa: SLF001  (the frame that asks for the next input)
            watch.drawn(drawer, watch.clock_s() - since)


def _trace_threads(tracer: Any) -> None:
    everywhere = getattr(threading, "settrace_all_threads", None)
    if everywhere is not None:
        everywhere(tracer)
    else:
        threading.settrace(tracer)
