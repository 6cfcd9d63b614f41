"""How two answers to the same row differ, in words: value, number, type, encoding, confidence."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from seatrial.models.answers import Answer

Kind = Literal["value", "number", "type", "encoding", "shape", "confidence", "refused"]

CONFIDENCE_TOLERANCE = 0.0051
"""A confidence rounded to two decimals is another format, not another answer."""

FORMATTED = "%.12g"


class Mismatch(Struct, frozen=True, kw_only=True):
    """The first difference between two answers.

    Attributes:
        kind: ``type`` where the value is the same and only its type is not (1 and "1").
        where: Path into the answer, "$" for the answer itself.
        inside: What one side holds there, as text.
        outside: What the other side holds there, as text.
    """

    kind: Kind
    where: str
    inside: str
    outside: str


def mismatch(inside: Answer, outside: Answer, *, tolerance: float) -> Mismatch | None:
    """Compare two answers; ``None`` where they are the same.

    Confidence is compared where both sides give one. A float that comes back as an equal whole
    number is the same, because JSON knows one kind of number only; the reverse is named, because
    a label 1 that becomes 1.0 is another label to whoever looks it up.

    Args:
        inside: The notebook's answer.
        outside: The service's answer.
        tolerance: Relative difference of numbers that counts as the same.

    >>> mismatch(Answer(1), Answer("1"), tolerance=1e-6).kind
    'type'
    >>> mismatch(Answer([0.5, 2.0]), Answer([0.5, 2]), tolerance=1e-6) is None
    True
    >>> mismatch(Answer({"a": 1.0}), Answer({"a": 1.1}), tolerance=1e-6).where
    '$.a'
    """
    found = _compare(inside.output, outside.output, "$", tolerance)
    if found is not None or inside.confidence is None or outside.confidence is None:
        return found
    if abs(inside.confidence - outside.confidence) <= max(CONFIDENCE_TOLERANCE, tolerance):
        return None
    return _found("confidence", "confidence", inside.confidence, outside.confidence)


def refusal(inside: Answer, message: str) -> Mismatch:
    """Return the mismatch of a row that one side answers and the other refuses."""
    return _found("refused", "$", inside.output, message)


def _compare(inside: Any, outside: Any, where: str, tolerance: float) -> Mismatch | None:
    if isinstance(inside, Mapping) and isinstance(outside, Mapping):
        return _mappings(inside, outside, where, tolerance)
    if isinstance(inside, list) and isinstance(outside, list):
        if len(inside) != len(outside):
            return _found("shape", where, f"{len(inside)} items", f"{len(outside)} items")
        pairs = enumerate(zip(inside, outside, strict=True))
        found = (_compare(a, b, f"{where}[{index}]", tolerance) for index, (a, b) in pairs)
        return next((one for one in found if one is not None), None)
    kind = _scalars(inside, outside, tolerance)
    return None if kind is None else _found(kind, where, inside, outside)


def _mappings(
    inside: Mapping[str, Any], outside: Mapping[str, Any], where: str, tolerance: float
) -> Mismatch | None:
    if inside.keys() != outside.keys():
        return _found("shape", where, sorted(inside), sorted(outside))
    found = (_compare(inside[key], outside[key], f"{where}.{key}", tolerance) for key in inside)
    return next((one for one in found if one is not None), None)


def _scalars(inside: Any, outside: Any, tolerance: float) -> Kind | None:
    if isinstance(inside, float) and _is_number(outside):
        close = math.isclose(inside, outside, rel_tol=tolerance, abs_tol=tolerance**2)
        return None if close else "number"
    if type(inside) is type(outside):
        if inside == outside:
            return None
        if isinstance(inside, str) and _normal(inside) == _normal(outside):
            return "encoding"
        return "number" if _is_number(inside) else "value"
    return "type" if _same_value(inside, outside) else "value"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same_value(inside: Any, outside: Any) -> bool:
    """Whether two values of different types say the same: 1, 1.0, "1", "1.0", True, "true"."""
    numbers = [_as_number(value) for value in (inside, outside)]
    if None not in numbers:
        return numbers[0] == numbers[1]
    return str(inside).casefold() == str(outside).casefold()


def _as_number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _found(kind: Kind, where: str, inside: Any, outside: Any) -> Mismatch:
    return Mismatch(kind=kind, where=where, inside=_shown(inside), outside=_shown(outside))


def _shown(value: Any) -> str:
    if isinstance(value, float):
        # At least one decimal, so that 1.0 and 1 can be told apart.
        return repr(float(FORMATTED % value))
    return repr(value) if isinstance(value, str) else str(value)
