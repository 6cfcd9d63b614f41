"""What verbs share: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def folder_argument(command: Any) -> Any:
    """Add the FOLDER argument; default: the current one."""
    return click.argument(
        "folder",
        default=".",
        type=click.Path(file_okay=False, path_type=_path_type()),
    )(command)


def result_console() -> Console:
    """Return the console for results, on standard output."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False, soft_wrap=False)


def print_json(document: Any) -> None:
    """Print a document as JSON, indented for a person, in one piece."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


class Narrator:
    """Says on standard error which stage runs and how long each took."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, emoji=False, markup=False)
        self._started = time.monotonic()
        self._status: Any = None

    def stage(self, sentence: str) -> None:
        """Announce a stage, with the seconds since the start."""
        elapsed = time.monotonic() - self._started
        self._console.print(f"{elapsed:6.1f} s  {sentence}", style="dim")

    def note(self, sentence: str) -> None:
        """Say something within a stage."""
        self._console.print(f"          {sentence}", style="dim")


def quiet_or_narrator(*, quiet: bool) -> Any:
    """Return whoever is told about progress."""
    if quiet:
        from seatrial.trials.progress import Silent

        return Silent()
    return Narrator()


def leave(status: int) -> None:
    """End with an exit status of the design."""
    if status:
        sys.exit(status)


def _path_type() -> type:
    from pathlib import Path

    return Path
