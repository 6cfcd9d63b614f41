"""Lists, arrays, series and data frames as columns of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from seatrial.core.errors import DataError, nearest
from seatrial.core.settings import InputKind
from seatrial.models.answers import plain

INPUT_COLUMN = "input"
"""Name of the column of inputs that are no records."""

Form = Literal["list", "array", "series", "frame"]
"""What the inputs were: functions of a notebook are written for that."""


class PlainRows(Struct, frozen=True):
    """Rows as files keep them.

    Attributes:
        kind: What one input is.
        form: What held the inputs.
        inputs: Their columns.
        labels: One per row, ``None`` where a row has none; ``None`` altogether for no labels.
    """

    kind: InputKind
    form: Form
    inputs: dict[str, list[Any]]
    labels: list[Any] | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values()), []))


def plain_rows(inputs: Any, labels: Any, *, what: str) -> PlainRows:
    """Return inputs and labels as plain values.

    Args:
        inputs: List, array, Series or DataFrame, n rows.
        labels: The n labels, the name of a column of ``inputs``, or ``None``.
        what: How they are called in messages.

    Raises:
        DataError: No rows, rows of several kinds, or not one label per row.

    >>> plain_rows(["a", "b"], [0, None], what="inputs").labels
    [0, None]
    """
    if _is_frame(inputs):
        kind: InputKind = "record"
        form: Form = "frame"
        columns, labels = _frame(inputs, labels, what)
    else:
        values = column(inputs)
        kind = _kind(values, what)
        form = "series" if hasattr(inputs, "index") and hasattr(inputs, "to_numpy") else "list"
        form = "array" if hasattr(inputs, "__array__") and form == "list" else form
        columns = _records(values) if kind == "record" else {INPUT_COLUMN: values}
    found = None if labels is None else column(labels)
    rows = PlainRows(kind, form, columns, found)
    if not len(rows):
        raise DataError(f"{what} holds 0 rows; accepted is at least 1.", hint="Pass some rows.")
    if found is not None and len(found) != len(rows):
        raise DataError(
            f"{what} holds {len(rows)} rows and {len(found)} labels; accepted is one label per "
            "row.",
            hint="Check that both come from the same split.",
        )
    return rows


def column(values: Any) -> list[Any]:
    """Return values as a list of what JSON knows, ``None`` for what is missing.

    >>> column([1.5, float("nan"), "a"])
    [1.5, None, 'a']
    """
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__"):
        raise DataError(
            f"received {type(values).__name__} for a column; accepted is one value per row.",
            hint="Pass a list, an array, a Series or a DataFrame.",
        )
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    return [_missing(plain(value)) for value in listed]


def _is_frame(values: Any) -> bool:
    return hasattr(values, "columns") and hasattr(values, "to_dict")


def _frame(inputs: Any, labels: Any, what: str) -> tuple[dict[str, list[Any]], Any]:
    names = [str(name) for name in inputs.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{what} has more than one column named {', '.join(twice)}; accepted is one of each.",
            hint="Rename the others.",
        )
    columns = {str(name): column(inputs[name]) for name in inputs.columns}
    if not isinstance(labels, str):
        return columns, labels
    if labels not in columns:
        raise DataError(
            f"{what} has no column {labels!r}; columns: {', '.join(names)}.",
            hint=nearest(labels, names) or "Name one of these, or pass the labels themselves.",
        )
    return columns, columns.pop(labels)


def _missing(value: Any) -> Any:
    """Turn the NaN and NaT of data frames into a missing value, in whatever holds them."""
    if isinstance(value, list):
        return [_missing(one) for one in value]
    if isinstance(value, dict):
        return {name: _missing(one) for name, one in value.items()}
    # NaN is the value unequal to itself; pandas' NA is not even willing to say so.
    if value is None or type(value).__name__ in {"NAType", "NaTType"} or value != value:  # noqa: PLR0124
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _kind(values: Sequence[Any], what: str) -> InputKind:
    known = [value for value in values if value is not None]
    if known and all(map(_is_chat, known)):
        return "chat"
    kinds: tuple[tuple[InputKind, Any], ...] = (
        ("text", str),
        ("record", dict),
        ("array", (list, int, float)),
    )
    for kind, accepted in kinds:
        if known and all(isinstance(value, accepted) for value in known):
            return kind
    types = sorted({type(value).__name__ for value in known}) or ["nothing"]
    raise DataError(
        f"{what} holds {', '.join(types)}; accepted are texts, records (dicts or a DataFrame), "
        "chats (lists of messages) or arrays of numbers, of one kind.",
        hint="Convert them to one of these.",
    )


def _is_chat(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and {"role", "content"} <= one.keys() for one in value)
    )


def _records(values: Sequence[Mapping[str, Any] | None]) -> dict[str, list[Any]]:
    names = dict.fromkeys(str(name) for value in values for name in value or {})
    return {name: [(value or {}).get(name) for value in values] for name in names}
