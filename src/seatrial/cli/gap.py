"""``seatrial gap``: eval accuracy minus what users get, and the steps between."""

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
from seatrial.cli.service import chosen_settings, service_options


@click.command()
@folder_argument
@service_options
@click.option("--trust", metavar="WHO", help="Trust the code in a pickle; WHO is recorded.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@json_option
def gap(*, folder: Path, trust: str | None, quiet: bool, as_json: bool) -> None:
    """Measure how far production falls below eval, and explain every point.

    What is measured is the model in FOLDER, or the service behind --url.
    """
    from seatrial.report.terminal import render_gap
    from seatrial.trials.outcome import gap_and_write

    settings = chosen_settings(folder, flags={"model.trust": trust})
    document = gap_and_write(settings, folder, progress=quiet_or_narrator(quiet=quiet))
    if as_json:
        print_json(document)
    else:
        render_gap(document, console=result_console())
