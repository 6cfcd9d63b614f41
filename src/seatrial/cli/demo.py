"""``seatrial demo``: the tickets example, put through its trial."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.console import json_option, print_json, quiet_or_narrator, result_console


@click.command()
@click.argument("folder", default="seatrial-demo", type=click.Path(file_okay=False, path_type=Path))
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@json_option
def demo(*, folder: Path, quiet: bool, as_json: bool) -> None:
    """Train a text classifier, put it through its trial and explain its gap; offline.

    Everything lands in FOLDER, which may be deleted afterwards.
    """
    from seatrial.core import settings as table
    from seatrial.report.terminal import render_trial
    from seatrial.trials.example import prepare
    from seatrial.trials.outcome import run_and_write

    progress = quiet_or_narrator(quiet=quiet)
    progress.stage(f"writing the tickets example to {folder} and training its model")
    prepare(folder)
    outcome = run_and_write(
        table.load(folder), folder, only=None, report=folder / "report.html", progress=progress
    )
    if as_json:
        print_json(outcome.trial)
        return
    render_trial(outcome.trial, outcome.evidence, console=result_console())
    click.echo(f"report: {outcome.report}  (open it in a browser)")
    click.echo(f"next:   seatrial serve {folder}    or your own: seatrial init FOLDER")
