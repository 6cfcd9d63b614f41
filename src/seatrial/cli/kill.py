"""``seatrial kill``: switch answering off, and on again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli.console import folder_argument, json_option, print_json

if TYPE_CHECKING:
    from seatrial.releases.control import ControlState
    from seatrial.serve.operating import Operator


@click.command()
@click.argument("action", type=click.Choice(["on", "off", "status"]))
@folder_argument
@click.option("--reason", default="", help="Why; kept in the control log and the audit log.")
@json_option
def kill(*, action: str, folder: Path, reason: str, as_json: bool) -> None:
    """Switch answering off (on) or back on (off) for every server of FOLDER, or say how it is.

    Servers follow within a tenth of a second, and answer 503 meanwhile. The order is a line in a
    file: it needs no server, no keeper and no database, and outlives restarts.
    """
    from seatrial.releases.control import Control
    from seatrial.serve.operating import Operator

    operator = Operator(folder)
    if action == "status":
        state = Control(folder).read()
    else:
        state = operator.order("kill-on" if action == "on" else "kill-off", reason=reason)
    warn(operator)
    if as_json:
        print_json(state)
    else:
        click.echo(sentence(state))


def warn(operator: Operator) -> None:
    """Say where an order holds that the audit log does not show."""
    if operator.unaudited:
        click.echo(f"seatrial: done, but not in the audit log: {operator.unaudited}", err=True)


def sentence(state: ControlState) -> str:
    """Return the state in words."""
    from seatrial.cli.verbs import printable

    words = "killed: no model call starts" if state.killed else "on"
    if state.since is not None:
        words += f", since {state.since:%Y-%m-%d %H:%M:%S} UTC, by {state.by}"
    if state.reason:
        words += f": {state.reason}"
    if state.problem:
        words += f" ({state.problem})"
    return printable(words)
