"""Settings for a service that seatrial did not start, made from command-line options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from seatrial.core import settings as table
from seatrial.core.errors import UsageError
from seatrial.core.settings import FILE_NAME, Settings
from seatrial.trials.datafile import look_at


class Service(Struct, frozen=True, kw_only=True):
    """A service as the command line names it.

    Attributes:
        url: Where it is.
        data: Eval file.
        production: Production file.
        body: Request template.
        answer: Answer template.
        also: Another model or version of the same service.
        header_env: Headers, each ``Name=VARIABLE``.
        input: Input column(s), comma separated, or ``*``.
        label: Label column.
    """

    url: str
    data: str | None = None
    production: str | None = None
    body: str | None = None
    answer: str | None = None
    also: str | None = None
    header_env: Sequence[str] = ()
    input: str | None = None
    label: str | None = None


def settings_for(service: Service, *, folder: Path, flags: Mapping[str, Any]) -> Settings:
    """Build the settings of ``seatrial trial --url URL --data FILE``.

    Args:
        service: What was named.
        folder: A ``seatrial.toml`` in it gives what was not named (budgets, target).
        flags: Dotted key to value.

    Raises:
        UsageError: No data file is named anywhere, or a header is not written ``Name=VARIABLE``.
        DataError: The data file is missing or has no such column.
    """
    document = _without_model(folder)
    model, rows = document.setdefault("model", {}), document.setdefault("eval", {})
    model["url"] = service.url
    model.setdefault("name", name_of(service.url))
    if service.data:
        rows["data"] = str(Path(service.data).resolve())
    if not rows.get("data"):
        raise UsageError(
            "no eval file is named; accepted is --data FILE with inputs and labels.",
            hint="For example: seatrial trial --url http://127.0.0.1:8000 --data eval.csv",
        )
    if service.data or service.input or service.label:
        _look(document, folder, service)
    if service.production:
        section = document.setdefault("production", {})
        section["data"] = str(Path(service.production).resolve())
    endpoint = document.setdefault("endpoint", {})
    if service.body or service.answer:
        endpoint.update(protocol="template", body=service.body or "", answer=service.answer or "")
    if service.also:
        endpoint["also"] = service.also
    if service.header_env:
        named = _headers(service.header_env)
        endpoint["header_env"] = {**endpoint.get("header_env", {}), **named}
    return table.parse(document, flags=flags, source=f"--url {service.url}")


def name_of(url: str) -> str:
    """Return a name for what stands behind a URL: the last part of its path.

    >>> name_of("http://127.0.0.1:8000/v1/Classify"), name_of("https://example.org")
    ('classify', 'service')
    """
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2].lower()
    return re.sub(r"[^a-z0-9._-]+", "-", last).strip("-._")[:64] or "service"


def _without_model(folder: Path) -> dict[str, Any]:
    """Return the folder's own document, less what says where the model comes from."""
    path = folder / FILE_NAME
    if not path.is_file():
        return {}
    document = table.read(path)
    model = document.get("model", {})
    document["model"] = {key: model[key] for key in ("name", "input", "task") if key in model}
    return document


def _look(document: dict[str, Any], folder: Path, service: Service) -> None:
    """Lay what the eval file holds over what the folder says; its task and metric stay."""
    rows, model = document["eval"], document["model"]
    columns: str | list[str] | None = service.input
    if service.input and "," in service.input:
        columns = [name.strip() for name in service.input.split(",")]
    found = look_at(folder / rows["data"], label=service.label, columns=columns)
    rows.update(input=found.columns, label=found.label or table.EvalSettings().label)
    rows.setdefault("metric", found.metric)
    model.update(input=found.input)
    model.setdefault("task", found.task)


def _headers(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for (name, _, variable), text in zip(pairs, given, strict=True):
        if not name or not variable:
            raise UsageError(
                f"--header-env {text!r}; accepted is NAME=VARIABLE, the variable that holds it.",
                hint="For example: --header-env Authorization=MY_TOKEN",
            )
    return {name: variable for name, _, variable in pairs}
