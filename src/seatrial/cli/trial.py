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


@click.command()
@folder_argument
@click.option("--only", metavar="ITEM,…", help="Judge these items alone, measuring what they need.")
@click.option("--require", metavar="ITEM,…|all", help="Exit 1 where one of these is unmeasured.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Where report.html goes."
)
@click.option("--url", help="Try a service that runs already, at this URL.")
@click.option("--data", help="Eval file for --url.")
@click.option("--production", help="Production file for --url.")
@click.option("--body", help='Request template for --url, with "$inputs" or "$input".')
@click.option("--answer", help='Answer template for --url, with "$outputs" or "$output".')
@click.option("--input", "input_column", help="Input column(s) of --data, comma separated, or *.")
@click.option("--label", help="Label column of --data.")
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
    url: str | None,
    data: str | None,
    production: str | None,
    body: str | None,
    answer: str | None,
    input_column: str | None,
    label: str | None,
    trust: str | None,
    time_budget: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Put the model in FOLDER, or the service behind --url, through its trial.

    Exit status 1 where an item fails. Unmeasured items are counted, never passed.
    """
    from seatrial.core import settings as table
    from seatrial.report.terminal import render_trial
    from seatrial.trials.outcome import run_and_write, unmet
    from seatrial.trials.remote import settings_for_url
    from seatrial.trials.trial import names

    flags = {"model.trust": trust, "trial.time_budget_s": time_budget}
    if url:
        settings = settings_for_url(
            url,
            folder=folder,
            data=data,
            production=production,
            body=body,
            answer=answer,
            input_column=input_column,
            label=label,
            flags=flags,
        )
    else:
        settings = table.load(folder, flags=flags)
    wanted = names(only)
    outcome = run_and_write(
        settings, folder, only=wanted, report=report, progress=quiet_or_narrator(quiet=quiet)
    )
    if as_json:
        print_json(outcome.trial)
    else:
        console = result_console()
        render_trial(outcome.trial, outcome.evidence, console=console)
        console.print(f"report: {outcome.report}")
    failed = any(item.status == "fail" for item in outcome.trial.items)
    leave(1 if failed or unmet(outcome.trial, require) else 0)
