"""The log by day: what became of requests, what is known without labels, times, and what moved.

One pass over times and fates, one over descriptors, both by DuckDB in bounded memory: ten million
rows take seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.records import engine
from seatrial.records.bins import Bins, Shift

TIMES = ("total_ms", "queue_ms", "model_ms")
"""Times whose percentiles are given; rows of one request share them."""

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)

CLASSES_MAX = 50
"""Distinct answers up to which they are classes that are counted."""

SHIFT_ROWS = 2_000_000
"""About so many rows are compared with the reference at most: parsing what describes them takes
most of the time, and more rows would move no share by a tenth of a point."""

MEMORY_LIMIT = "1500MB"
"""What DuckDB may take before it writes to the disk."""

TOTAL = "total"


class Period(Struct, frozen=True, kw_only=True):
    """One day, or all of them; all figures but shifts are of all its rows, not of a sample.

    Attributes:
        day: As 2026-11-20; ``total`` for all.
        requests: How many there were.
        rows: How many rows they had.
        statuses: Rows by what became of them.
        answered: Share of the rows that were answered.
        confidence: Mean confidence of the rows that have one; ``None`` where none has.
        confident_rows: How many have one.
        answers: Share of each class among the rows with an answer; empty where answers are no
            classes.
        entropy: Of these shares, in bits; falls towards 0 where a model collapses on one class.
        times: Exact percentiles over requests: name of the time -> quantile -> milliseconds;
            p99.9 is ``None`` below 10,000 requests.
        shifts: Descriptors beside the reference, the largest distance first; each says of how many
            rows it is.
    """

    day: str
    requests: int
    rows: int
    statuses: dict[str, int]
    answered: float
    confidence: float | None
    confident_rows: int
    answers: dict[str, float]
    entropy: float | None
    times: dict[str, dict[str, float | None]]
    shifts: tuple[Shift, ...] = ()

    @property
    def factors(self) -> dict[str, Shift]:
        """The largest shift of each factor."""
        found: dict[str, Shift] = {}
        for shift in self.shifts:
            found.setdefault(shift.factor, shift)
        return found


class Summary(Struct, frozen=True, kw_only=True):
    """The log by day.

    Attributes:
        days: In order.
        total: All of them together.
        problems: What of the log could not be read and is missing here, in sentences.
    """

    days: tuple[Period, ...]
    total: Period
    problems: tuple[str, ...] = ()


def summarise(
    db: Any, *, condition: str, reference: Sequence[Bins], rare_requests: int
) -> tuple[Period, ...]:
    """Summarise an opened log: each day in order, then the total.

    Args:
        db: As :func:`seatrial.records.snapshot.opened` yields it.
        condition: Which requests count, as SQL.
        reference: Frozen bins of descriptors.
        rare_requests: Requests below which p99.9 is unknown.
    """
    source = f"(FROM events WHERE event = 'request' AND {condition})"
    fates = _by_day(
        db.execute(
            'SELECT time::DATE, status, count(*), count(*) FILTER ("row" = 0), '
            f"sum(confidence), count(confidence) FROM {source} "
            "GROUP BY GROUPING SETS ((time::DATE, status), (status))"
        ).fetchall()
    )
    answers = _answers(db, source)
    times = _times(db, source, rare_requests)
    rows = sum(row[1] for row in fates.get(TOTAL, []))
    shifts = _shifts(db, source, reference, one_in=-(-rows // SHIFT_ROWS)) if reference else {}
    days = sorted(day for day in fates if day != TOTAL)
    return tuple(
        _period(
            day, fates.get(day, []), answers.get(day, {}), times.get(day, {}), shifts.get(day, ())
        )
        for day in [*days, TOTAL]
    )


def _period(
    day: str,
    fates: list[tuple[Any, ...]],
    answers: Mapping[str, int],
    times: dict[str, dict[str, float | None]],
    shifts: tuple[Shift, ...],
) -> Period:
    rows = sum(row[1] for row in fates)
    statuses = {status: count for status, count, *_ in sorted(fates)}
    confident = sum(row[4] for row in fates)
    given = sum(answers.values())
    shares = {answer: count / given for answer, count in answers.items()}
    return Period(
        day=day,
        requests=sum(row[2] for row in fates),
        rows=rows,
        statuses=statuses,
        answered=statuses.get("answered", 0) / rows if rows else 0.0,
        confidence=sum(row[3] or 0.0 for row in fates) / confident if confident else None,
        confident_rows=confident,
        answers=shares,
        entropy=-sum(share * math.log2(share) for share in shares.values()) + 0.0
        if shares
        else None,
        times=times,
        shifts=shifts,
    )


def _by_day(rows: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for day, *rest in rows:
        found.setdefault(_named(day), []).append(tuple(rest))
    return found


def _answers(db: Any, source: str) -> dict[str, dict[str, int]]:
    """Count answers where they are classes."""
    ((distinct,),) = db.execute(f"SELECT approx_count_distinct(output) FROM {source}").fetchall()
    if not distinct or distinct > CLASSES_MAX:
        return {}
    rows = db.execute(
        f"SELECT time::DATE, output, count(*) FROM {source} WHERE output IS NOT NULL "
        "GROUP BY GROUPING SETS ((time::DATE, output), (output))"
    ).fetchall()
    return {
        day: {_class(output): count for output, count in sorted(counted)}
        for day, counted in _by_day(rows).items()
    }


def _class(output: str) -> str:
    value = msgspec.json.decode(output)
    return value if isinstance(value, str) else output


def _times(
    db: Any, source: str, rare_requests: int
) -> dict[str, dict[str, dict[str, float | None]]]:
    asked = ", ".join(f"count({name}), quantile_cont({name}, {list(QUANTILES)})" for name in TIMES)
    # One grouping at a time: exact percentiles of both would hold every time twice.
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for grouping in ("time::DATE", "NULL::DATE"):
        rows = db.execute(
            f'SELECT {grouping}, {asked} FROM {source} WHERE "row" = 0 GROUP BY 1'
        ).fetchall()
        for day, *values in rows:
            found[_named(day)] = {
                name: _percentiles(values[2 * place], values[2 * place + 1], rare_requests)
                for place, name in enumerate(TIMES)
                if values[2 * place]
            }
    return found


def _percentiles(n: int, values: list[float], rare_requests: int) -> dict[str, float | None]:
    return {
        f"p{100 * quantile:g}": None if quantile == QUANTILES[-1] and n < rare_requests else value
        for quantile, value in zip(QUANTILES, values, strict=True)
    }


def _shifts(
    db: Any, source: str, reference: Sequence[Bins], *, one_in: int
) -> dict[str, tuple[Shift, ...]]:
    """Count every descriptor's bins by day, in one pass: texts are parsed once.

    Of many rows one in so many is read, drawn by a hash of its place in its segment.
    """
    spec = engine.text(msgspec.json.encode({bins.name: bins.type for bins in reference}).decode())
    codes = ", ".join(
        f"{bins.sql(f's.{engine.name(bins.name)}')} AS c{place}"
        for place, bins in enumerate(reference)
    )
    sets = ", ".join(f"(day, c{place})" for place in range(len(reference)))
    columns = ", ".join(f"c{place}" for place in range(len(reference)))
    rows = db.execute(
        f"SELECT day, {columns}, count(*) FROM (SELECT day, {codes} FROM ("
        f"SELECT time::DATE AS day, json_transform(descriptors, {spec}) AS s FROM {source} "
        f"WHERE descriptors IS NOT NULL AND hash(position) % {max(one_in, 1)} = 0)) "
        f"GROUP BY GROUPING SETS ({sets})"
    ).fetchall()
    counts: dict[str, list[dict[int, int]]] = {}
    for day, *found, count in rows:
        place = next(at for at, code in enumerate(found) if code is not None)
        for name in (_named(day), TOTAL):
            held = counts.setdefault(name, [{} for _ in reference])[place]
            held[found[place]] = held.get(found[place], 0) + count
    return {
        day: tuple(
            sorted(
                (bins.shift(held) for bins, held in zip(reference, of_day, strict=True)),
                key=lambda shift: -(shift.distance or 0.0),
            )
        )
        for day, of_day in counts.items()
    }


def _named(day: date | None) -> str:
    return TOTAL if day is None else day.isoformat()
