"""How large an input is, as far as the front can tell: it never runs the model's own ``size``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.core.settings import InputKind

Sizes = Callable[[Any], int]
"""Size of one input, at least 1."""


def size_of(kind: InputKind) -> Sizes:
    """Return what measures inputs of a kind.

    Texts and chats are measured in characters, arrays in elements; records and images are alike.
    Only ratios matter: what a size costs is learned from the model's own times.

    >>> size_of("text")("abc"), size_of("array")([[1, 2], [3, 4]]), size_of("record")({"a": 1})
    (3, 4, 1)
    """
    return {"text": _text, "chat": _chat, "array": _array}.get(kind, _same)


def _text(value: Any) -> int:
    return len(value) or 1


def _chat(value: Any) -> int:
    if isinstance(value, str):
        return len(value) or 1
    return sum(len(str(message.get("content", ""))) for message in value) or 1


def _array(value: Any) -> int:
    count = 1
    while isinstance(value, list) and value:
        count *= len(value)
        value = value[0]
    return count


def _same(value: Any) -> int:  # noqa: ARG001  (of Sizes)
    return 1
