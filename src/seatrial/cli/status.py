"""``seatrial status``: how a folder or a running server stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatrial.cli.console import folder_argument, json_option, print_json

if TYPE_CHECKING:
    from seatrial.serve.status import FolderStatus


@click.command()
@folder_argument
@click.option("--url", help="Ask a server that runs, instead of looking into FOLDER.")
@json_option
def status(*, folder: Path, url: str | None, as_json: bool) -> None:
    """Say what is ordered for FOLDER and what its servers left, or what a server says of itself."""
    from seatrial.serve.status import of_folder, of_url

    told = of_folder(folder) if url is None else of_url(url)
    if as_json:
        print_json(told)
        return
    for name, value in _server(told) if isinstance(told, dict) else _folder(told):
        click.echo(f"{name:<12} {value}")


def _server(told: dict[str, Any]) -> list[tuple[str, str]]:
    from seatrial.cli.verbs import printable

    return [(printable(name), printable(_flat(value))) for name, value in told.items()]


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_flat(held)}" for name, held in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(held) for held in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folder(told: FolderStatus) -> list[tuple[str, str]]:
    from seatrial.cli.kill import sentence

    broken = told.audit_broken_at
    return [
        ("answering", sentence(told.control)),
        ("keys", _flat(told.keys) or "none: everybody is answered"),
        ("admin API", told.admin.url if told.admin else "not served"),
        ("audit log", f"{told.audit_rows} rows" + (f", broken at row {broken}" if broken else "")),
        ("log files", _flat(told.segments)),
    ]
