"""One call of a model, watched line by line: what ran how often, and where the time went.

What is watched is code that belongs to the model: every file that is neither a library nor part of
seatrial. Of a library only the functions that the model's own code enters are counted, because a
loop inside scikit-learn's tokenizer is not the user's row loop; a few library functions whose whole
purpose is to call something once per item (thread pools, ``apply_along_axis``) are watched as if
they were the user's.

Three kinds of rows come out, see :class:`seatrial.models.subject.LineShare`:

- ``line``: a line of watched code, with the seconds until the next line of the same frame began,
  so calls and C code are included;
- ``function``: a library function entered from watched code;
- ``draws``: a line that drew inputs one by one (``map(c_function, inputs)`` runs no line per row),
  with the seconds between one draw and the next.

The time that watching itself takes is left out of all figures as far as it can be measured.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import threading
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal

from seatrial.models.subject import LineShare, Trace, call

EVENTS_MAX: Final = 1_000_000
"""Events after which watching stops: about three seconds of them; the trace says that it did."""

PEAK_MAX_S: Final = 3.0
"""Longest that memory is watched in one call; after that the peak stays unknown."""

LINES_MAX: Final = 400
"""Rows kept, those with the most seconds first."""

_DRIVERS: Final = (
    "/concurrent/futures/",
    "/multiprocessing/pool.py",
    "/numpy/lib/_shape_base_impl.py",
    "/numpy/lib/_function_base_impl.py",
    "/numpy/lib/shape_base.py",
    "/numpy/lib/function_base.py",
    "/pandas/core/apply.py",
    "/pandas/core/frame.py",
    "/pandas/core/series.py",
)
"""Library code that only calls something once per item, in the user's name."""

_OURS: Final = str(Path(__file__).parents[1]) + os.sep
_OUR_BANK: Final = str(Path(__file__).parents[1] / "testing") + os.sep
_GENERATED: Final = ("<frozen", "<__array", "<attrs", "<decorator")

_What = Literal["line", "function", "draws"]
_Key = tuple[str, int, str, _What]  # file, line, function, what


def trace_call(
    predict: Callable[[list[Any]], Any], inputs: list[Any], *, events_max: int = EVENTS_MAX
) -> Trace:
    """Call a model twice with the same inputs: once for its memory, once line by line.

    Whatever tracer was there before (a debugger, a coverage tool) is put back. Threads that start
    during the call are watched too; from Python 3.12 on, those that run already as well.

    Args:
        predict: Called with a list.
        inputs: One batch.
        events_max: Events after which watching stops and the trace is marked incomplete.

    Raises:
        ModelRaisedError: The model raised.

    >>> def predict(xs):
    ...     return [x + 1 for x in xs]
    >>> trace = trace_call(predict, [1, 2, 3])
    >>> trace.rows, trace.complete
    (3, True)
    """
    peak = _peak_bytes(predict, inputs)
    watch = _Watch(events_max)
    with_draws = _Inputs(inputs, watch)
    started = time.perf_counter()
    with watch:
        call(predict, with_draws)
    seconds = time.perf_counter() - started - watch.overhead_s
    return Trace(
        rows=len(inputs),
        seconds=max(seconds, 0.0),
        lines=watch.lines(),
        peak_bytes=peak,
        complete=not watch.stopped,
    )


def per_row(trace: Trace) -> list[LineShare]:
    """Return what ran once for every row of the call, or oftener.

    >>> per_row(trace_call(lambda xs: [abs(x) for x in xs], [1] * 20))[0].count >= 20
    True
    """
    return [line for line in trace.lines if line.count >= trace.rows - PEELED]


def row_share(small: Trace, large: Trace) -> tuple[float, LineShare | None]:
    """Return the share of a call that goes into handling rows one after another.

    A line counts where it ran at least once per row in both calls, and as many times more often as
    there were more rows. Three sums are taken, none of which counts a second twice, and each of
    which may miss some: such lines without their inner frames (misses inner lines that run for some
    rows only), such lines of one function with them (misses other functions), and one line that
    drew the inputs (misses the rest). The largest is the share.

    Args:
        small: Trace of a call with few rows, at least 2.
        large: Trace of the same model with at least twice as many of the same kind, best the same
            rows repeated, so that counts grow with the rows only.

    Returns:
        The share, between 0 and 1, and the line that holds most of it. A model that handles its
        rows together has a share near 0, however long it computes. Where watching the large call
        stopped early, its counts are lower bounds: a line then counts if it ran noticeably oftener
        than in the small call, and the share is that of the time that was watched.
    """
    before = {_key(line): line.count for line in per_row(small)}
    if large.complete:
        least, most = GROWTH_SLACK * large.rows / small.rows, large.seconds
        seen = per_row(large)
    else:
        least, most = CUT_GROWTH, sum(line.own_seconds for line in large.lines)
        seen = large.lines
    growing = [
        line for line in seen if _key(line) in before and line.count >= least * before[_key(line)]
    ]
    if not growing or most <= 0.0:
        return 0.0, None
    ran = [line for line in growing if line.what != "draws"]
    by_function: dict[tuple[str, str], float] = defaultdict(float)
    for line in ran:
        by_function[line.file, line.function] += line.seconds
    held = max(
        sum(line.own_seconds for line in ran),
        max(by_function.values(), default=0.0),
        max((line.seconds for line in growing if line.what == "draws"), default=0.0),
    )
    return min(held / most, 1.0), growing[0]


