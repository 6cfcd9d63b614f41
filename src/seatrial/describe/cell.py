"""What stands in one cell of a record: nothing, a number, a word."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import Any

import msgspec
import numpy as np

MISSING_TYPES = frozenset({"NAType", "NaTType"})
"""Pandas' own kinds of nothing, by name, so that pandas need not be there."""


def is_missing(value: Any) -> bool:
    """Say whether a cell holds nothing: None, NaN, NaT, NA or blank text.

    >>> [is_missing(value) for value in (None, float("nan"), " ", 0, False)]
    [True, True, True, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    return type(value).__name__ in MISSING_TYPES or (
        isinstance(value, (np.datetime64, np.timedelta64)) and bool(np.isnat(value))
    )


def number_of(value: Any) -> float | None:
    """Return a cell as a number; ``None`` for anything else, text and truth values included.

    Dates and times count as seconds since 1970.

    >>> number_of(3), number_of(True), number_of("3"), number_of(date(1970, 1, 2))
    (3.0, None, None, 86400.0)
    """
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, (Real, Decimal)):
        return float(value)
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001
    if isinstance(value, date):
        return float((value - date(1970, 1, 1)).days * 86_400)
    if isinstance(value, np.datetime64):
        return float(value.astype("datetime64[s]").astype(np.int64))
    return None


def number_in(text: Any) -> float | None:
    """Return the number that a text spells; ``None`` where it spells none.

    >>> number_in(" 12.5 "), number_in("1,200"), number_in("abc"), number_in("nan")
    (12.5, 1200.0, None, None)
    """
    if not isinstance(text, str):
        return None
    try:
        found = float(text.replace(",", "").replace("\u00a0", ""))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def word_of(value: Any) -> str:
    """Return a cell as the word by which its category is known.

    >>> word_of("red"), word_of(True), word_of(2.0), word_of(["a"])
    ('red', 'true', '2', '["a"]')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    number = number_of(value)
    if number is not None:
        whole = math.isfinite(number) and number == int(number)
        return str(int(number)) if whole else f"{number:g}"
    try:
        return msgspec.json.encode(value, order="deterministic").decode()
    except (TypeError, msgspec.MsgspecError):
        return str(value)
