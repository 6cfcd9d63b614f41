"""Light edits that change how a question is put and not what is asked: each keeps the label.

An edit that does not apply to an input (no contraction in it, no date) returns it as it is, and is
not counted for it. Each is undone or done in the direction that the input allows, so that a set
that is all lower-case and one that is set with care are both reworded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Edit = Callable[[str], str]

GREETING = "Hello, "
"""Put before a text: what people write to a machine that answers."""

ROUNDED = 6
"""Significant digits that a number keeps: beyond any sensor, and what most files write."""

PROSE_WORDS = 3
"""Words from which a cell of a record is a text rather than a category."""

_CONTRACTED = (
    ("do not", "don't"),
    ("does not", "doesn't"),
    ("did not", "didn't"),
    ("is not", "isn't"),
    ("are not", "aren't"),
    ("was not", "wasn't"),
    ("were not", "weren't"),
    ("have not", "haven't"),
    ("has not", "hasn't"),
    ("would not", "wouldn't"),
    ("could not", "couldn't"),
    ("should not", "shouldn't"),
    ("will not", "won't"),
    ("cannot", "can't"),
    ("it is", "it's"),
    ("that is", "that's"),
    ("i am", "i'm"),
    ("you are", "you're"),
    ("they are", "they're"),
    ("we are", "we're"),
    ("i have", "i've"),
    ("i will", "i'll"),
)
_SHORTER = dict(_CONTRACTED)
_LONGER = {short: long for long, short in _CONTRACTED}
_LONG = re.compile(rf"\b(?:{'|'.join(_SHORTER)})\b", re.IGNORECASE)
_SHORT = re.compile(rf"\b(?:{'|'.join(_LONGER)})\b", re.IGNORECASE)
_SHORT_LAST = re.compile(r"[.!?\u2026\"')\]]$")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_MONEY = re.compile(r"(?<=[$\u20ac\u00a3])\d{4,}(?![\d,])")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ISO = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b(?!T)")
_SPELT = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})\b")
_CURLY = {'"': "\u201d", "'": "\u2019"}
_STRAIGHT = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})


def recased(text: str) -> str:
    """Return the text in small letters; one that has no capital gets one at its start.

    >>> recased("I like it"), recased("i like it")
    ('i like it', 'I like it')
    """
    return text.lower() if text != text.lower() else text[:1].upper() + text[1:]


def repointed(text: str) -> str:
    """Return the text with a full stop at its end, or without the one that it had.

    >>> repointed("good"), repointed("good."), repointed("good!")
    ('good.', 'good', 'good!')
    """
    bare = text.rstrip()
    if bare.endswith(".") and not bare.endswith(".."):
        return bare[:-1].rstrip()
    return text if not bare or _SHORT_LAST.search(bare) else f"{bare}."


def respaced(text: str) -> str:
    """Return the text with every blank doubled and one at its end.

    >>> respaced("so good")
    'so  good '
    """
    return f"{text.replace(' ', '  ')} " if text.strip() else text


def contracted(text: str) -> str:
    """Return the text with contractions spelt out; where it has none, with some put in.

    >>> contracted("It's good"), contracted("I do not like it")
    ('It is good', "I don't like it")
    """
    if _SHORT.search(text):
        return _SHORT.sub(lambda found: _like(found[0], _LONGER), text)
    return _LONG.sub(lambda found: _like(found[0], _SHORTER), text)


def requoted(text: str) -> str:
    """Return the text with straight quotes for curly ones or the reverse; else in quotes.

    >>> requoted("so good"), requoted("it's") == "it" + chr(0x2019) + "s"
    ('"so good"', True)
    """
    straight = text.translate(_STRAIGHT)
    if straight != text:
        return straight
    if not any(mark in text for mark in _CURLY):
        return f'"{text}"' if text.strip() else text
    opened = re.sub(r'(?<![^\s(])"', "\u201c", text)
    return "".join(_CURLY.get(character, character) for character in opened)


def greeted(text: str) -> str:
    """Return the text after a greeting.

    >>> greeted("where is my order")
    'Hello, where is my order'
    """
    return text if not text.strip() or text.lower().startswith("hello") else f"{GREETING}{text}"


def renumbered(text: str) -> str:
    """Return the text with separators of thousands left out, or put into sums of money.

    >>> renumbered("1,200 of 3"), renumbered("$1200"), renumbered("order 123456")
    ('1200 of 3', '$1,200', 'order 123456')
    """
    if _THOUSANDS.search(text):
        return _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    return _MONEY.sub(lambda found: f"{int(found[0]):,}", text)


def redated(text: str) -> str:
    """Return the text with unambiguous dates written the other way.

    >>> redated("due 2024-03-05"), redated("due 5 March 2024")
    ('due 5 March 2024', 'due 2024-03-05')
    """
    if _ISO.search(text):
        return _ISO.sub(lambda m: f"{int(m[3])} {_MONTHS[int(m[2]) - 1]} {m[1]}", text)
    return _SPELT.sub(lambda m: f"{m[3]}-{_MONTHS.index(m[2]) + 1:02d}-{int(m[1]):02d}", text)


TEXT_EDITS: Mapping[str, Edit] = {
    "case": recased,
    "final punctuation": repointed,
    "white space": respaced,
    "contraction": contracted,
    "quotes": requoted,
    "greeting": greeted,
    "number format": renumbered,
    "date format": redated,
}


def reworded(value: Any) -> dict[str, Any]:
    """Return the input under every edit that changes it, by name of the edit.

    Args:
        value: A text, a record, an array or a chat; anything else has no edits.

    >>> list(reworded("See you on 2024-03-05."))
    ['case', 'final punctuation', 'white space', 'quotes', 'greeting', 'date format']
    >>> reworded({"a": 1, "b": 2.00000001})["rounding"]
    {'a': 1, 'b': 2.0}
    """
    if isinstance(value, str):
        edited = {name: edit(value) for name, edit in TEXT_EDITS.items()}
    elif isinstance(value, Mapping):
        edited = _records(dict(value))
    elif _is_chat(value):
        edited = _chats(value)
    elif isinstance(value, (list, tuple, float)):
        edited = {"rounding": _rounded(value)}
    else:
        edited = {}
    return {name: one for name, one in edited.items() if _differs(one, value)}


def _differs(edited: Any, value: Any) -> bool:
    if isinstance(value, Mapping) and isinstance(edited, Mapping):
        # Equal as mappings, and yet otherwise to whoever takes fields by their place.
        return list(edited.items()) != list(value.items())
    return bool(edited != value)


def _records(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "field order": dict(reversed(record.items())),
        "rounding": {name: _rounded(cell) for name, cell in record.items()},
    }
    for name, edit in TEXT_EDITS.items():
        found[name] = {key: edit(cell) if _is_prose(cell) else cell for key, cell in record.items()}
    return found


def _chats(messages: list[Any]) -> dict[str, Any]:
    """Reword what the user said last."""
    last = max(
        (place for place, one in enumerate(messages) if one.get("role") == "user"), default=None
    )
    if last is None or not isinstance(messages[last].get("content"), str):
        return {}
    said = messages[last]["content"]
    return {
        name: [*messages[:last], {**messages[last], "content": edit(said)}, *messages[last + 1 :]]
        for name, edit in TEXT_EDITS.items()
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{ROUNDED}g}")
    if isinstance(value, (list, tuple)):
        return type(value)(_rounded(one) for one in value)
    return value


def _is_prose(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell.split()) >= PROSE_WORDS


def _is_chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _like(found: str, others: Mapping[str, str]) -> str:
    """Return the other form of what was found, with a capital where it had one."""
    other = others[found.lower()]
    return other[:1].upper() + other[1:] if found[:1].isupper() else other
