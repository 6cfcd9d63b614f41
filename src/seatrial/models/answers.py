"""What a model answers, in one shape, whatever it returned."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from reprlib import repr as shown
from typing import Any

from msgspec import Struct

from seatrial.core.errors import NonFiniteOutputError, OutputContractError


class Answer(Struct, frozen=True):
    """One answer. ``confidence`` and ``scores`` are ``None`` where the model gives none."""

    output: Any
    confidence: float | None = None
    scores: dict[str, float] | None = None


def normalise(raw: Any, *, expected: int) -> list[Answer]:
    """Give every answer of one call the same shape, and hold the model to its contract.

    Args:
        raw: What ``predict`` returned: a sequence, array or series of bare values, or of mappings
            with ``output`` and optionally ``confidence`` and ``scores``. An array of one column
            holds values, not lists of one.
        expected: How many inputs were given.

    Raises:
        OutputContractError: Not a sequence, or not one answer per input.
        NonFiniteOutputError: An answer is NaN or infinite; ``details["row"]`` names the first.

    >>> normalise(["a", {"output": "b", "confidence": 0.5}], expected=2)[1].confidence
    0.5
    """
    if hasattr(raw, "__array__"):
        raw = _rows(raw)
    if isinstance(raw, (str, bytes, Mapping)) or not isinstance(raw, Sequence):
        raise OutputContractError(
            f"the model returned {type(raw).__name__} for {expected} inputs; accepted is a list or "
            "array with one answer per input.",
            hint="Return a list from predict.",
        )
    if len(raw) != expected:
        raise OutputContractError(
            f"the model returned {len(raw)} answers for {expected} inputs; accepted is one each.",
            hint="Check that predict neither drops nor merges rows.",
            details={"received": len(raw), "expected": expected},
        )
    answers = [_answer(value, row) for row, value in enumerate(raw)]
    if len(answers) != expected:
        raise OutputContractError(
            f"the model returned a {type(raw).__name__} of {len(raw)} answers that gives "
            f"{len(answers)}; accepted is one for each of {expected} inputs.",
            hint="Return a list from predict.",
            details={"received": len(answers), "expected": expected},
        )
    return answers


def _rows(raw: Any) -> Any:
    import numpy as np

    try:
        array = np.asarray(raw)
    except Exception as error:
        raise OutputContractError(
            f"the model returned {type(raw).__name__}, which cannot be read as an array: {error}.",
            hint="Return a list, or an array in the memory of this process.",
        ) from error
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004
        array = array[:, 0]
    return list(array) if array.ndim else array.item()


def _answer(value: Any, row: int) -> Answer:
    if isinstance(value, Answer):
        answer = value
    elif _is_mapping(value) and "output" in value:
        answer = Answer(
            output=plain(value["output"]),
            confidence=_number(value.get("confidence"), "confidence", row),
            scores=_scores(value.get("scores"), row),
        )
    else:
        answer = Answer(output=plain(value))
    if not _finite(answer.output) or not _finite(answer.confidence) or not _finite(answer.scores):
        raise NonFiniteOutputError(
            f"the model answered row {row} with a value that is not finite: "
            f"{shown(answer.output)}.",
            hint="Look at that row: missing values and overflows are the usual causes.",
            details={"row": row},
        )
    return answer


def _is_mapping(value: Any) -> bool:
    return type(value) is dict or isinstance(value, Mapping)  # the first is twenty times faster


_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Turn NumPy scalars and arrays, sets and objects with fields into what JSON knows."""
    if type(value) in _PLAIN:
        return value
    if _is_mapping(value):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    np = sys.modules.get("numpy")  # where nobody has imported it, nothing is of its types
    if np is not None and isinstance(value, np.generic):
        return value.item()
    if np is not None and isinstance(value, np.ndarray):
        return plain(value.tolist()) if value.dtype.hasobject else value.tolist()
    names = _fields(value)
    return value if names is None else {name: plain(getattr(value, name)) for name in names}


def _fields(value: Any) -> Sequence[str] | None:
    if isinstance(value, Struct):
        return value.__struct_fields__
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        import dataclasses

        return [field.name for field in dataclasses.fields(value)]
    return None


def _number(value: Any, what: str, row: int) -> float | None:
    if value is None or type(value) is float:
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        raise OutputContractError(
            f"the {what} of row {row} is {shown(value)}; accepted is a number.",
            details={"row": row},
        ) from None


def _scores(value: Any, row: int) -> dict[str, float] | None:
    if value is None:
        return None
    if not _is_mapping(value):
        raise OutputContractError(
            f"the scores of row {row} are {type(value).__name__}; accepted is class -> number.",
            details={"row": row},
        )
    return {
        str(key): score if type(score) is float else _score(score, row)
        for key, score in value.items()
    }


def _score(value: Any, row: int) -> float:
    number = _number(value, "score", row)
    if number is None:
        raise OutputContractError(
            f"a score of row {row} is None; accepted is a number.", details={"row": row}
        )
    return number


def _finite(value: Any) -> bool:
    if type(value) is str or value is None:
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if _is_mapping(value):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return True
