"""``seatrial review``: people label what users really sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli.console import folder_argument, json_option, print_json

if TYPE_CHECKING:
    from seatrial.web.server import Ready

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@folder_argument
@click.option(
    "--port",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the page, on loopback; 0 takes a free one.",
)
@click.option("--size", type=click.IntRange(1), metavar="N", help="Rows wanted in the sample.")
@click.option(
    "--export",
    "export_file",
    type=FILE,
    metavar="FILE",
    help="Write the sample instead: .csv, .json.",
)
@click.option(
    "--import",
    "import_file",
    type=FILE,
    metavar="FILE",
    help="Take labels from such a file instead.",
)
@click.option(
    "--with-answers", is_flag=True, help="Export what the model said, which leads those who label."
)
@click.option(
    "--reviewer", default="", metavar="NAME", help="Who labelled what --import names nobody for."
)
@click.option("--new-labels", is_flag=True, help="Import labels that the eval set does not have.")
@click.option(
    "--log-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Review the records kept about another folder than FOLDER.",
)
@json_option
def review(
    *,
    folder: Path,
    port: int,
    size: int | None,
    export_file: Path | None,
    import_file: Path | None,
    with_answers: bool,
    reviewer: str,
    new_labels: bool,
    log_folder: Path | None,
    as_json: bool,
) -> None:
    """Label a sample of what users sent to the model in FOLDER.

    Serves a page for this machine's browser until Ctrl-C; --export and --import do it by files,
    for a spreadsheet (.csv) or Label Studio (.json).
    """
    from seatrial.core.errors import UsageError
    from seatrial.web.server import Review

    if export_file is not None and import_file is not None:
        raise UsageError("--export and --import are both given; accepted is one of them.")

    def announce(ready: Ready) -> None:
        if as_json:
            import msgspec

            click.echo(msgspec.json.encode(ready))
            return
        click.echo(f"{ready.rows} rows, {ready.labelled} labelled\n  at {ready.url}; Ctrl-C stops")
        if not ready.rows:
            click.echo("Rows come in once the server's log is sealed, within minutes.", err=True)

    with Review(folder, log_folder=log_folder, size=size) as opened:
        if export_file is not None:
            exported = opened.export(export_file, answers=with_answers)
            if as_json:
                print_json(exported)
            else:
                click.echo(f"{exported.rows} rows as {exported.format} in {exported.file}")
        elif import_file is not None:
            taken = opened.take(import_file, reviewer=reviewer, new=new_labels)
            if as_json:
                print_json(taken)
            else:
                whose = f" by {', '.join(taken.reviewers)}" if taken.reviewers else ""
                click.echo(f"{taken.labels} labels{whose}; {taken.unchanged} were known already")
        else:
            opened.serve(port=port, announce=announce)
