"""Descriptors of rows that are being sealed: what was described lately is remembered.

Describing an input takes ten times as long as all else that sealing does with a row. Where there
is not time for all of them, a share is described that is drawn by request id, whatever the input,
so that it stands for all; the input is kept, and the others can be described later.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

Describe = Callable[[list[Any]], Sequence[Mapping[str, Any] | None]]
"""Inputs -> what each looks like, one mapping per input; called by the keeper, never online."""

REMEMBERED_BYTES = 16 * 2**20
"""Memory for inputs and their descriptors: some 20,000 sentences."""

SHORT = 2_000
"""Longest input remembered, in characters of its JSON."""

ENTRY_BYTES = 300
"""What remembering takes beside the two texts."""

CHECKSUMS = 2**32


class Descriptions:
    """Adds descriptors to rows.

    Args:
        describe: Says what inputs look like; equal inputs look alike.
        bytes_max: Memory for what was described lately.

    Attributes:
        left_out: Rows that were left without descriptors so far, because only a share got any.

    >>> adds = Descriptions(lambda inputs: [{"length": len(value)} for value in inputs])
    >>> row = {"id": b'"1"', "status": b'"answered"', "input": '"ab"'}
    >>> adds.to([row])
    >>> row["descriptors"]
    '{"length":2}'
    """

    def __init__(self, describe: Describe, *, bytes_max: int = REMEMBERED_BYTES) -> None:
        self._describe = describe
        self._bytes_max = bytes_max
        self._bytes = 0
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self.left_out = 0

    def to(self, rows: list[dict[str, Any]], *, share: float = 1.0) -> None:
        """Add descriptors to requests whose input was kept.

        Args:
            rows: Each with its ``input`` as JSON text, all else as raw JSON.
            share: Part of the requests that are described.
        """
        eligible = [row for row in rows if row.get("input") is not None and "status" in row]
        chosen = eligible if share >= 1.0 else [row for row in eligible if _drawn(row, share)]
        self.left_out += len(eligible) - len(chosen)
        found: dict[str, str | None] = {}
        unknown: dict[str, None] = {}
        for row in chosen:
            text = row["input"]
            if text in self._known:
                self._known.move_to_end(text)
                found[text] = self._known[text]
            else:
                unknown[text] = None
        if unknown:
            found.update(self._described(list(unknown)))
        for row in chosen:
            descriptors = found[row["input"]]
            if descriptors is not None:
                row["descriptors"] = descriptors

    def _described(self, texts: list[str]) -> dict[str, str | None]:
        answers = self._describe([msgspec.json.decode(text) for text in texts])
        found = {
            text: None if answer is None else _ENCODER.encode(answer).decode()
            for text, answer in zip(texts, answers, strict=True)
        }
        for text, descriptors in found.items():
            if len(text) <= SHORT:
                self._known[text] = descriptors
                self._bytes += _size(text, descriptors)
        while self._bytes > self._bytes_max:
            self._bytes -= _size(*self._known.popitem(last=False))
        return found


def _drawn(row: dict[str, Any], share: float) -> bool:
    """Say whether a request is in the share: all its rows are, or none."""
    return zlib.crc32(row["id"]) < share * CHECKSUMS


def _size(text: str, descriptors: str | None) -> int:
    return len(text) + len(descriptors or "") + ENTRY_BYTES


def _scalar(value: Any) -> Any:
    convert = getattr(value, "tolist", None)
    if callable(convert):
        return convert()
    raise TypeError(f"{type(value).__name__} is not a JSON value")


_ENCODER = msgspec.json.Encoder(enc_hook=_scalar)