PEELED: Final = 1
"""Rows that a loop may handle before it begins, as NumPy's do to learn the shape of an answer."""

GROWTH_SLACK: Final = 0.8
"""A line whose count grows with the rows may fall this far short: rows differ in length."""


CUT_GROWTH: Final = 1.2
"""How much oftener a line must have run in a call that was not watched to its end."""


class _Watch:
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
        if _is_watched(frame):
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
        if _is_watched(frame):
            state.open.append(_OpenLine(None, now))
            return self._in_frame
        if frame.f_back is None or not _is_library(frame) or not _is_watched(frame.f_back):
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


class _Inputs(list[Any]):
    """The inputs, noticing who draws them one by one from Python's iterator protocol."""

    def __init__(self, inputs: Iterable[Any], watch: _Watch) -> None:
        super().__init__(inputs)
        self._watch = watch

    def __iter__(self) -> Iterator[Any]:
        watch = self._watch
        for index in range(len(self)):
            since = watch.clock_s()
            yield self[index]
            drawer = sys._getframe(1)  # noqa: SLF001  (the frame that asks for the next input)
            watch.drawn(drawer, watch.clock_s() - since)


def _key(line: LineShare) -> _Key:
    return line.file, line.line, line.function, line.what


def _trace_threads(tracer: Any) -> None:
    everywhere = getattr(threading, "settrace_all_threads", None)
    if everywhere is not None:
        everywhere(tracer)
    else:
        threading.settrace(tracer)


def _peak_bytes(predict: Callable[[list[Any]], Any], inputs: list[Any]) -> int | None:
    """Return the most that one call held at once, or ``None`` where finding out took too long."""
    if tracemalloc.is_tracing():
        return _peak_of(predict, inputs)
    # Code that makes many small objects runs twenty times slower here; it is let go in time.
    alarm = threading.Timer(PEAK_MAX_S, tracemalloc.stop)
    alarm.daemon = True
    tracemalloc.start()
    alarm.start()
    try:
        peak = _peak_of(predict, inputs)
        return peak if tracemalloc.is_tracing() else None
    finally:
        alarm.cancel()
        alarm.join()
        tracemalloc.stop()


def _peak_of(predict: Callable[[list[Any]], Any], inputs: list[Any]) -> int:
    tracemalloc.reset_peak()
    held, _ = tracemalloc.get_traced_memory()
    call(predict, list(inputs))
    _, peak = tracemalloc.get_traced_memory()
    return max(peak - held, 0)


_LIBRARY_FOLDERS: Final = tuple(
    {
        os.path.join(sysconfig.get_path(name), "")  # noqa: PTH118  (compared with file names as text)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)


@functools.cache
def _kind(file: str) -> str:
    """Return ``own``, ``driver``, ``library`` or ``seatrial`` for the code of a file."""
    if file.startswith(_OUR_BANK):
        return "own"
    if file.startswith(_OURS):
        return "seatrial"
    if any(part in file for part in _DRIVERS):
        return "driver"
    parts = ("site-packages", "dist-packages")
    if file.startswith((*_LIBRARY_FOLDERS, *_GENERATED)) or any(part in file for part in parts):
        return "library"
    return "own"


def _is_library(frame: FrameType) -> bool:
    return _kind(frame.f_code.co_filename) in {"library", "driver"}


def _is_watched(frame: FrameType) -> bool:
    """Say whether a frame is the model's own, or drives per-item calls in its name."""
    here: FrameType | None = frame
    for _ in range(DRIVER_DEPTH):
        if here is None:
            return False
        kind = _kind(here.f_code.co_filename)
        if kind == "own":
            return True
        if kind != "driver":
            return False
        here = here.f_back
    return False


DRIVER_DEPTH: Final = 6
"""Frames between user code and the loop of a driver: pandas' ``apply`` needs five."""
