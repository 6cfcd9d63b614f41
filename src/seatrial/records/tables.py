"""Eval and production files, read the same way for everybody: Parquet, CSV or JSON lines.

What comes out is plain: whole numbers, numbers, booleans, texts, ``None``, lists and dicts. A
missing value is ``None`` in every format, ``NaN`` in a column of numbers included. Decimals become
numbers, dates and times ISO 8601 texts, bytes base64 texts, UUIDs texts. How a CSV cell, which has
no type, becomes one of these is written in :mod:`seatrial.records.delimited`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from seatrial.core.errors import DataError, nearest
from seatrial.records.delimited import DelimitedFile
from seatrial.records.json_lines import JsonLinesFile
from seatrial.records.parquet import ParquetFile

EVERY_COLUMN = "*"


class Rows(Struct, frozen=True):
    """The rows of one file.

    Attributes:
        inputs: One per row: the bare value where one column was named, else column -> value.
        labels: One per row, ``None`` where it is missing; ``None`` where no label was asked for.
        columns: The slice columns, by name.
        probabilities: With which each labelled row was drawn for review; ``None``: all alike.
    """

    inputs: list[Any]
    labels: list[Any] | None
    columns: dict[str, list[Any]]
    probabilities: list[float] | None = None

    def __len__(self) -> int:
        return len(self.inputs)


class TableFile(Protocol):
    """What each format offers."""

    def names(self) -> list[str]:
        """Return the column names, in the order of the file."""
        ...

    def read(self, wanted: Sequence[str], *, as_text: Sequence[str]) -> dict[str, list[Any]]:
        """Return the wanted columns; ``as_text`` names those that hold text whatever it looks like.

        Raises:
            DataError: The file is unreadable.
        """
        ...


FORMATS: dict[str, type[DelimitedFile] | type[JsonLinesFile] | type[ParquetFile]] = {
    ".parquet": ParquetFile,
    ".pq": ParquetFile,
    ".csv": DelimitedFile,
    ".tsv": DelimitedFile,
    ".jsonl": JsonLinesFile,
    ".ndjson": JsonLinesFile,
}
"""File name ending -> reader."""

WRITERS: dict[str, Callable[[Path, Mapping[str, Sequence[Any]]], None]] = {
    ".parquet": ParquetFile.write,
    ".pq": ParquetFile.write,
    ".jsonl": JsonLinesFile.write,
    ".ndjson": JsonLinesFile.write,
}
"""File name ending -> writer. CSV is missing: it loses types."""


def read_rows(
    path: Path,
    *,
    input: str | Sequence[str],  # noqa: A002 - the name of the setting it comes from
    label: str | None = None,
    slices: Sequence[str] = (),
    text_columns: Sequence[str] = (),
    require_labels: bool = False,
) -> Rows:
    """Read inputs, labels and slice columns of a data file.

    Args:
        path: A ``.parquet``, ``.csv``, ``.tsv``, ``.jsonl`` or ``.ndjson`` file.
        input: One column (inputs are its bare values), a list of columns or ``"*"``, all but the
            label (inputs are dicts, column -> value).
        label: Label column. An empty text is a missing label.
        slices: Columns to report by.
        text_columns: CSV columns that hold text even where every cell looks like a number.
        require_labels: Refuse a file in which no row has a label.

    Raises:
        DataError: No such file, another format, unreadable, a column is missing, no rows, or no
            label where one is required.
    """
    file = _open(path)
    names = file.names()
    chosen = _input_columns(input, names, label=label)
    wanted = list(dict.fromkeys([*chosen, *([label] if label else []), *slices]))
    _check_columns(path, [*wanted, *text_columns], names)
    columns = file.read(wanted, as_text=text_columns)
    count = len(columns[wanted[0]])
    if not count:
        raise DataError(f"{path} holds no rows.", hint="Give it at least one row of data.")
    labels = None if label is None else _labels(columns[label])
    if require_labels and (labels is None or all(value is None for value in labels)):
        raise DataError(
            f"{path} has no label in any of its {count} rows"
            f"{f' (column {label!r})' if label else ''}; accepted is at least one.",
            hint="Name the column that holds the true answers as label.",
        )
    if isinstance(input, str) and input != EVERY_COLUMN:
        inputs = columns[input]
        if isinstance(file, DelimitedFile):
            inputs = _never_missing_text(inputs)
    else:
        cells = zip(*(columns[name] for name in chosen), strict=True)
        inputs = [dict(zip(chosen, values, strict=True)) for values in cells]
    return Rows(inputs, labels, {name: columns[name] for name in slices})


def column_names(path: Path) -> list[str]:
    """Return the columns of a data file, in its order.

    Raises:
        DataError: No such file, another format or unreadable.
    """
    return _open(path).names()


def write_rows(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of plain values as a ``.parquet`` or ``.jsonl`` file, whole or not at all.

    Args:
        path: Where to; an existing file is replaced.
        columns: Name -> values, all of one length. Parquet takes one type per column, beside
            ``None``; JSON lines take anything that JSON knows.

    Raises:
        DataError: Another ending, columns of different lengths, or values the format cannot hold.

    >>> import tempfile; folder = Path(tempfile.mkdtemp())
    >>> write_rows(folder / "eval.parquet", {"text": ["a", "b"], "label": [1, None]})
    >>> read_rows(folder / "eval.parquet", input="text", label="label").labels
    [1, None]
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise DataError(
            f"columns of lengths {lengths or 'none'} for {path}; accepted is one length for all.",
            hint="Give every column one value per row.",
        )
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise DataError(
            f"{path.name} ends in {path.suffix or 'nothing'}; written are {', '.join(WRITERS)}.",
            hint="Parquet keeps types and is small; JSON lines hold nested values.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        writer(temporary, columns)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _open(path: Path) -> DelimitedFile | JsonLinesFile | ParquetFile:
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path} ends in {path.suffix or 'nothing'}; accepted are {', '.join(FORMATS)}.",
            hint="Save it in one of these formats.",
        )
    if not path.is_file():
        raise DataError(
            f"{path} is {'a folder' if path.is_dir() else 'not there'}; accepted is a data file.",
            hint=_nearest_file(path),
        )
    if not path.stat().st_size:
        raise DataError(f"{path} is empty.", hint="Give it at least one row of data.")
    try:
        return reader(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    found = sorted(other.name for other in path.parent.iterdir() if other.suffix in FORMATS)
    return nearest(path.name, found) or f"Data files there: {', '.join(found) or 'none'}."


def _input_columns(
    wanted: str | Sequence[str], names: list[str], *, label: str | None
) -> list[str]:
    if isinstance(wanted, str) and wanted != EVERY_COLUMN:
        return [wanted]
    chosen = [name for name in names if name != label] if wanted == EVERY_COLUMN else list(wanted)
    if not chosen:
        raise DataError(
            f"input = {wanted!r} names no column beside the label; columns: {', '.join(names)}.",
            hint="Name at least one input column.",
        )
    return chosen


def _check_columns(path: Path, wanted: Sequence[str], names: list[str]) -> None:
    for name in wanted:
        if name not in names:
            raise DataError(
                f"{path} has no column {name!r}; columns: {', '.join(names)}.",
                hint=nearest(name, names) or "Name one of these in seatrial.toml.",
                details={"received": name, "known": names},
            )
        if names.count(name) > 1:
            raise DataError(
                f"{path} has {names.count(name)} columns named {name!r}; accepted is one.",
                hint="Rename the others.",
            )


def _labels(values: list[Any]) -> list[Any]:
    """Clear empty labels, and undo what a missing label does to whole numbers in a data frame."""
    labels = [None if isinstance(value, str) and not value.strip() else value for value in values]
    known = [value for value in labels if value is not None]
    if len(known) < len(labels) and all(isinstance(v, float) and v.is_integer() for v in known):
        return [None if value is None else int(value) for value in labels]
    return labels


def _never_missing_text(values: list[Any]) -> list[Any]:
    """Read an empty CSV cell as the empty text where the one input column holds texts.

    A CSV does not tell empty from missing, and a request with an empty text was still made.
    """
    if all(isinstance(value, str) or value is None for value in values):
        return ["" if value is None else value for value in values]
    return values
