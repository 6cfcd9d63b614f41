"""What a data file seems to hold: inputs, labels, task and a metric that suits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.settings import InputKind, Task
from seatrial.records.tables import EVERY_COLUMN, column_names, read_rows
from seatrial.stats.scores import ACCURACY, WITHIN

LABELS = ("label", "labels", "target", "y", "class", "category", "answer", "outcome", "sentiment")
TEXTS = ("text", "message", "body", "content", "sentence", "input", "question", "review", "tweet")

ROW_NAMES = frozenset({"id", "index", "row_id", "uuid", "unnamed: 0"})
"""Columns that number the rows: no model is meant to read them."""

CLASSES_MAX = 50
"""A whole-number label with more distinct values than this is taken for a quantity."""

COLUMNS_LISTED = 64
"""Up to so many columns are named one by one, in the order in which a model without names of its
own takes them."""

SAMPLE_ROWS = 2_000
WORDS_OF_A_SENTENCE = 3
DISTINCT_OF_SENTENCES = 0.5
"""A column of texts holds sentences where they have so many words and so many of them differ;
otherwise it holds categories or names."""

CLOSE = 4.0
"""A prediction counts as right within this part of the labels' standard deviation, until the user
says how close it has to be."""


class DataFile(Struct, frozen=True, kw_only=True):
    """What was found in a data file.

    Attributes:
        input: What one input is.
        columns: The column(s) that hold it.
        label: The label column; empty where there is none.
        task: What the labels suggest.
        metric: A per-row score for that task.
        notes: What had to be guessed, in sentences.
    """

    input: InputKind
    columns: str | list[str]
    label: str
    task: Task
    metric: str
    notes: tuple[str, ...] = ()


def look_at(
    path: Path, *, label: str | None = None, columns: str | list[str] | None = None
) -> DataFile:
    """Look at what is in a data file.

    Args:
        path: The file.
        label: The label column, where it is known.
        columns: The input column(s), where they are known.

    Raises:
        DataError: The file cannot be read, or has no such column.
    """
    names = column_names(path)
    notes: list[str] = []
    if not label:
        label = _known(LABELS, [name for name in names if name != columns])
    if not label and len(names) > 1 and names[-1].lower() not in TEXTS:
        label = names[-1]
        notes.append(f"took the last column, {label}, for the label")
    rows = read_rows(path, input=EVERY_COLUMN, label=label or None)
    labels = [value for value in rows.labels or [] if value is not None][:SAMPLE_ROWS]
    task = task_of(labels)
    if columns is None:
        given = [name for name in names if name != label]
        inputs = [name for name in given if name.lower() not in ROW_NAMES] or given
        kind, columns = _inputs(inputs, rows.inputs[:SAMPLE_ROWS], notes)
        if isinstance(columns, list) and inputs != given:
            left_out = ", ".join(name for name in given if name not in inputs)
            notes.append(f"left out {left_out}: it numbers the rows")
    else:
        kind = _kind(read_rows(path, input=columns, label=label or None).inputs)
    return DataFile(
        input=kind,
        columns=columns,
        label=label,
        task=task,
        metric=metric_for(task, labels),
        notes=tuple(notes),
    )


def task_of(labels: Sequence[Any]) -> Task:
    """Return the task that labels suggest: many different or broken numbers are a regression.

    >>> task_of([1, 0, 1]), task_of(["a", "b"]), task_of([0.5, 1.25])
    ('classification', 'classification', 'regression')
    """
    if labels and all(isinstance(value, (int, float)) for value in labels):
        whole = all(float(value).is_integer() for value in labels)
        if not whole or len(set(labels)) > CLASSES_MAX:
            return "regression"
    return "classification"


def metric_for(task: Task, labels: Sequence[Any]) -> str:
    """Return a per-row score: equality, or a tolerance from how far the labels spread.

    >>> metric_for("regression", [100.0, 200.0, 300.0])
    'within:20'
    """
    if task != "regression" or not labels:
        return ACCURACY
    close = float(np.std(np.asarray(labels, dtype=np.float64))) / CLOSE
    return f"{WITHIN}{float(f'{close:.1g}'):g}" if close else f"{WITHIN}0"


def _known(words: Sequence[str], names: Sequence[str]) -> str:
    return next((name for word in words for name in names if name.lower() == word), "")


def _inputs(
    names: list[str], rows: Sequence[Mapping[str, Any]], notes: list[str]
) -> tuple[InputKind, str | list[str]]:
    chosen = _known(TEXTS, names) or (names[0] if len(names) == 1 else "")
    if not chosen:
        chosen = _sentences(names, rows)
        if chosen:
            notes.append(f"took {chosen} for the input: it alone holds sentences")
    values = [row[chosen] for row in rows] if chosen else []
    if any(isinstance(value, (str, list)) for value in values):
        return _kind(values), chosen
    return "record", names if len(names) <= COLUMNS_LISTED else EVERY_COLUMN


def _kind(values: Sequence[Any]) -> InputKind:
    known = [value for value in values if value is not None]
    kinds: tuple[tuple[InputKind, type], ...] = (("text", str), ("record", dict))
    for kind, wanted in kinds:
        if known and all(isinstance(value, wanted) for value in known):
            return kind
    return "array"


def _sentences(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the one column that holds sentences; nothing where none or several do."""
    found = [name for name in names if _holds_sentences([row[name] for row in rows])]
    return found[0] if len(found) == 1 else ""


def _holds_sentences(values: Sequence[Any]) -> bool:
    texts = [value for value in values if value is not None]
    if not texts or not all(isinstance(value, str) for value in texts):
        return False
    words = sum(len(text.split()) for text in texts) / len(texts)
    return words >= WORDS_OF_A_SENTENCE and len(set(texts)) >= DISTINCT_OF_SENTENCES * len(texts)
