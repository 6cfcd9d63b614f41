"""Recorded traffic: when its requests came and how large they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import DataError, UsageError
from seatrial.measure.load.arrivals import FloatArray, replayed

TIMES = ("timestamp", "time", "arrival", "arrived_at")
"""Names under which traces keep the moment of a request, the likeliest first."""

SIZES = (
    "input_tokens",
    "contexttokens",
    "context_tokens",
    "prompt_tokens",
    "request_tokens",
    "tokens",
    "size",
    "input_length",
    "length",
    "bytes",
)
"""Names under which traces keep the size of a request."""


@dataclass(frozen=True)
class Trace:
    """Requests in the order in which they came.

    Attributes:
        arrivals_s: Seconds from the first, sorted, shape (n,).
        sizes: Size of each in whatever unit the trace has, shape (n,); ``None``: not recorded.
    """

    arrivals_s: FloatArray
    sizes: FloatArray | None = None

    @property
    def mean_per_s(self) -> float:
        """Requests per second from the first to the last; 0.0 for fewer than two moments."""
        span_s = float(self.arrivals_s[-1]) if len(self.arrivals_s) else 0.0
        return (len(self.arrivals_s) - 1) / span_s if span_s > 0 else 0.0

    def at_speed(self, speed: float) -> Trace:
        """Return the same requests, faster; what came in bursts still does."""
        return Trace(replayed(self.arrivals_s, speed=speed), self.sizes)

    def at_rate(self, rate_per_s: float) -> Trace:
        """Return the same requests at another mean rate.

        Raises:
            UsageError: They all came at one moment.
        """
        if not self.mean_per_s:
            raise UsageError(
                "all requests of the trace came at one moment; accepted for a rate is a trace with "
                "a duration.",
                hint="Leave the rate out.",
            )
        return self.at_speed(rate_per_s / self.mean_per_s)

    def until(self, duration_s: float) -> Trace:
        """Return what came within so many seconds of the first request."""
        kept = slice(0, int(np.searchsorted(self.arrivals_s, duration_s, side="left")))
        return Trace(self.arrivals_s[kept], None if self.sizes is None else self.sizes[kept])


def trace_of(times: Sequence[Any], sizes: Sequence[Any] | None = None) -> Trace:
    """Build a trace from columns, in any order.

    Args:
        times: Seconds as numbers, or ISO 8601 texts; without a zone they are taken for UTC.
        sizes: Size of each request; missing ones count as the median.

    Raises:
        DataError: A time or a size cannot be read.

    >>> trace_of(["2026-01-01 00:00:01.5", "2026-01-01T00:00:00Z"], [7, 3])
    Trace(arrivals_s=array([0. , 1.5]), sizes=array([3., 7.]))
    """
    moments = _moments(times)
    order = np.argsort(moments, kind="stable")
    return Trace(
        replayed(moments) if len(moments) else moments,
        None if sizes is None else _numbers(sizes)[order],
    )


def time_column(names: Sequence[str], *, wanted: str | None = None) -> str:
    """Return which column holds the moment of a request.

    Raises:
        DataError: None of them is named like one.

    >>> time_column(["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
    'TIMESTAMP'
    """
    found = wanted or _named(names, TIMES)
    if found is None or found not in names:
        raise DataError(
            f"the trace has no column {wanted or TIMES[0]!r}; columns: {', '.join(names)}.",
            hint="Name the column of arrival times `timestamp`.",
        )
    return found


def size_column(names: Sequence[str], *, wanted: str | None = None) -> str | None:
    """Return which column holds the size of a request; ``None``: none is named like one.

    Raises:
        DataError: The one that is wanted is not there.

    >>> size_column(["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
    'ContextTokens'
    """
    if wanted is not None and wanted not in names:
        raise DataError(f"the trace has no column {wanted!r}; columns: {', '.join(names)}.")
    return wanted or _named(names, SIZES)


def matched(
    sizes: FloatArray, lengths: Sequence[int], *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose a body for each request so that large requests get large bodies.

    A trace counts in its own unit (tokens of somebody's model), so ranks are matched: a request
    larger than a share q of the trace gets a body larger than a share q of the bodies. Bodies are
    used equally often, and sizes come in the order of the trace, bursts of large ones included.

    Args:
        sizes: Of the requests, shape (n,).
        lengths: Of the bodies, in bytes.
        rng: Decides among requests, and among bodies, of one size.

    Returns:
        Shape (n,): which body each request carries.

    >>> matched(np.array([5.0, 900.0, 40.0]), [3000, 10, 200], rng=np.random.default_rng(0))
    array([1, 0, 2])
    """
    smallest_first = np.lexsort((rng.random(len(lengths)), np.asarray(lengths)))
    ranks = np.empty(len(sizes), dtype=np.int64)
    ranks[np.lexsort((rng.random(len(sizes)), sizes))] = np.arange(len(sizes))
    chosen: NDArray[np.int64] = smallest_first[ranks * len(lengths) // max(len(sizes), 1)]
    return chosen


def _named(names: Sequence[str], known: Sequence[str]) -> str | None:
    lowered = {name.lower(): name for name in reversed(names)}
    return next((lowered[name] for name in known if name in lowered), None)


def _moments(times: Sequence[Any]) -> FloatArray:
    moments = np.empty(len(times))
    for row, value in enumerate(times):
        try:
            moments[row] = _moment(value)
        except (TypeError, ValueError, OverflowError):
            moments[row] = np.nan
        if not np.isfinite(moments[row]):
            raise DataError(
                f"row {row} of the trace has the time {value!r}; accepted are seconds as a number "
                "and ISO 8601 texts.",
                hint="Drop the rows without a time.",
                details={"row": row},
            )
    return moments


def _moment(value: Any) -> float:
    if not isinstance(value, str):
        return float(value)
    try:
        return float(value)
    except ValueError:
        parsed = datetime.fromisoformat(value.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _numbers(sizes: Sequence[Any]) -> FloatArray:
    found = np.empty(len(sizes))
    for row, value in enumerate(sizes):
        try:
            found[row] = np.nan if value is None else float(value)
        except (TypeError, ValueError):
            raise DataError(
                f"row {row} of the trace has the size {value!r}; accepted is a number.",
                details={"row": row},
            ) from None
    missing = ~np.isfinite(found)
    if missing.all() and len(found):
        raise DataError("no row of the trace has a size.", hint="Name another column.")
    found[missing] = np.median(found[~missing]) if missing.any() else 0.0
    return found
