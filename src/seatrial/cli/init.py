"""``seatrial init``: write a seatrial.toml from what is in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.console import folder_argument, json_option, print_json


@click.command()
@folder_argument
@click.option("--force", is_flag=True, help="Replace a seatrial.toml that is there.")
@json_option
def init(*, folder: Path, force: bool, as_json: bool) -> None:
    """Look at what is in FOLDER and write a seatrial.toml with comments."""
    from seatrial.core.errors import UsageError
    from seatrial.core.settings import FILE_NAME
    from seatrial.trials.folder import look, render

    path = folder / FILE_NAME
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is no folder.", hint="Name the folder that holds the model and its data."
        )
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", hint="Use --force to replace it.")
    found = look(folder)
    path.write_text(render(found), encoding="utf-8")
    if as_json:
        print_json(found)
        return
    click.echo(f"wrote {path}: {found.adapter} = {found.location}, eval = {found.eval_data or '?'}")
    for note in found.notes:
        click.echo(f"  {note}")
    click.echo(f"next: seatrial trial {folder}")
