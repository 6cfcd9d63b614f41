"""The rows that a folder supplies: eval and production, read as its settings say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from seatrial.core.errors import SettingsError
from seatrial.core.settings import Columns, Settings
from seatrial.gap.case import Fate
from seatrial.models.answers import Answer
from seatrial.records.query import Log
from seatrial.records.results import ProductionRows
from seatrial.records.reviewing import ReviewedRow, ReviewSample
from seatrial.records.tables import EVERY_COLUMN, Rows, column_names, read_rows

FATES: dict[str, Fate] = {"answered": "answered", "abstained": "abstained"}
"""Status of a record to what the user got; whatever else it says, the user got no answer."""

LOG_ROWS = 200_000
"""About so many rows are taken from a log that holds more, and every reviewed one: shares are known
to a tenth of a point from these, and they fit into memory."""


class Recorded(Struct, frozen=True):
    """What the log says became of each production row, in its order."""

    answers: list[Answer | None]
    fates: list[Fate]


class Supplied(Struct, frozen=True):
    """Eval and production rows; ``production`` is ``None`` where there are none.

    ``recorded`` is set where the production rows come from the prediction log: what users got is
    known then, and nobody has to ask the model again.
    """

    eval: Rows
    production: Rows | None
    recorded: Recorded | None = None

    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are."""
        production = self.production
        labels: list[Any] = (production.labels or []) if production else []
        return {
            "eval": len(self.eval),
            "production": len(production) if production else 0,
            "labelled": sum(label is not None for label in labels),
        }


def read_supplied(settings: Settings, folder: Path, *, release: str) -> Supplied:
    """Read the data files that the settings name.

    Args:
        settings: ``[eval]`` and ``[production]``.
        folder: What their paths are relative to.
        release: What is tried; only its own logged answers are taken for answers.

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
        path,
        input=settings.eval.input,
        label=settings.eval.label,
        text_columns=_text_columns(settings, settings.eval.input),
        require_labels=True,
    )
    if settings.production.data:
        return Supplied(labelled(rows), _production(settings, folder, path))
    return _from_log(labelled(rows), folder, release)


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


def _production(settings: Settings, folder: Path, eval_path: Path) -> Rows:
    path = folder / settings.production.data
    chosen = settings.production.input or settings.eval.input
    if chosen == EVERY_COLUMN and not settings.production.input:
        # Slice columns and notes of the production file are no inputs of the model.
        names = [name for name in column_names(eval_path) if name != settings.eval.label]
        chosen = names
    label = settings.production.label or settings.eval.label
    if not settings.production.label and label not in column_names(path):
        label = ""
    return read_rows(
        path,
        input=chosen,
        label=label or None,
        slices=settings.production.slices,
        text_columns=_text_columns(settings, chosen),
    )


def _text_columns(settings: Settings, chosen: Columns) -> list[str]:
    """Return the columns that hold text whatever it looks like: "12" is a message too."""
    if settings.model.input != "text" or not isinstance(chosen, str) or chosen == EVERY_COLUMN:
        return []
    return [chosen]


def _from_log(eval_rows: Rows, folder: Path, release: str) -> Supplied:
    """Add what users sent to ``seatrial serve FOLDER``, as far as inputs were kept.

    What another release answered says nothing of this one: its inputs are asked again.
    """
    log = Log(folder)
    with ReviewSample(folder) as sample:
        reviewed = sample.reviewed()
    also = {id_ for id_, _ in reviewed}
    found = log.production_rows(release=release, about=LOG_ROWS, also=also)
    if found.inputs:
        return _logged(eval_rows, found, reviewed)
    others = _logged(eval_rows, log.production_rows(about=LOG_ROWS, also=also), reviewed)
    return structs.replace(others, recorded=None)


def _logged(
    eval_rows: Rows, found: ProductionRows, reviewed: Mapping[tuple[str, int], ReviewedRow]
) -> Supplied:
    kept = [at for at, value in enumerate(found.inputs) if value is not None]
    if not kept:
        return Supplied(eval_rows, None)
    answers = [
        None
        if found.outputs[at] is None
        else Answer(found.outputs[at], found.confidences[at], found.scores[at])
        for at in kept
    ]
    fates: list[Fate] = [FATES.get(found.statuses[at], "failed") for at in kept]
    labels, probabilities = [found.labels[at] for at in kept], None
    drawn = [reviewed.get((found.ids[at], found.rows[at])) for at in kept]
    if any(drawn):
        # Labels of rows that were not drawn are of those whom users cared to tell us about.
        labels = [None if one is None else one.label for one in drawn]
        probabilities = [1.0 if one is None else one.probability for one in drawn]
    rows = Rows([found.inputs[at] for at in kept], labels, {}, probabilities)
    return Supplied(eval_rows, rows, Recorded(answers, fates))
