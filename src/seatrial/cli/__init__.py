"""The command line: one thin file per verb. Importing it imports click alone."""

from __future__ import annotations

import click

from seatrial._version import __version__
from seatrial.cli.verbs import Verbs


@click.group(
    cls=Verbs,
    verbs={
        "demo": "seatrial.cli.demo:demo",
        "init": "seatrial.cli.init:init",
        "trial": "seatrial.cli.trial:trial",
        "gap": "seatrial.cli.gap:gap",
        "measure": "seatrial.cli.measure:measure",
        "serve": "seatrial.cli.serve:serve",
        "review": "seatrial.cli.review:review",
        "log": "seatrial.cli.log:log",
        "load": "seatrial.cli.load:load",
        "status": "seatrial.cli.status:status",
        "kill": "seatrial.cli.kill:kill",
        "keys": "seatrial.cli.keys:keys",
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="seatrial")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(*, debug: bool) -> None:
    """Find what will break between an eval set and production, and explain every point lost.

    FOLDER holds a seatrial.toml; `seatrial init FOLDER` writes one.
    """
    click.get_current_context().obj = debug
