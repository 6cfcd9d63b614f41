"""``seatrial load``: an open-loop load on any URL, or a closed one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatrial.cli.console import json_option, print_json, result_console

if TYPE_CHECKING:
    from seatrial.evidence.documents import Evidence

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("url")
@click.option("--rate", "rate_per_s", type=float, help="Requests per second.  [default: 50]")
@click.option("--duration", "duration_s", type=float, help="Seconds.  [default: 10]")
@click.option(
    "--shape",
    default="constant",
    show_default=True,
    metavar="SHAPE",
    help='constant, ramp, spike, steps, or pieces: "10:30s, 10->100:1s, 100:60s".',
)
@click.option("--factor", default=10.0, show_default=True, help="Height of a shape, times --rate.")
@click.option("--ramp", "ramp_s", default=1.0, show_default=True, help="Rise of a spike, s.")
@click.option("--hold", "hold_s", default=5.0, show_default=True, help="Length of a spike, s.")
@click.option("--steps", default=5, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--even", is_flag=True, help="Evenly spaced arrivals instead of Poisson.")
@click.option("--trace", type=_FILE, help="Replay the timestamp column of this file instead.")
@click.option("--speed", type=float, help="Replay so many times faster, or give --rate.")
@click.option("--size-column", help="Column of --trace by which rows of --data are chosen.")
@click.option("--closed", is_flag=True, help="--connections callers, each waiting for its answer.")
@click.option("--data", type=_FILE, help="Rotate through the inputs in this file.")
@click.option("--input", "input", help="Input column of --data.")
@click.option("--body", help='Request template with "$input" or "$inputs"; without --data, as is.')
@click.option(
    "--header-env",
    metavar="NAME=VARIABLE",
    multiple=True,
    help="Request header; its value is read from the environment variable.",
)
@click.option("--bearer-env", metavar="VARIABLE", help="Environment variable with an API key.")
@click.option("--callers", metavar="N|NAME=WEIGHT,…", help="So many callers (header X-Caller).")
@click.option("--keys", type=_FILE, help="Callers by API key; lines of NAME KEY WEIGHT.")
@click.option("--retries", default=0, show_default=True, help="Attempts after the first.")
@click.option("--backoff", "backoff_s", default=0.5, show_default=True, help="First wait, s.")
@click.option("--naive", is_flag=True, help="Try again at once, whatever Retry-After says.")
@click.option("--attempt-timeout", "attempt_s", type=float, help="Longest wait for one attempt, s.")
@click.option(
    "--ticket-wait", "ticket_wait_s", default=60.0, show_default=True, help="For a 202, s; 0: none."
)
@click.option("--deadline", "deadline_s", default=10.0, show_default=True, help="Longest wait, s.")
@click.option("--connections", type=int, help="Most at once.  [default: 256; --closed: 16]")
@click.option(
    "--warmup", "warmup_s", default=0.0, show_default=True, help="Seconds that do not count."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--report", type=_FILE, help="Also write an HTML page with a picture.")
@json_option
def load(
    *,
    header_env: Sequence[str],
    bearer_env: str | None,
    report: Path | None,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Send requests to URL when they are due, and time each from when it was due."""
    from seatrial.report.load import render_load
    from seatrial.trials.loading import Load, run

    if report is not None:
        _check(report)
    summary, evidence = run(Load(**wishes, headers=_headers(header_env, bearer_env)))
    if report is not None:
        _write(report, evidence)
    if as_json:
        print_json(summary)
    else:
        render_load(evidence, console=result_console())
        if report is not None:
            click.echo(f"report: {report}")


def _headers(header_env: Sequence[str], bearer_env: str | None) -> dict[str, str]:
    """Read the values of headers where no process list shows them."""
    from seatrial.core.errors import UsageError
    from seatrial.models.headers import headers_from

    variables = {}
    for given in header_env:
        name, found, variable = given.partition("=")
        if not (found and name and variable):
            raise UsageError(
                f"received --header-env {given!r}; accepted is NAME=VARIABLE.",
                hint="For example: --header-env X-Api-Key=MY_KEY",
            )
        variables[name] = variable
    headers = headers_from(variables)
    if bearer_env:
        key = headers_from({"Authorization": bearer_env})["Authorization"]
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _check(path: Path) -> None:
    """Refuse a place where no page can be written before the load, not after it."""
    from seatrial.core.errors import UsageError

    if not path.parent.is_dir():
        raise UsageError(
            f"{path} cannot be written: there is no folder {path.parent}.",
            hint="Make it first.",
        )


def _write(path: Path, evidence: Evidence) -> None:
    from seatrial.core.errors import UsageError
    from seatrial.report.load import load_html

    try:
        path.write_text(load_html(evidence), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
