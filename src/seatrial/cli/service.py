"""The options by which a verb tries a service that runs already, in place of a folder's model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seatrial.core.settings import Settings

_KEY = "seatrial.service"


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    ctx.meta.setdefault(_KEY, {})[param.name] = value


def _option(name: str, *, text: str, metavar: str | None = None, multiple: bool = False) -> Any:
    return click.option(
        name, help=text, metavar=metavar, multiple=multiple, callback=_keep, expose_value=False
    )


_OPTIONS = (
    _option("--url", text="Try a service that runs already, at this URL."),
    _option("--data", text="Eval file for --url.", metavar="FILE"),
    _option("--production", text="Production file for --url.", metavar="FILE"),
    _option(
        "--body", text='Request template for --url, with "$inputs" or "$input".', metavar="JSON"
    ),
    _option(
        "--answer", text='Answer template for --url, with "$outputs" or "$output".', metavar="JSON"
    ),
    _option(
        "--header-env",
        text="Header for --url; its value is read from the environment variable.",
        metavar="NAME=VARIABLE",
        multiple=True,
    ),
    _option(
        "--also",
        text="Another model or version of the same service: finds caches that mix them up.",
        metavar="URL",
    ),
    _option("--input", text="Input column(s) of --data, comma separated, or *.", metavar="COLUMN"),
    _option("--label", text="Label column of --data.", metavar="COLUMN"),
)


def service_options(command: Any) -> Any:
    """Add the options; :func:`chosen_settings` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_settings(folder: Path, *, flags: Mapping[str, Any]) -> Settings:
    """Return the settings of the service that the options name, else of the folder.

    Raises:
        UsageError: An option is given that needs ``--url``.
        SettingsError: The folder's settings cannot be used.
    """
    from seatrial.core import settings as table
    from seatrial.core.errors import UsageError
    from seatrial.trials.remote import Service, settings_for

    given = click.get_current_context().meta.get(_KEY, {})
    if given.get("url"):
        return settings_for(Service(**given), folder=folder, flags=flags)
    lonely = sorted(name for name, value in given.items() if value)
    if lonely:
        raise UsageError(
            f"--{lonely[0].replace('_', '-')} is given without --url; accepted is both.",
            hint="For a folder it is a setting: see seatrial.toml.",
        )
    return table.load(folder, flags=flags)
