"""A model and rows in memory, written as the folder that the command line and the server take."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seatrial.core.errors import DataError, UsageError, nearest
from seatrial.core.settings import FILE_NAME
from seatrial.models.answers import plain
from seatrial.records.tables import write_rows
from seatrial.stats.scores import WITHIN
from seatrial.trials.datafile import task_of
from seatrial.trials.keeping import keep_model
from seatrial.trials.rows import INPUT_COLUMN, PlainRows, column, plain_rows

EVAL_FILE = "eval.jsonl"
PRODUCTION_FILE = "production.jsonl"
LABEL_COLUMNS = ("label", "label_", "seatrial_label")
"""Names for the column of labels; the first that no input has."""

MARK = "# Written by seatrial from a notebook."
"""First line of a ``seatrial.toml`` that may be replaced without asking."""


def write_project(
    folder: Path,
    *,
    model: Any,
    inputs: Any,
    labels: Any,
    production: Any = None,
    production_labels: Any = None,
    slices: Mapping[str, Sequence[Any]] | Sequence[str] | None = None,
    name: str = "notebook",
    metric: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    trust: str | None = None,
    now: datetime | None = None,
) -> Path:
    """Write model, rows and ``seatrial.toml``; return the folder.

    Args:
        folder: A new or empty folder, or one that this function wrote.
        model: A fitted scikit-learn estimator, a function of a list of inputs, or an object with
            ``predict``.
        inputs: List, array, Series or DataFrame of eval inputs, n rows.
        labels: The n labels, or the name of a column of ``inputs``.
        production: Inputs as users sent them, or ``(inputs, labels)``.
        production_labels: Their labels; ``None`` entries are allowed.
        slices: Columns to report production accuracy by: name to one value per production row, or
            names of columns that ``production`` has.
        name: Name of the model.
        metric: As ``[eval] metric``; for a regression the default is a tolerance of half the
            standard deviation of the labels.
        settings: Further sections of ``seatrial.toml`` (``{"budget": {"p99_ms": 50}}``).
        trust: Who trusts the code in the model, where it can only be pickled.
        now: Wall time of that trust; default: now.

    Raises:
        UsageError: The folder holds something else.
        DataError: Rows and labels do not fit together.
        ModelLoadError: The model is none of the accepted kinds.
        UntrustedCodeError: The model carries code and nobody said they trust it.
    """
    ready(folder)
    rows = plain_rows(inputs, labels, what="inputs")
    if rows.labels is None:
        raise DataError("labels is None; accepted is one label per input.", hint="Pass labels.")
    label = next(one for one in LABEL_COLUMNS if one not in rows.inputs)
    task = task_of([value for value in rows.labels if value is not None])
    source = keep_model(folder, model, rows=rows, inputs=inputs, trust=trust, now=now)
    document: dict[str, dict[str, Any]] = {
        "model": {"name": name, **source, "input": rows.kind, "task": task},
        "eval": {
            "data": EVAL_FILE,
            "input": list(rows.inputs) if rows.kind == "record" else INPUT_COLUMN,
            "label": label,
        },
    }
    if metric or task == "regression":
        document["eval"]["metric"] = metric or tolerance(rows.labels)
    write_rows(folder / EVAL_FILE, {**rows.inputs, label: rows.labels})
    if production is not None:
        document["production"] = _write_production(
            folder, production, production_labels, slices or {}, like=rows, label=label
        )
    for section, keys in (settings or {}).items():
        document[section] = {**document.get(section, {}), **keys}
    (folder / FILE_NAME).write_text(_toml(document), encoding="utf-8")
    return folder


def ready(folder: Path) -> None:
    """Make a folder ready to be written to; what a notebook wrote there earlier is removed.

    Records of what users sent (``.seatrial``) stay.

    Raises:
        UsageError: It holds something that a notebook did not write.
    """
    if folder.is_dir() and any(folder.iterdir()):
        if not from_notebook(folder):
            raise UsageError(f"{folder} is there already and not empty.", hint="Name a new folder.")
        for path in folder.iterdir():
            if path.name != ".seatrial":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file.", hint="Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)


def from_notebook(folder: Path) -> bool:
    """Say whether a folder was written from a notebook."""
    path = folder / FILE_NAME
    return path.is_file() and path.read_text(encoding="utf-8").startswith(MARK)


def tolerance(labels: Sequence[Any]) -> str:
    """Return the metric of a regression for which nobody said how close is right.

    >>> tolerance([0.0, 10.0, None])
    'within:2.5'
    """
    known = [float(label) for label in labels if label is not None]
    return f"{WITHIN}{float(np.std(known)) / 2:.2g}"


def _write_production(
    folder: Path,
    production: Any,
    labels: Any,
    slices: Mapping[str, Sequence[Any]] | Sequence[str],
    *,
    like: PlainRows,
    label: str,
) -> dict[str, Any]:
    if isinstance(production, tuple) and labels is None and len(production) == 2:  # noqa: PLR2004
        production, labels = production
    rows = plain_rows(production, labels, what="production")
    if rows.kind != like.kind:
        raise DataError(
            f"production holds inputs of kind {rows.kind}, inputs of kind {like.kind}; accepted is "
            "one kind.",
            hint="Pass production rows as you pass the eval rows.",
        )
    columns = dict(rows.inputs)
    by = slices if isinstance(slices, Mapping) else {name: columns.get(name) for name in slices}
    for name, entries in by.items():
        columns[name] = _slice(name, entries, rows, taken={*like.inputs, label})
    if rows.labels is not None:
        columns[label] = rows.labels
    write_rows(folder / PRODUCTION_FILE, columns)
    return {"data": PRODUCTION_FILE, "slices": list(by)}


def _slice(name: str, entries: Any, rows: PlainRows, *, taken: set[str]) -> list[Any]:
    """Return the values of one slice column.

    Raises:
        DataError: There is no such column, it is not one value per row, or its name means another.
    """
    if entries is None:
        raise DataError(
            f"production has no column {name!r} to slice by; columns: {', '.join(rows.inputs)}.",
            hint=nearest(name, rows.inputs) or "Pass slices={name: one value per row}.",
        )
    values = column(entries)
    if len(values) != len(rows):
        raise DataError(
            f"slice {name!r} holds {len(values)} values for {len(rows)} production rows; accepted "
            "is one per row.",
            hint="Check that both come from the same split.",
        )
    if name in taken and values != rows.inputs.get(name):
        raise DataError(
            f"slice {name!r} has the name of an input or of the label, and other values.",
            hint="Give the slice another name.",
        )
    return values


def _toml(document: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the document as TOML; what is ``None`` is left out, as if it had not been named."""
    blocks = [MARK]
    for section, keys in document.items():
        lines = [
            f"{_key(key)} = {_value(value)}" for key, value in keys.items() if value is not None
        ]
        blocks.append("\n".join([f"[{section}]", *lines]))
    return "\n\n".join(blocks) + "\n"


def _value(value: Any) -> str:
    """Return one TOML value; JSON scalars and lists of them are TOML too, objects are not."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return msgspec.json.encode(plain(value)).decode().replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)
