"""``seatrial load``: an open-loop load on any URL."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.console import json_option, print_json, result_console

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("url")
@click.option("--rate", default=50.0, show_default=True, help="Requests per second (Poisson).")
@click.option("--duration", default=10.0, show_default=True, help="Seconds.")
@click.option("--trace", type=_FILE, help="Replay the timestamp column of this file instead.")
@click.option("--speed", default=1.0, show_default=True, help="Replay this many times faster.")
@click.option("--data", type=_FILE, help="Rotate through the inputs in this file.")
@click.option("--input", "input_column", help="Input column of --data.")
@click.option("--body", help='Request template with "$input" or "$inputs"; without --data, as is.')
@click.option("--deadline", default=10.0, show_default=True, help="Longest wait for an answer, s.")
@click.option("--connections", default=256, show_default=True, help="Most connections at once.")
@click.option("--warmup", default=0.0, show_default=True, help="Seconds that do not count.")
@click.option("--seed", default=0, show_default=True)
@json_option
def load(
    *,
    url: str,
    rate: float,
    duration: float,
    trace: Path | None,
    speed: float,
    data: Path | None,
    input_column: str | None,
    body: str | None,
    deadline: float,
    connections: int,
    warmup: float,
    seed: int,
    as_json: bool,
) -> None:
    """Send requests to URL when they are due, and time each from when it was due."""
    from seatrial.report.terminal import render_evidence
    from seatrial.trials.loading import Load, run

    summary, evidence = run(
        Load(
            url=url,
            rate_per_s=rate,
            duration_s=duration,
            trace=trace,
            speed=speed,
            data=data,
            input=input_column,
            body=body,
            deadline_s=deadline,
            connections=connections,
            warmup_s=warmup,
            seed=seed,
        )
    )
    if as_json:
        print_json(summary)
    else:
        render_evidence(evidence, console=result_console())
