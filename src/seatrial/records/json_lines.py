"""JSON lines: one object per line, its types as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seatrial.core.errors import DataError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonLinesFile:
    """One file of JSON objects, one per line; blank lines are no rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: dict[str, None] = {}
        for row in self._rows():
            self._names.update(dict.fromkeys(row))

    def names(self) -> list[str]:
        """Return every key of any row, in the order in which they first appear."""
        return list(self._names)

    def read(self, wanted: Sequence[str], *, as_text: Sequence[str] = ()) -> dict[str, list[Any]]:  # noqa: ARG002 - JSON knows its types
        """Return the wanted columns; a row without a key has ``None`` there."""
        columns: dict[str, list[Any]] = {name: [] for name in wanted}
        for row in self._rows():
            for name, column in columns.items():
                column.append(row.get(name))
        return columns

    @staticmethod
    def write(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write one object per row.

        Raises:
            DataError: A value is something that JSON does not know.
        """
        names = list(columns)
        encode = msgspec.json.Encoder().encode
        with path.open("wb") as file:
            for number, values in enumerate(zip(*columns.values(), strict=True), start=1):
                try:
                    file.write(encode(dict(zip(names, values, strict=True))) + b"\n")
                except (TypeError, ValueError) as error:
                    raise DataError(
                        f"row {number} cannot be written: {error}.",
                        hint="Turn its values into text, numbers, booleans, lists or dicts.",
                    ) from None

    def _rows(self) -> Iterator[dict[str, Any]]:
        decode = msgspec.json.Decoder().decode
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                text = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
                if not text.strip():
                    continue
                try:
                    row = decode(text)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    row = self._lenient(text, number, error)
                if not isinstance(row, dict):
                    raise DataError(
                        f"{self.path}, line {number}: received {type(row).__name__}; accepted is "
                        "one JSON object per line.",
                        hint='Write lines such as {"text": "…", "label": 1}',
                    )
                yield row

    def _lenient(self, line: bytes, number: int, error: Exception) -> Any:
        """Read ``NaN`` and ``Infinity``, which Python's json writes, as missing values."""
        try:
            return json.loads(line, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            raise DataError(
                f"{self.path}, line {number}: not a JSON object: {error}.",
                hint="Write one JSON object per line, in UTF-8.",
            ) from None
