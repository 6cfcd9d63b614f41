"""Settings for a service that seatrial did not start, made from command-line options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial.core import settings as table
from seatrial.core.errors import UsageError
from seatrial.core.settings import FILE_NAME, Settings
from seatrial.records.tables import EVERY_COLUMN, column_names
from seatrial.trials.folder import columns_of


def settings_for_url(
    url: str,
    *,
    folder: Path,
    data: str | None,
    production: str | None,
    body: str | None,
    answer: str | None,
    input_column: str | None,
    label: str | None,
    flags: Mapping[str, Any],
) -> Settings:
    """Build the settings of ``seatrial trial --url URL --data FILE``.

    A ``seatrial.toml`` in the folder gives what is not named here (budgets, target).

    Raises:
        UsageError: No data file is named anywhere.
        DataError: The data file is missing or has no such column.
    """
    document = _without_model(folder)
    document.setdefault("model", {})["url"] = url
    if data:
        path = Path(data).resolve()
        document["eval"] = {**document.get("eval", {}), **_eval(path, input_column, label)}
        kind = document["eval"].pop("kind")
        document["model"].setdefault("input", kind)
        document["model"].setdefault("task", document["eval"].pop("task"))
    if not document.get("eval", {}).get("data"):
        raise UsageError(
            "no eval file is named; accepted is --data FILE with inputs and labels.",
            hint="For example: seatrial trial --url http://127.0.0.1:8000 --data eval.csv",
        )
    if production:
        section = document.setdefault("production", {})
        section["data"] = str(Path(production).resolve())
    if body or answer:
        endpoint = document.setdefault("endpoint", {})
        endpoint.update(protocol="template", body=body or "", answer=answer or "")
    return table.parse(document, flags=flags, source=f"--url {url}")


def _without_model(folder: Path) -> dict[str, Any]:
    """Return the folder's own document, less what says where the model comes from."""
    path = folder / FILE_NAME
    if not path.is_file():
        return {}
    document = table.read(path)
    model = document.get("model", {})
    document["model"] = {key: model[key] for key in ("name", "input", "task") if key in model}
    return document


def _eval(path: Path, input_column: str | None, label: str | None) -> dict[str, Any]:
    kind, columns, found_label, task = columns_of(path, label=label)
    if input_column == EVERY_COLUMN:
        kind, columns = "record", EVERY_COLUMN
    elif input_column and "," in input_column:
        kind, columns = "record", [name.strip() for name in input_column.split(",")]
    elif input_column:
        columns = input_column
        kind = kind if input_column in column_names(path) else "text"
    return {"data": str(path), "input": columns, "label": found_label, "kind": kind, "task": task}
