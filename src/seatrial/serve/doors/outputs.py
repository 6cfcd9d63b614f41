"""Results as output tensors: what the model said, how sure it was, and whether it abstained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from seatrial.serve.messages import Result

OUTPUT: Final = "output"
SCORES: Final = "scores"
CONFIDENCE: Final = "confidence"
ABSTAINED: Final = "abstained"
NAMES: Final = (OUTPUT, SCORES, CONFIDENCE, ABSTAINED)

JSON_ELEMENTS: Final = "pd_json"
"""Content type of BYTES whose elements are JSON each, as MLServer calls it."""

_INT64 = range(-(2**63), 2**63)


class Output(Struct, frozen=True, gc=False):
    """One output tensor before it is written; ``None`` stands for a missing value."""

    name: str
    datatype: str
    shape: list[int]
    flat: list[Any]
    parameters: dict[str, Any] = {}


def outputs(
    results: Sequence[Result],
    *,
    usual: Output | None = None,
    asked: Sequence[str] = (),
) -> list[Output]:
    """Return the output tensors of an answer.

    Scores and confidences are there where some row has them, or where they are asked for by name.

    Args:
        results: One per row.
        usual: What ``output`` looked like before; its type is used where all rows abstain.
        asked: Names of the wanted tensors, in their order; empty for all there are.

    >>> [one.datatype for one in outputs([Result("yes", 0.5, None, False)])]
    ['BYTES', 'FP64', 'BOOL']
    """
    rows = len(results)
    made = {OUTPUT: of_values([result.output for result in results], usual=usual)}
    if SCORES in asked or any(result.scores is not None for result in results):
        made[SCORES] = _scores(results)
    if CONFIDENCE in asked or any(result.confidence is not None for result in results):
        confidences = [result.confidence for result in results]
        made[CONFIDENCE] = Output(CONFIDENCE, "FP64", [rows], confidences)
    withheld = [result.abstained for result in results]
    made[ABSTAINED] = Output(ABSTAINED, "BOOL", [rows], withheld)
    return [made[name] for name in asked] if asked else list(made.values())


def of_values(values: list[Any], *, usual: Output | None = None) -> Output:
    """Return what the model said as a tensor of the plainest type that holds all of it.

    Text is BYTES; truths, whole numbers and numbers are BOOL, INT64 and FP64; lists of equal shape
    are tensors of more dimensions. Anything else is BYTES with one JSON text per row. Where rows
    are missing, whole numbers and truths are FP64 too, which alone can say so.

    >>> of_values([1, 2]).datatype, of_values([1, None]).flat, of_values([{"a": 1}]).flat
    ('INT64', [1.0, None], ['{"a":1}'])
    """
    present = [value for value in values if value is not None]
    if not present:
        return _missing(len(values), usual)
    kinds = {type(value) for value in present}
    if kinds == {str}:
        return Output(OUTPUT, "BYTES", [len(values)], values, {"content_type": "str"})
    if kinds <= {bool} or kinds <= {int, float}:
        datatype = _number_type(kinds, present, complete=len(present) == len(values))
        if datatype:
            return Output(OUTPUT, datatype, [len(values)], _cast(values, datatype))
    if kinds == {list} and (stacked := _stacked(values, present)) is not None:
        return stacked
    texts = [None if value is None else msgspec.json.encode(value).decode() for value in values]
    return Output(OUTPUT, "BYTES", [len(values)], texts, {"content_type": JSON_ELEMENTS})


def _missing(rows: int, usual: Output | None) -> Output:
    if usual is None:
        return Output(OUTPUT, "BYTES", [rows], [None] * rows, {"content_type": "str"})
    datatype = "FP64" if rows and usual.datatype in {"INT64", "BOOL"} else usual.datatype
    inner = [] if -1 in usual.shape[1:] else usual.shape[1:]
    cells = rows * math.prod(inner)
    return Output(OUTPUT, datatype, [rows, *inner], [None] * cells, usual.parameters)


def _number_type(kinds: set[type], present: list[Any], *, complete: bool) -> str:
    if not complete or float in kinds:
        return "FP64"
    if kinds == {bool}:
        return "BOOL"
    return "INT64" if all(value in _INT64 for value in present) else ""


def _cast(values: list[Any], datatype: str) -> list[Any]:
    if datatype != "FP64":
        return values
    return [None if value is None else float(value) for value in values]


def _stacked(values: list[Any], present: list[Any]) -> Output | None:
    """Return lists of one shape as a tensor; ``None`` where they are not, or hold other things."""
    shape = _shape(present[0])
    if not shape:
        return None
    flat: list[Any] = []
    empty = [None] * math.prod(shape)
    for value in values:
        cells = empty if value is None else _flattened(value, shape)
        if cells is None:
            return None
        flat += cells
    # Read by what the cells are; a null within a list means what a missing row means.
    inside = of_values(flat)
    if inside.parameters.get("content_type") == JSON_ELEMENTS or len(inside.shape) > 1:
        return None
    return Output(OUTPUT, inside.datatype, [len(values), *shape], inside.flat, inside.parameters)


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        if not value:
            return []
        shape.append(len(value))
        value = value[0]
    return shape


def _flattened(value: Any, shape: list[int]) -> list[Any] | None:
    level = [value]
    for size in shape:
        if any(not isinstance(one, list) or len(one) != size for one in level):
            return None
        level = [inner for one in level for inner in one]
    return level


def _scores(results: Sequence[Result]) -> Output:
    given = [result.scores or {} for result in results]
    classes = list(dict.fromkeys(name for scores in given for name in scores))
    flat = [scores.get(name) for scores in given for name in classes]
    return Output(SCORES, "FP64", [len(results), len(classes)], flat, {"classes": classes})
