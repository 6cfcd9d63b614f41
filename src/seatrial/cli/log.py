"""``seatrial log``: what the prediction log of a folder holds, and what of it may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatrial.cli.console import (
    folder_argument,
    json_option,
    leave,
    print_json,
    result_console,
)
from seatrial.cli.verbs import printable

if TYPE_CHECKING:
    from seatrial.records.results import Result
    from seatrial.records.summary import Summary

PATIENCE_S = 60.0
"""How long to wait for a keeper that is at work."""


@click.group()
def log() -> None:
    """Ask the prediction log, write it to a file, tidy it, delete from it, verify it.

    One record per row of every request, whatever became of it; docs/records.md names the columns.
    """


@log.command()
@folder_argument
@click.argument("sql")
@json_option
def query(*, folder: Path, sql: str, as_json: bool) -> None:
    """Answer one SELECT over the views log, feedback and events."""
    from seatrial.records.query import Log

    found = Log(folder).query(sql)
    if as_json:
        print_json({"columns": found.columns, "rows": found.rows, "problems": found.problems})
        return
    _print_table(found)


@log.command()
@folder_argument
@click.option("--release", help="Only what this release answered.")
@json_option
def summary(*, folder: Path, release: str | None, as_json: bool) -> None:
    """Sum up each day: what became of requests, times, answers, and what moved since eval."""
    from seatrial.core import settings as settings_table
    from seatrial.records.query import Log
    from seatrial.serve.describing import bins_of

    settings = settings_table.load(folder)
    reference = bins_of(settings, folder) if settings.eval.data else []
    told = Log(folder).summary(reference=reference, release=release)
    if as_json:
        print_json(told)
        return
    _print_summary(told)


@log.command()
@folder_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--release", help="Only what this release answered.")
@click.option("--all-origins", is_flag=True, help="Drills, warm-up and other origins too.")
@click.option("--limit", type=click.IntRange(1), help="Only so many of the newest.")
@json_option
def export(
    *,
    folder: Path,
    file: Path,
    release: str | None,
    all_origins: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Write what users sent, and what became of it, to FILE: .parquet or .jsonl."""
    from seatrial.records.exporting import export as export_log

    done = export_log(
        folder, file, origins=() if all_origins else ("user",), release=release, limit=limit
    )
    _tell(done, as_json=as_json)


@log.command()
@folder_argument
@json_option
def compact(*, folder: Path, as_json: bool) -> None:
    """Seal what is closed, let go what is due, and put small files together."""
    from seatrial.core import settings
    from seatrial.records.deletion import finish
    from seatrial.records.retention import Keep, enforce
    from seatrial.records.retention import compact as put_together
    from seatrial.records.sealing import seal

    kept = settings.load(folder).log
    keep = Keep(inputs_days=kept.keep_inputs_days, rows_days=kept.keep_rows_days)
    told = {
        "sealed": seal(folder) if not kept.redact_hook else None,
        "deleted": finish(folder),
        "let_go": enforce(folder, keep, patience_s=PATIENCE_S),
        "together": put_together(folder, patience_s=PATIENCE_S),
    }
    if as_json:
        print_json(told)
        return
    for name, document in told.items():
        click.echo(f"{name:<10} {_said(document)}")


@log.command()
@folder_argument
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="KEY=VALUE",
    help="Rows whose input has this value in this field (a name, or /a/pointer); or key_id=ID.",
)
@click.option("--id", "ids", multiple=True, metavar="REQUEST", help="All rows of this request.")
@json_option
def delete(*, folder: Path, subjects: tuple[str, ...], ids: tuple[str, ...], as_json: bool) -> None:
    """Delete what the log holds of somebody, now and when it comes late.

    Leaves with 1 where something is left to do: the output says what.
    """
    from seatrial.records.deletion import Subject
    from seatrial.records.deletion import delete as delete_rows

    named = [*map(Subject.parse, subjects), *(Subject("id", one) for one in ids)]
    done = delete_rows(folder, named)
    _tell(done, as_json=as_json)
    leave(int(bool(done.problems or done.retired or done.quarantined)))


@log.command()
@folder_argument
@json_option
def verify(*, folder: Path, as_json: bool) -> None:
    """Read every sealed file against its digest; damaged ones are set aside.

    Leaves with 1 where anything of the log cannot be read.
    """
    from seatrial.records.query import Log
    from seatrial.records.sealing import check

    done = check(folder)
    problems = (*done.problems, *Log(folder).problems())
    told = {"quarantined": done.quarantined, "problems": problems}
    if as_json:
        print_json(told)
    else:
        click.echo(_said(told) or "every sealed file is what was sealed")
    leave(int(bool(done.quarantined or problems)))


def _tell(document: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        click.echo(_said(document))


def _said(document: Any) -> str:
    """Return what is not empty of a document, one thing after the other."""
    import msgspec

    held = msgspec.to_builtins(document) or {}
    parts = []
    for name, value in held.items():
        words = name.replace("_", " ")
        if isinstance(value, (list, tuple)):
            parts += [f"{words}: {printable(str(one))}" for one in value]
        elif value not in (None, False, ""):
            parts.append(f"{words} {printable(str(value))}")
    return "; ".join(parts) or "nothing"


def _print_table(found: Result) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in found.columns:
        table.add_column(printable(name), overflow="fold")
    for row in found.rows:
        table.add_row(*("" if value is None else printable(str(value)) for value in row))
    result_console().print(table)
    for problem in found.problems:
        click.echo(f"note: {printable(problem)}", err=True)


def _print_summary(told: Summary) -> None:
    """Print a line a day, and how far each factor moved."""
    from rich.table import Table

    factors = list(told.total.factors)
    table = Table(box=None, pad_edge=False)
    table.add_column("day")
    for name in ("requests", "rows", "answered", "confidence", "p50 ms", "p99 ms", *factors):
        table.add_column(printable(name), justify="right")
    for day in [*told.days, told.total]:
        times = day.times.get("total_ms", {})
        moved = day.factors
        table.add_row(
            day.day,
            f"{day.requests:,}",
            f"{day.rows:,}",
            f"{day.answered:.1%}",
            _number(day.confidence, "{:.2f}"),
            _number(times.get("p50"), "{:.1f}"),
            _number(times.get("p99"), "{:.1f}"),
            *(
                _number(moved[name].distance if name in moved else None, "{:.0%}")
                for name in factors
            ),
        )
    result_console().print(table)
    if factors:
        click.echo("Under each factor: share of the rows that lie otherwise than the eval set's.")
    for problem in told.problems:
        click.echo(f"note: {printable(problem)}", err=True)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
