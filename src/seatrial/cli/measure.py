"""``seatrial measure NAME``: one measurement, not judged."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.console import (
    folder_argument,
    json_option,
    print_json,
    quiet_or_narrator,
    result_console,
)


@click.command()
@click.argument("name")
@folder_argument
@click.option("--trust", metavar="WHO", help="Trust the code in a pickle; WHO is recorded.")
@click.option("--time-budget", type=float, metavar="S", help="Seconds that it may take.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@json_option
def measure(
    *,
    name: str,
    folder: Path,
    trust: str | None,
    time_budget: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run one measurement on FOLDER.

    NAME is one of batching, calibration, consistency, latency, overload, profile, skew,
    staleness, start, variants. The profile is kept for the server of FOLDER, which packs its
    batches and counts its workers by it.
    """
    from seatrial.core import settings as table
    from seatrial.report.terminal import render_evidence
    from seatrial.trials.outcome import measure_and_write

    flags = {"model.trust": trust, "trial.time_budget_s": time_budget}
    settings = table.load(folder, flags=flags)
    evidence = measure_and_write(name, settings, folder, progress=quiet_or_narrator(quiet=quiet))
    if as_json:
        print_json(evidence)
    else:
        render_evidence(evidence, console=result_console())
