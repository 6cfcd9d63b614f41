"""Whether a model handles its rows one by one: what batches gain, and what runs once per row.

A model that gains nothing from batches may simply be busy computing. It loops over rows only if
lines of its own run in proportion to the rows; two traces at different sizes tell those lines
from a loop over trees or layers that happens to have as many turns.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.measure.cliffs import throughput_ratio
from seatrial.measure.pairing import Ratio
from seatrial.models.subject import LineShare, Subject, Trace
from seatrial.models.tracing import per_row, row_share

GAIN_BATCH = 32
"""Rows a call in the comparison with one row a call."""

GAIN_PAIRS_MAX = 9
TRACED_ROWS, TRACED_TIMES = 16, 8
"""Rows of the small trace, and how often the large one repeats them."""

TRACES, TRACES_S = 5, 2.0
"""Traces of which the middle one counts, and the seconds that they may take together."""

CONVERSIONS = ("array(", "stack(", "matrix(", "tensor(", "DataFrame", "from_records")
SHOWN = 8


class PerRow(Struct, frozen=True):
    """One line that runs per row: a row of the table ``trace``.

    Attributes:
        per_row: Runs for each row.
        share: Its part of the time of the call, calls that it made included.
        code: The line.
    """

    file: str
    line: int
    per_row: float
    share: float
    code: str


class Loop(Struct, frozen=True):
    """What runs per row, the line that holds most of it first, and its part of the time."""

    lines: tuple[PerRow, ...]
    share: float


def gains(
    subject: Subject,
    choose: Callable[[int], list[Any]],
    shortest: Any,
    *,
    batch: int,
    budget: TimeBudget,
) -> tuple[Ratio, Ratio]:
    """Return the gain of batches over single rows, for ordinary rows and for the shortest.

    Text is taken apart row by row even in a healthy model, which takes most of the time where
    texts are long; on the shortest one only a loop over the model itself stays flat.
    """
    share = budget.share(0.5)
    ordinary = throughput_ratio(
        subject, choose, before=1, after=batch, budget=share, pairs_max=GAIN_PAIRS_MAX
    )
    short = throughput_ratio(
        subject,
        lambda count: [shortest] * count,
        before=1,
        after=batch,
        budget=budget,
        pairs_max=GAIN_PAIRS_MAX,
    )
    return ordinary, short


def shortened(value: Any) -> Any:
    """Return the first word of a text; anything else as it is."""
    return (value.split() or [value])[0] if isinstance(value, str) else value


def find_loop(subject: Subject, rows: Sequence[Any]) -> Loop | None:
    """Trace a few rows, then the same rows several times over, and compare.

    Args:
        subject: What is looked into.
        rows: Ordinary inputs.

    Returns:
        ``None`` where the inside cannot be seen.

    Raises:
        ModelError: The model raised.
    """
    few = [rows[int(at)] for at in np.resize(np.arange(len(rows)), TRACED_ROWS)]
    first = _seen(subject, few)
    if first is None:
        return None
    found = [first]
    if first[2].seconds * TRACES <= TRACES_S:
        found += [another for _ in range(TRACES - 1) if (another := _seen(subject, few))]
    # An interruption makes one line look busy, or all the others; it does not hit most traces.
    share, heaviest, large = sorted(found, key=lambda one: one[0])[len(found) // 2]
    lines = per_row(large)
    if heaviest is not None:
        lines = [heaviest, *(line for line in lines if line != heaviest)]
    seconds = max(large.seconds, 1e-9)
    shown = tuple(
        PerRow(
            line.file,
            line.line,
            line.count / large.rows,
            min(1.0, line.seconds / seconds),
            _code(line),
        )
        for line in lines[:SHOWN]
    )
    return Loop(shown if heaviest is not None else (), share)


def _seen(subject: Subject, few: list[Any]) -> tuple[float, LineShare | None, Trace] | None:
    small = subject.trace(few)
    large = subject.trace(few * TRACED_TIMES) if small is not None else None
    if small is None or large is None:
        return None
    large = _unconverted(large)
    share, heaviest = row_share(_unconverted(small), large)
    return share, heaviest, large


def _unconverted(trace: Trace) -> Trace:
    """Leave out lines that draw the inputs only to make an array of them, as every model does."""
    lines = [
        line
        for line in trace.lines
        if line.what != "draws" or not any(word in _code(line) for word in CONVERSIONS)
    ]
    return msgspec.structs.replace(trace, lines=lines)


def _code(line: LineShare) -> str:
    """Return the text of a line; the name of its function where the source is not at hand."""
    return linecache.getline(line.file, line.line).strip() or line.function
