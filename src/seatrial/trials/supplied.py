"""The rows that a folder supplies: eval and production, read as its settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from seatrial.core.errors import DataError, SettingsError
from seatrial.core.settings import Settings
from seatrial.records.tables import EVERY_COLUMN, Rows, column_names, read_rows


class Supplied(Struct, frozen=True):
    """Eval and production rows; ``production`` is ``None`` where there are none."""

    eval: Rows
    production: Rows | None

    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are."""
        production = self.production
        labels: list[Any] = (production.labels or []) if production else []
        return {
            "eval": len(self.eval),
            "production": len(production) if production else 0,
            "labelled": sum(label is not None for label in labels),
        }


def read_supplied(settings: Settings, folder: Path) -> Supplied:
    """Read the data files that the settings name.

    Raises:
        SettingsError: No eval file is named.
        DataError: A file or a column is missing, or the eval set is empty or has no labels.
    """
    if not settings.eval.data:
        raise SettingsError(
            "[eval] data names no file; accepted is a Parquet, CSV or JSONL file.",
            hint='For example: data = "eval.csv"',
        )
    path = folder / settings.eval.data
    rows = read_rows(
        path, input=settings.eval.input, label=settings.eval.label, require_labels=True
    )
    return Supplied(labelled(rows), _production(settings, folder, path))


def labelled(rows: Rows) -> Rows:
    """Return only the rows that have a label: an eval row without one says nothing."""
    keep = [at for at, label in enumerate(rows.labels or []) if label is not None]
    if len(keep) == len(rows):
        return rows
    labels = rows.labels or []
    return Rows(
        [rows.inputs[at] for at in keep],
        [labels[at] for at in keep],
        {name: [values[at] for at in keep] for name, values in rows.columns.items()},
    )


def _production(settings: Settings, folder: Path, eval_path: Path) -> Rows | None:
    if not settings.production.data:
        return None
    path = folder / settings.production.data
    chosen = settings.production.input or settings.eval.input
    if chosen == EVERY_COLUMN and not settings.production.input:
        # Slice columns and notes of the production file are no inputs of the model.
        names = [name for name in column_names(eval_path) if name != settings.eval.label]
        chosen = names
    label = settings.production.label or settings.eval.label
    if not settings.production.label and label not in column_names(path):
        label = ""
    rows = read_rows(path, input=chosen, label=label or None, slices=settings.production.slices)
    if not len(rows):
        raise DataError(f"{path} holds no rows.", hint="Leave [production] data out until it does.")
    return rows
