"""Where the time of slow requests went, from the ``Server-Timing`` header of the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from seatrial.measure.load.arrivals import FloatArray
from seatrial.measure.load.result import LoadResult
from seatrial.stats.quantiles import exact_quantile

TAIL = 0.01
"""The slowest part of the requests, at least one of them."""

REST = "rest"
"""Everything that no stage of the server claims: network, kernel queues, the generator."""


class Stage(Struct, frozen=True, kw_only=True):
    """One stage of a request.

    Attributes:
        share_of_tail: Part of the time of the slowest one per cent that was spent in it.
    """

    stage: str
    p50_ms: float
    p99_ms: float
    share_of_tail: float


def parse_server_timing(header: bytes) -> dict[str, float]:
    """Return milliseconds by metric; metrics without a duration and malformed ones are left out.

    >>> parse_server_timing(b'queue;dur=1.5, cache;desc="hit, warm", model;desc=x;dur=2')
    {'queue': 1.5, 'model': 2.0}
    """
    found: dict[str, float] = {}
    for metric in _outside_quotes(header.decode("latin-1"), ","):
        name, *parameters = (part.strip() for part in _outside_quotes(metric, ";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "dur" and (number := _number(value)) is not None:
                found[name] = found.get(name, 0.0) + number
    return found


def stages(result: LoadResult) -> tuple[Stage, ...]:
    """Return the stages of the answered requests in the order in which the server names them.

    Empty where the answers carry no ``Server-Timing``.
    """
    told = [
        (latency_s * 1e3, parse_server_timing(header))
        for latency_s, answered, header in zip(
            result.latency_s.tolist(), result.answered.tolist(), result.server_timings, strict=True
        )
        if answered and header
    ]
    names = list(dict.fromkeys(name for _, durations in told for name in durations))
    if not names:
        return ()
    total = np.array([latency for latency, _ in told])
    times = {name: np.array([durations.get(name, 0.0) for _, durations in told]) for name in names}
    claimed: FloatArray = np.sum(list(times.values()), axis=0)
    times[REST] = np.maximum(total - claimed, 0.0)
    tail = np.argsort(total)[-math.ceil(TAIL * total.size) :]
    whole = float(total[tail].sum())
    return tuple(
        Stage(
            stage=name,
            p50_ms=exact_quantile(values, 0.50),
            p99_ms=exact_quantile(values, 0.99),
            share_of_tail=float(values[tail].sum()) / whole if whole else 0.0,
        )
        for name, values in times.items()
    )


def _outside_quotes(text: str, separator: str) -> Sequence[str]:
    parts, quoted, current = [], False, ""
    for character in text:
        if character == '"':
            quoted = not quoted
        if character == separator and not quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().strip('"'))
    except ValueError:
        return None
    return value if np.isfinite(value) and value >= 0 else None
