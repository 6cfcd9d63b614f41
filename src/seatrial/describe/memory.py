"""Answers remembered for short texts, which traffic and repairs ask for again and again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

TEXTS_MAX = 4_096
"""Texts remembered by one function."""

SHORT = 1_000
"""Longest text remembered, in characters: together the texts stay below some 10 MB."""


def remembered(function: Callable[[str], str]) -> Callable[[str], str]:
    """Return a pure function of a text that remembers what it returned lately.

    >>> calls = []
    >>> upper = remembered(lambda text: calls.append(text) or text.upper())
    >>> upper("a"), upper("a"), calls
    ('A', 'A', ['a'])
    """
    remembering = lru_cache(maxsize=TEXTS_MAX)(function)

    def asked(text: str) -> str:
        return remembering(text) if len(text) <= SHORT else function(text)

    return asked
