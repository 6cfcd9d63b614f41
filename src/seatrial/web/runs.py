"""Text of others cut into runs: what can be read, and characters that have no form of their own.

A bidi override can make a text say the opposite of what a model read, and a zero-width space hides
a word from it. A reviewer has to see both, so they are sent to the page by name.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator

from msgspec import Struct

JOINERS = "\u200c\u200d"
"""Format characters that Persian, Indic scripts and emoji need, and that reorder nothing."""

LAYOUT = "\n\t"

FORMLESS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories with no visible form."""

RUNS_MAX = 4_000
"""Runs of one text: each is an element of the page, and browsers slow down at some ten thousand."""

NAMED_MAX = 6
"""Hidden characters in a row that are named one by one; more are counted."""


class Run(Struct, frozen=True, array_like=True, omit_defaults=True):
    """Neighbouring characters of one sort.

    Attributes:
        text: As it is, or the names of its characters where it is hidden.
        hidden: Whether they have no form of their own.
    """

    text: str
    hidden: bool = False


class Text(Struct, frozen=True, tag="text", tag_field="as"):
    """A text as the page shows it.

    Attributes:
        runs: In their order.
        cut: Characters that were left off at the end.
    """

    runs: list[Run]
    cut: int = 0


def text_of(text: str, *, longest: int) -> Text:
    r"""Return a text in runs, at most ``longest`` characters of it.

    >>> [run.text for run in text_of("pay\u202e me\n", longest=100).runs]
    ['pay', '\\u202e', ' me\n']
    """
    text = text.replace("\r\n", "\n")
    runs: list[Run] = []
    length = 0
    for run, size in _runs(text[:longest]):
        if len(runs) == RUNS_MAX:
            break
        runs.append(run)
        length += size
    return Text(runs, cut=len(text) - length)


def _runs(text: str) -> Iterator[tuple[Run, int]]:
    for hidden, group in itertools.groupby(text, key=_is_hidden):
        characters = "".join(group)
        yield Run(_named(characters) if hidden else characters, hidden), len(characters)


def _is_hidden(character: str) -> bool:
    if character in LAYOUT or character in JOINERS:
        return False
    return unicodedata.category(character) in FORMLESS


def _named(characters: str) -> str:
    names = characters[:NAMED_MAX].encode("unicode_escape").decode("ascii")
    more = len(characters) - NAMED_MAX
    return f"{names} and {more} more" if more > 0 else names
