"""Text that came from somebody else, made safe to look at.

Inputs, labels, column names and error messages are written by users of a model, some of them
hostile. A control character can recolour a terminal, a bidi override can make a table say the
opposite of what it holds, and a lone surrogate cannot be written to a file at all.
"""

from __future__ import annotations

import unicodedata
from typing import Any, TypeVar

import msgspec

LONGEST = 600
"""Characters of one text that a report shows: a figure or a reason, not a document."""

JOINERS = "\u200c\u200d"
"""Format characters that Persian, Indic scripts and emoji need, and that reorder nothing."""

SHOWN_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories with no visible form of their own."""

Document = TypeVar("Document", bound=msgspec.Struct)


def visible(text: str, *, longest: int = LONGEST) -> str:
    r"""Return one line in which every character can be seen; what is too long is cut.

    >>> visible("total\u202e 99")
    'total\\u202e 99'
    >>> visible("two\nlines\x1b[31m")
    'two lines\\x1b[31m'
    >>> visible("abcdef", longest=4)
    'abc…'
    """
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return "".join(_shown(char) for char in text)


def cleaned(document: Document) -> Document:
    """Return the same document with every text in it, keys included, made visible."""
    plain = _walk(msgspec.to_builtins(document))
    return msgspec.convert(plain, type=type(document))


def _shown(char: str) -> str:
    if char in "\n\r\t":
        return " "
    if char in JOINERS or unicodedata.category(char) not in SHOWN_ESCAPED:
        return char
    return char.encode("unicode_escape").decode("ascii")


def _walk(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): _walk(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(item) for item in value]
    return value
