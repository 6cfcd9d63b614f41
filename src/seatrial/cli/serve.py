"""``seatrial serve``: the model of a folder behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli.console import folder_argument

if TYPE_CHECKING:
    from seatrial.serve.plan import Ready

ORIGINS = ("user", "golden", "drill", "replay")


@click.command()
@folder_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", type=click.IntRange(1), help="Model processes.")
@click.option("--variant", help="Which variant to serve.")
@click.option(
    "--origin",
    default="user",
    show_default=True,
    type=click.Choice(ORIGINS),
    help="Who causes the requests; only user counts in production figures.",
)
@click.option(
    "--log-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep records about another folder than FOLDER.",
)
@click.option(
    "--drain-delay",
    type=click.FloatRange(0),
    help="Seconds from SIGTERM, while readiness is off, in which requests are still taken.",
)
@click.option("--keeper/--no-keeper", default=True, help="Seal the log to Parquet as it grows.")
@click.option(
    "--admin-port",
    type=click.IntRange(0, 65535),
    help="Serve the admin API there, on loopback; 0 takes a free port.",
)
@click.option("--lifeline", is_flag=True, help="Stop when standard input ends.")
@click.option("--trust", metavar="WHO", help="Trust the code in a pickle; WHO is recorded.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line once ready.")
def serve(
    *,
    folder: Path,
    host: str,
    port: int,
    workers: int | None,
    variant: str | None,
    origin: str,
    log_folder: Path | None,
    drain_delay: float | None,
    keeper: bool,
    admin_port: int | None,
    lifeline: bool,
    trust: str | None,
    as_json: bool,
) -> None:
    """Serve the model in FOLDER until a signal stops it; every request is recorded."""
    from seatrial.serve import command

    def announce(ready: Ready) -> None:
        if as_json:
            import msgspec

            click.echo(msgspec.json.encode(ready))
        else:
            click.echo(f"{ready.release}\n  at {ready.url}, {ready.workers} workers; Ctrl-C stops")

    if lifeline:
        from seatrial.serve.lifeline import hold_lifeline

        hold_lifeline()
    command.serve(
        folder,
        host=host,
        port=port,
        workers=workers,
        variant=variant,
        origin=origin,  # type: ignore[arg-type]  # click has checked it
        log_folder=log_folder,
        drain_delay_s=command.DRAIN_DELAY_S if drain_delay is None else drain_delay,
        keeper=keeper,
        flags={"model.trust": trust, "serving.admin_port": admin_port},
        announce=announce,
    )
