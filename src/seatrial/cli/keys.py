"""``seatrial keys``: who may ask the servers of a folder."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli.console import folder_argument, json_option, print_json, result_console
from seatrial.cli.kill import warn

if TYPE_CHECKING:
    from seatrial.serve.keyfile import Key

SCOPES = ("predict", "review", "admin")


@click.group()
def keys() -> None:
    """Make, list and revoke API keys.

    Servers ask for a key from the moment the first one exists; they notice changes by themselves.
    """


@keys.command()
@folder_argument
@click.option("--name", default="", help="Whose key it is.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("predict",),
    show_default=True,
    type=click.Choice(SCOPES),
    help="What it may do; may be given more than once.",
)
@click.option("--expires", type=click.FloatRange(0, min_open=True), metavar="DAYS")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests per second.")
@click.option("--burst", type=click.IntRange(1), help="Requests at once within --rate.")
@click.option("--concurrency", type=click.IntRange(1), help="Requests in flight at one time.")
@click.option("--replace", metavar="ID", help="Take over the terms of this key, and end it.")
@click.option(
    "--overlap",
    default=24.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Hours for which a replaced key stays valid.",
)
@json_option
def create(
    *,
    folder: Path,
    name: str,
    scopes: tuple[str, ...],
    expires: float | None,
    rate: float | None,
    burst: int | None,
    concurrency: int | None,
    replace: str | None,
    overlap: float,
    as_json: bool,
) -> None:
    """Make a key and show its secret, this once: only its hash is kept."""
    from seatrial.core.clock import SYSTEM
    from seatrial.serve.keyfile import Terms
    from seatrial.serve.operating import Operator

    operator = Operator(folder)
    if replace is not None:
        key, secret = operator.replace_key(replace, overlap=timedelta(hours=overlap))
    else:
        terms = Terms(
            name=name,
            scopes=scopes,  # type: ignore[arg-type]  # click has checked it
            expires=None if expires is None else SYSTEM.utc() + timedelta(days=expires),
            requests_per_s=rate,
            burst=burst,
            concurrency=concurrency,
        )
        key, secret = operator.create_key(terms)
    warn(operator)
    if as_json:
        print_json({"id": key.id, "name": key.name, "scopes": key.scopes, "secret": secret})
        return
    click.echo(secret)
    click.echo(f"key {key.id} for {', '.join(key.scopes)}; it is not shown again", err=True)


@keys.command("list")
@folder_argument
@json_option
def list_keys(*, folder: Path, as_json: bool) -> None:
    """List every key ever made, without secrets."""
    from seatrial.core.clock import SYSTEM
    from seatrial.serve.keyfile import KeyFile
    from seatrial.serve.operating import check_folder

    check_folder(folder)
    now = SYSTEM.utc()
    found = KeyFile(folder).keys() or []
    if as_json:
        print_json([_told(key, key.state_at(now)) for key in found])
    elif found:
        _render(found, now)
    else:
        click.echo("no keys: everybody is answered")


@keys.command()
@folder_argument
@click.argument("identifier", metavar="ID")
@json_option
def revoke(*, folder: Path, identifier: str, as_json: bool) -> None:
    """Withdraw the key ID, at once and for good."""
    from seatrial.serve.operating import Operator

    operator = Operator(folder)
    key = operator.revoke_key(identifier)
    warn(operator)
    if as_json:
        print_json(_told(key, "revoked"))
    else:
        click.echo(f"key {key.id} is revoked")


def _told(key: Key, state: str) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "state": state,
        "scopes": key.scopes,
        "created": key.created,
        "expires": key.expires,
        "requests_per_s": key.requests_per_s,
        "burst": key.burst,
        "concurrency": key.concurrency,
    }


def _render(keys: list[Key], now: datetime) -> None:
    from rich.table import Table

    from seatrial.cli.verbs import printable

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "state", "scopes", "expires", "per s", "at once"):
        table.add_column(heading)
    for key in keys:
        table.add_row(
            key.id,
            printable(key.name),
            key.state_at(now),
            ", ".join(key.scopes),
            f"{key.expires:%Y-%m-%d %H:%M}" if key.expires else "",
            f"{key.requests_per_s:g}" if key.requests_per_s else "",
            f"{key.concurrency}" if key.concurrency else "",
        )
    result_console().print(table)
