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

import threading
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from seatrial.models.subject import LineShare, Trace, call
from seatrial.models.watch import Watch, WatchedInputs

EVENTS_MAX: Final = 1_000_000
"""Events after which watching stops: about three seconds of them; the trace says that it did."""

PEAK_MAX_S: Final = 3.0
"""Longest that memory is watched in one call; after that the peak stays unknown."""


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
    watch = Watch(events_max)
    with_draws = WatchedInputs(inputs, watch)
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


def _key(line: LineShare) -> tuple[str, int, str, str]:
    return line.file, line.line, line.function, line.what


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
