"""``python -m seatrial.serve FOLDER``: the server without the rest of the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from seatrial.core.errors import SeatrialError
from seatrial.serve import command
from seatrial.serve.front import Ready


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", type=click.IntRange(1))
@click.option("--variant")
@click.option("--origin", default="user", type=click.Choice(["user", "golden", "drill", "replay"]))
@click.option("--drain-delay", default=command.DRAIN_DELAY_S, show_default=True)
@click.option("--keeper/--no-keeper", default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line once ready.")
def main(
    *,
    folder: Path,
    host: str,
    port: int,
    workers: int | None,
    variant: str | None,
    origin: str,
    drain_delay: float,
    keeper: bool,
    as_json: bool,
) -> None:
    """Serve the model of FOLDER."""

    def announce(ready: Ready) -> None:
        line = msgspec.json.encode(ready).decode() if as_json else f"{ready.release} at {ready.url}"
        click.echo(line)

    try:
        command.serve(
            folder,
            host=host,
            port=port,
            workers=workers,
            variant=variant,
            origin=origin,  # type: ignore[arg-type]  # click has checked it
            drain_delay_s=drain_delay,
            keeper=keeper,
            announce=announce,
        )
    except SeatrialError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
