"""``seatrial trial``: the 24 items, judged from measurements."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.console import (
    folder_argument,
    json_option,
    leave,
    print_json,
    quiet_or_narrator,
    result_console,
)
from seatrial.cli.service import chosen_settings, service_options


@click.command()
@folder_argument
@click.option("--only", metavar="ITEM,…", help="Judge these items alone, measuring what they need.")
@click.option("--require", metavar="ITEM,…|all", help="Exit 1 where one of these is unmeasured.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Where report.html goes."
)
@service_options
@click.option("--trust", metavar="WHO", help="Trust the code in a pickle; WHO is recorded.")
@click.option("--time-budget", type=float, metavar="S", help="Seconds that measuring may take.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@json_option
def trial(
    *,
    folder: Path,
    only: str | None,
    require: str | None,
    report: Path | None,
    trust: str | None,
    time_budget: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Put the model in FOLDER, or the service behind --url, through its trial.

    Exit status 1 where an item fails. Unmeasured items are counted, never passed.
    """
    from seatrial.report.terminal import render_trial
    from seatrial.trials.outcome import run_and_write, unmet
    from seatrial.trials.trial import names

    flags = {"model.trust": trust, "trial.time_budget_s": time_budget}
    settings = chosen_settings(folder, flags=flags)
    wanted = names(only)
    outcome = run_and_write(
        settings, folder, only=wanted, report=report, progress=quiet_or_narrator(quiet=quiet)
    )
    if as_json:
        print_json(outcome.trial)
    else:
        render_trial(outcome.trial, outcome.evidence, console=result_console())
        click.echo(f"report: {outcome.report}")
    failed = any(item.status == "fail" for item in outcome.trial.items)
    leave(1 if failed or unmet(outcome.trial, require) else 0)
