"""Questions to the log, answered while a server writes it: counts, rows, percentiles, SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seatrial.core.errors import DataError, UnknownNameError, UsageError
from seatrial.records import engine, sampling
from seatrial.records.bins import Bins
from seatrial.records.columns import COLUMNS, JSON_COLUMNS, RECORD_COLUMNS
from seatrial.records.files import Files
from seatrial.records.places import Places
from seatrial.records.results import Count, Percentiles, ProductionRows, Result
from seatrial.records.snapshot import Verified, opened
from seatrial.records.summary import MEMORY_LIMIT, Summary, summarise

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)

RARE_QUANTILE = 0.999
RARE_QUANTILE_REQUESTS = 10_000
"""Below this many requests fewer than ten lie beyond p99.9: it is unknown, not estimated."""

_ORDER = 'ORDER BY time, id, "row"'


_PRODUCTION = {
    "ids": "id",
    "rows": "row",
    "times": "time",
    "releases": "release",
    "variants": "variant",
    "inputs": "input",
    "outputs": "output",
    "confidences": "confidence",
    "scores": "scores",
    "statuses": "status",
    "labels": "label",
    "ratings": "rating",
    "descriptors": "descriptors",
    "probabilities": "sampling_probability",
}


class Log:
    """The prediction log of a project folder, read-only; a folder without one is an empty log.

    Every call sees the log as it is at that moment, and says in ``problems`` what it had to leave
    out. Columns: :func:`seatrial.records.record.table`; those that may be any JSON are JSON text
    in SQL, and Python values everywhere else.

    Args:
        folder: The project folder.
        files: The file system.
    """

    def __init__(self, folder: Path, *, files: Files | None = None) -> None:
        self._places = Places.of(folder)
        self._files = files or Files()
        self._verified = Verified()

    def query(self, sql: str) -> Result:
        """Answer one ``SELECT`` over the views ``log``, ``feedback`` and ``events``.

        It reaches nothing but the log: no file, no network, no settings.

        Raises:
            UsageError: It is not one SELECT, or DuckDB refuses it.
        """
        import duckdb

        with self._opened() as (db, problems):
            try:
                statements = db.extract_statements(sql)
                if [kind.type.name for kind in statements] not in (["SELECT"], ["EXPLAIN"]):
                    raise UsageError(
                        f"received {len(statements)} statements "
                        f"({', '.join(kind.type.name for kind in statements) or 'none'}); "
                        "accepted is one SELECT.",
                        hint="For example: SELECT status, count(*) FROM log GROUP BY status",
                    )
                cursor = db.execute(statements[0])
                names = tuple(column[0] for column in cursor.description)
                return Result(names, cursor.fetchall(), problems)
            except duckdb.Error as error:
                raise UsageError(
                    f"the query was refused: {str(error).strip().splitlines()[0]}",
                    hint=f"Columns of log: {', '.join(RECORD_COLUMNS)}.",
                ) from None

    def counts(self) -> list[Count]:
        """Return rows and requests by origin and status, sorted."""
        found = self._select(
            "SELECT origin, status, count(*), count(DISTINCT id) FROM log GROUP BY ALL ORDER BY ALL"
        )
        return [
            Count(origin=origin, status=status, rows=rows, requests=requests)
            for origin, status, rows, requests in found.rows
        ]

    def problems(self) -> tuple[str, ...]:
        """Return what of the log cannot be read, and rows that it had to let go, in sentences."""
        found = self._select("SELECT sum(count) FROM events WHERE event = 'dropped'")
        dropped = found.rows[0][0]
        said = (f"{dropped} events were dropped while the disk refused them",) if dropped else ()
        return found.problems + said

    def rows(
        self,
        *,
        columns: Sequence[str] = RECORD_COLUMNS,
        origins: Sequence[str] = (),
        release: str | None = None,
        limit: int | None = None,
    ) -> Result:
        """Return records, oldest first, as Python values.

        Args:
            columns: Which, in this order.
            origins: Only these; empty: all.
            release: Only this one.
            limit: Only so many of the newest.

        Raises:
            UnknownNameError: There is no such column.
        """
        known = [*RECORD_COLUMNS, "abstained", "segment", "position"]
        for name in columns:
            if name not in known:
                raise UnknownNameError.of("column of the log", name, known)
        return self._records(columns, condition(origins, release), limit)

    def _records(self, columns: Sequence[str], where: str, limit: int | None) -> Result:
        wanted = ", ".join(engine.name(name) for name in columns)
        newest = "" if limit is None else f' DESC, id DESC, "row" DESC LIMIT {int(limit)}'
        source = f"(FROM log WHERE {where} ORDER BY time{newest})"
        found = self._select(f"SELECT {wanted} FROM {source} {_ORDER}")
        return Result(tuple(columns), _decoded(found.rows, columns), found.problems)

    def production_rows(
        self,
        *,
        release: str | None = None,
        limit: int | None = None,
        about: int | None = None,
        also: Collection[str] = (),
    ) -> ProductionRows:
        """Return what users sent, with labels from feedback, whatever became of it.

        Args:
            release: Only what this release answered; default: all.
            limit: Only so many of the newest.
            about: Only about so many, requests drawn by a hash of their id; default: all.
            also: Ids of requests that are wanted in any case.
        """
        where = condition(("user",), release)
        if about is not None:
            rows = self._select(
                f"SELECT count(*) FROM events WHERE event = 'request' AND {where}"
            ).rows[0][0]
            if rows > about:
                named = ", ".join(engine.text(one) for one in sorted(also)) or "NULL"
                where += f" AND (hash(id) % {-(-rows // about)} = 0 OR id IN ({named}))"
        found = self._records(tuple(_PRODUCTION.values()), where, limit)
        lists: dict[str, Any] = {name: found.column(col) for name, col in _PRODUCTION.items()}
        return ProductionRows(**lists, problems=found.problems)

    def percentiles(
        self,
        column: str = "total_ms",
        *,
        quantiles: Sequence[float] = QUANTILES,
        origins: Sequence[str] = ("user",),
        release: str | None = None,
    ) -> Percentiles:
        """Return exact percentiles of a time; each request counts once, as its slowest row.

        Raises:
            UnknownNameError: There is no such column.
            DataError: The column holds no numbers.
        """
        if column not in RECORD_COLUMNS:
            raise UnknownNameError.of("column of the log", column, RECORD_COLUMNS)
        if COLUMNS[column] != "DOUBLE":
            numbers = [name for name in RECORD_COLUMNS if COLUMNS[name] == "DOUBLE"]
            raise DataError(f"{column} holds no numbers; accepted are {', '.join(numbers)}.")
        asked = ", ".join(f"quantile_cont(t, {float(q)!r})" for q in quantiles)
        found = self._select(
            f"SELECT count(*), {asked} FROM (SELECT max({engine.name(column)}) AS t FROM log "
            f"WHERE {condition(origins, release)} GROUP BY id) WHERE t IS NOT NULL"
        )
        n, *values = found.rows[0]
        few = n < RARE_QUANTILE_REQUESTS
        known = {
            q: None if few and q >= RARE_QUANTILE else value
            for q, value in zip(quantiles, values, strict=True)
        }
        return Percentiles(column=column, n=n, values=known, problems=found.problems)

    def summary(
        self,
        *,
        reference: Sequence[Bins] = (),
        origins: Sequence[str] = ("user",),
        release: str | None = None,
    ) -> Summary:
        """Return the log by day: fates, answers, times and, beside a reference, what moved.

        Args:
            reference: Frozen bins of the descriptors that are compared; none: nothing is.
            origins: Only these; empty: all.
            release: Only what this release answered.
        """
        with opened(
            self._places,
            files=self._files,
            verified=self._verified,
            memory_limit=MEMORY_LIMIT,
        ) as (db, problems):
            *days, total = summarise(
                db,
                condition=condition(origins, release),
                reference=reference,
                rare_requests=RARE_QUANTILE_REQUESTS,
            )
        return Summary(days=tuple(days), total=total, problems=problems)

    def sample(
        self,
        size: int,
        *,
        generator: np.random.Generator,
        origins: Sequence[str] = ("user",),
        release: str | None = None,
    ) -> tuple[Result, sampling.Sample]:
        """Draw records to look at, from all of them, failures and abstentions included.

        Returns:
            The records drawn, oldest first, and with what probability each was.
        """
        found = self.rows(origins=origins, release=release)
        drawn = sampling.uniform(len(found), size, generator=generator)
        picked = [found.rows[place] for place in drawn.places]
        return Result(found.columns, picked, found.problems), drawn

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, tuple[str, ...]]]:
        with opened(self._places, files=self._files, verified=self._verified) as found:
            yield found

    def _select(self, sql: str) -> Result:
        with self._opened() as (db, problems):
            cursor = db.execute(sql)
            names = tuple(column[0] for column in cursor.description)
            return Result(names, cursor.fetchall(), problems)


def condition(origins: Sequence[str], release: str | None) -> str:
    """Return the SQL condition of rows of some origins (none: all) and of one release."""
    parts = []
    if origins:
        parts.append(f"origin IN ({', '.join(engine.text(origin) for origin in origins)})")
    if release is not None:
        parts.append(f"release = {engine.text(release)}")
    return " AND ".join(parts) or "true"


def _decoded(rows: list[tuple[Any, ...]], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    places = {place for place, name in enumerate(columns) if name in JSON_COLUMNS}
    if not places:
        return rows
    decode = msgspec.json.Decoder().decode
    return [
        tuple(
            decode(value) if place in places and value is not None else value
            for place, value in enumerate(row)
        )
        for row in rows
    ]
