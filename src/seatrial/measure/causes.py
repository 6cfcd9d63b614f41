"""What a service does to its inputs, found by doing it to them and asking the notebook.

If the notebook's answers to lower-cased rows are what the service answers to the rows as they are,
then the service lower-cases. Each transformation is tried on its own; the one that explains most
differing rows without spoiling those that agree comes first.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import SeatrialError
from seatrial.measure.mismatch import mismatch
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject

CASES_MAX = 40
SCREENED = 6
"""Rows after which a transformation that explains none of them is given up."""

CONTROLS_MAX = 20
EXPLAINS_MIN = 0.5
"""Share of the differing rows below which a transformation explains nothing."""

LENGTHS = (8, 10, 16, 20, 24, 32, 40, 48, 50, 64, 80, 100, 120, 128, 140, 150, 160, 200, 250, 256,
           280, 300, 384, 400, 500, 512, 768, 1000, 1024, 2000, 2048, 4000, 4096)  # fmt: skip
"""Where people cut: powers of two, round numbers, lengths of messages."""

Transformation = Callable[[Any], Any]


class Case(Struct, frozen=True):
    """A row that differs, and what the service answered; an error cannot be explained."""

    value: Any
    outside: Any


class Cause(Struct, frozen=True, kw_only=True):
    """A transformation and how many of the differing rows it explains.

    Attributes:
        spoils: Of the rows on which both sides agree, those that would differ if the service did
            this to them.
    """

    cause: str
    explains: int
    of: int
    spoils: int
    controls: int


def explain(
    inside: Subject,
    cases: Sequence[Case],
    same: Sequence[Any],
    *,
    tolerance: float,
    budget: TimeBudget | None = None,
) -> tuple[Cause, ...]:
    """Return the transformations that explain at least half of what differs, best first.

    Args:
        inside: The model as the notebook has it.
        cases: Rows that differ.
        same: Rows on which both sides agree.
        tolerance: Relative difference of numbers that counts as the same.
        budget: No further transformation is tried once it is spent.
    """
    open_cases = [case for case in cases if isinstance(case.outside, Answer)][:CASES_MAX]
    controls = list(same)[:CONTROLS_MAX]
    found = []
    for name, transform in _fitting([case.value for case in open_cases]):
        if budget and budget.spent():
            break
        answered_so = [
            _answers_so(inside, transform, case.value, case.outside, tolerance)
            for case in open_cases[:SCREENED]
        ]
        if not any(answered_so):
            continue
        answered_so += [
            _answers_so(inside, transform, case.value, case.outside, tolerance)
            for case in open_cases[SCREENED:]
        ]
        explained = sum(answered_so)
        if explained < EXPLAINS_MIN * len(open_cases):
            continue
        spoils = sum(_spoils(inside, transform, value, tolerance) for value in controls)
        found.append(
            Cause(
                cause=name,
                explains=explained,
                of=len(open_cases),
                spoils=spoils,
                controls=len(controls),
            )
        )
    return tuple(sorted(found, key=lambda cause: cause.spoils - cause.explains))


def _answers_so(
    inside: Subject, transform: Transformation, value: Any, wanted: Answer, tolerance: float
) -> bool:
    answer = _transformed(inside, transform, value)
    return answer is not None and mismatch(answer, wanted, tolerance=tolerance) is None


def _spoils(inside: Subject, transform: Transformation, value: Any, tolerance: float) -> bool:
    after = _transformed(inside, transform, value)
    if after is None:
        return False
    try:
        before = inside.answer([value]).answers[0]
    except SeatrialError:
        return False
    return mismatch(before, after, tolerance=tolerance) is not None


def _transformed(inside: Subject, transform: Transformation, value: Any) -> Answer | None:
    """Answer the transformed value; nothing where it stays as it was or cannot be answered."""
    try:
        changed = transform(value)
        # As text: 1 and 1.0 are equal to Python and not to a model that formats them.
        return None if repr(changed) == repr(value) else inside.answer([changed]).answers[0]
    except (SeatrialError, ValueError, TypeError, ArithmeticError):
        return None


def _fitting(values: Sequence[Any]) -> Iterator[tuple[str, Transformation]]:
    """Yield the transformations that fit this kind of input."""
    if not values:
        return
    if all(isinstance(value, str) for value in values):
        yield from TEXT.items()
        longest = max(len(value) for value in values)
        for length in LENGTHS:
            if length < longest:
                yield f"cuts texts to {length} characters", _first_characters(length)
        words = max(len(value.split()) for value in values)
        for length in LENGTHS:
            if length < words:
                yield f"cuts texts to {length} words", _first_words(length)
    elif all(isinstance(value, dict) for value in values):
        yield from RECORD.items()
        yield from ((name, _each_text(text)) for name, text in TEXT.items())
    else:
        yield from ARRAY.items()


def _first_characters(length: int) -> Transformation:
    return lambda text: text[:length]


def _first_words(length: int) -> Transformation:
    return lambda text: " ".join(text.split()[:length])


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


TEXT: dict[str, Transformation] = {
    "lower-cases texts": str.lower,
    "upper-cases texts": str.upper,
    "strips white space around texts": str.strip,
    "collapses white space": lambda text: " ".join(text.split()),
    "keeps the first line only": lambda text: text.splitlines()[0] if text else text,
    "drops accents and other non-ASCII characters": _ascii,
    "drops non-ASCII characters": lambda text: text.encode("ascii", "ignore").decode(),
    "replaces non-ASCII characters by ?": lambda text: text.encode("ascii", "replace").decode(),
    "reads UTF-8 as Latin-1": lambda text: text.encode().decode("latin-1"),
    "reads UTF-8 as Windows-1252": lambda text: text.encode().decode("cp1252", "replace"),
    "replaces characters outside Latin-1 by ?": lambda text: text.encode(
        "latin-1", "replace"
    ).decode("latin-1"),
    "escapes non-ASCII characters": lambda text: text.encode("unicode_escape").decode(),
    "normalises Unicode (NFC)": lambda text: unicodedata.normalize("NFC", text),
    "normalises Unicode (NFKC)": lambda text: unicodedata.normalize("NFKC", text),
    "normalises Unicode (NFD)": lambda text: unicodedata.normalize("NFD", text),
    "escapes HTML": html.escape,
    "unescapes HTML": html.unescape,
    "drops HTML tags": lambda text: re.sub(r"<[^>]*>", "", text),
    "drops punctuation": lambda text: re.sub(r"[^\w\s]", "", text),
    "drops digits": lambda text: re.sub(r"\d", "", text),
}


def _each(change: Callable[[Any], Any]) -> Transformation:
    """Change every number inside a value, however nested."""

    def transform(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: transform(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [transform(item) for item in value]
        if isinstance(value, np.ndarray):
            return transform(value.tolist())
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        return change(value)

    return transform


def _each_text(change: Callable[[str], str]) -> Transformation:
    return lambda record: {
        key: change(value) if isinstance(value, str) else value for key, value in record.items()
    }


def _nothing_becomes(replacement: Any) -> Transformation:
    return lambda record: {
        key: replacement if value is None else value for key, value in record.items()
    }


def _values_in(order: Callable[[Sequence[str]], Sequence[str]]) -> Transformation:
    """Give the columns the values of the columns in another order, as a positional model reads."""

    def transform(record: dict[str, Any]) -> dict[str, Any]:
        return dict(zip(record, (record[key] for key in order(list(record))), strict=True))

    return transform


def _narrowed(width: type[np.floating[Any]]) -> Callable[[float], float]:
    """Return a number as it comes out of a narrower type; a whole one stays a whole one."""

    def narrow(number: float) -> float:
        with np.errstate(over="raise"):
            return type(number)(width(number))

    return narrow


def _fewer_digits(number: float) -> float:
    return float(f"{number:.6g}")


def _decimal_point_lost(number: float) -> float:
    return float(repr(number).replace(".", "")) if isinstance(number, float) else number


NUMBERS: dict[str, Transformation] = {
    "reads numbers as float32": _each(_narrowed(np.float32)),
    "reads numbers as float16": _each(_narrowed(np.float16)),
    "rounds numbers to whole ones": _each(lambda number: float(round(number))),
    "cuts numbers to whole ones": _each(int),
    "rounds numbers to one decimal": _each(lambda number: round(number, 1)),
    "rounds numbers to two decimals": _each(lambda number: round(number, 2)),
    "rounds numbers to three decimals": _each(lambda number: round(number, 3)),
    "keeps six digits of numbers": _each(_fewer_digits),
    "loses the decimal point": _each(_decimal_point_lost),
    "sends numbers as text": _each(str),
    "sends whole numbers as floats": _each(float),
    "drops the sign": _each(abs),
}

RECORD: dict[str, Transformation] = {
    **NUMBERS,
    "drops missing values": lambda record: {
        key: value for key, value in record.items() if value is not None
    },
    "reads missing values as 0": _nothing_becomes(0),
    "reads missing values as 0.0": _nothing_becomes(0.0),
    "reads missing values as an empty text": _nothing_becomes(""),
    'reads missing values as "None"': _nothing_becomes("None"),
    'reads missing values as "nan"': _nothing_becomes("nan"),
    "reads missing values as NaN": _nothing_becomes(float("nan")),
    "reads empty texts as missing": lambda record: {
        key: None if value == "" else value for key, value in record.items()
    },
    "puts fields into alphabetical order": _values_in(sorted),
    "reverses the order of fields": _values_in(lambda keys: list(reversed(keys))),
    "sorts fields": lambda record: dict(sorted(record.items())),
    "reverses fields": lambda record: dict(reversed(record.items())),
    "lower-cases the names of fields": lambda record: {
        key.lower(): value for key, value in record.items()
    },
}

ARRAY: dict[str, Transformation] = {
    **NUMBERS,
    "reverses arrays": lambda value: list(value)[::-1],
    "transposes arrays": lambda value: np.asarray(value).T.tolist(),
    "flattens arrays": lambda value: np.asarray(value).ravel().tolist(),
    "reverses the last axis of arrays": lambda value: np.asarray(value)[..., ::-1].tolist(),
    "divides by 255": lambda value: (np.asarray(value, dtype=float) / 255).tolist(),
    "multiplies by 255": lambda value: (np.asarray(value, dtype=float) * 255).tolist(),
}
