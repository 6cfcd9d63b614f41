"""What the page shows of one input or answer: text, a table, a chat or an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from seatrial.core.settings import InputKind
from seatrial.web.pictures import Picture, picture_of
from seatrial.web.runs import Text, text_of

LONGEST = 100_000
"""Characters shown of one row: a long book chapter, which a browser still lays out at once."""

NAME_MAX = 200
"""Characters shown of the name of a column or a role."""

CELLS_MAX = 500
"""Cells of a table, messages of a chat."""

NUMBERS_ROW = 50
"""Numbers of an array that are shown one a line; longer ones are shown as text."""


Side = Literal["model", "user", "aside"]

SIDES: dict[str, Side] = {"assistant": "model", "user": "user"}
"""Who speaks; what a system or a tool says stands aside."""


class Cell(Struct, frozen=True, array_like=True):
    """A named value; a missing one is ``None``."""

    name: Text
    value: Text | None
    number: bool = False


class Table(Struct, frozen=True, tag="table", tag_field="as"):
    """Columns and their values; ``cut`` of them were left off."""

    cells: list[Cell]
    cut: int = 0


class Turn(Struct, frozen=True):
    """One message of a chat."""

    who: Text
    said: Text
    side: Side


class Chat(Struct, frozen=True, tag="chat", tag_field="as"):
    """Messages, oldest first; ``cut`` of them were left off."""

    turns: list[Turn]
    cut: int = 0


class Nothing(Struct, frozen=True, tag="nothing", tag_field="as"):
    """There is nothing to show, and why."""

    why: str


Shown = Text | Table | Chat | Picture | Nothing


def shown(value: Any, *, kind: InputKind) -> Shown:
    """Return how an input of a kind is shown; one that does not fit its kind is shown as it is.

    >>> shown({"age": 61}, kind="record").cells[0].value.runs[0].text
    '61'
    >>> shown([{"role": "user", "content": "hi"}], kind="chat").turns[0].said.runs[0].text
    'hi'
    """
    if value is None:
        return Nothing("Inputs are not logged here, so there is nothing to look at.")
    if kind == "image" and (picture := picture_of(value)) is not None:
        return picture
    if kind == "chat" and (chat := _chat(value)) is not None:
        return chat
    if isinstance(value, dict):
        return _table(value.items())
    if _is_short_array(value):
        return _table((str(place), number) for place, number in enumerate(value))
    return _text(value)


def _text(value: Any) -> Text:
    return text_of(plain(value), longest=LONGEST)


def plain(value: Any) -> str:
    """Return a value as text: a text as it is, everything else as JSON.

    >>> plain("a"), plain([1, None])
    ('a', '[1,null]')
    """
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, UnicodeEncodeError):
        return repr(value)


def _is_short_array(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= NUMBERS_ROW
        and all(isinstance(one, (int, float)) or one is None for one in value)
    )


def _table(columns: Iterable[tuple[Any, Any]]) -> Table:
    listed = list(columns)
    names = [text_of(str(name), longest=NAME_MAX) for name, _ in listed[:CELLS_MAX]]
    values = [value for _, value in listed[:CELLS_MAX]]
    texts = _fair([plain(value) for value in values])
    cells = [
        Cell(name, None if value is None else text, number=_is_number(value))
        for name, value, text in zip(names, values, texts, strict=True)
    ]
    return Table(cells, cut=len(listed) - len(cells))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _chat(value: Any) -> Chat | None:
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(one, dict) and "content" in one for one in value):
        return None
    # The end of a chat is what is answered: of a long one, the beginning is left off.
    messages = value[-CELLS_MAX:]
    turns = [
        Turn(
            text_of(str(one.get("role", "")), longest=NAME_MAX),
            said,
            side=SIDES.get(str(one.get("role")), "aside"),
        )
        for one, said in zip(messages, _fair([plain(m["content"]) for m in messages]), strict=True)
    ]
    return Chat(turns, cut=len(value) - len(turns))


def _fair(texts: Sequence[str]) -> list[Text]:
    """Return texts that together are not too long: the longest are cut, all to the same length."""
    left, limit = LONGEST, LONGEST
    for place, length in enumerate(sorted(map(len, texts))):
        limit = left // (len(texts) - place)
        if length > limit:
            break
        left -= length
        limit = LONGEST
    return [text_of(text, longest=limit) for text in texts]
