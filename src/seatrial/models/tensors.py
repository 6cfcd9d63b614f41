"""Inputs as the tensors that an ONNX model declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from seatrial.core.errors import InputError
from seatrial.models import columns

NUMPY_TYPES: Final = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}
STRING: Final = "tensor(string)"
FLOATS: Final = frozenset({"tensor(float)", "tensor(double)", "tensor(float16)"})


class Slot(Struct, frozen=True):
    """One input of a session: its name, type and the fixed part of its shape."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    @property
    def width(self) -> int | None:
        """Columns of a ``[rows, columns]`` tensor, where they are fixed."""
        return self.shape[1] if len(self.shape) == 2 else None  # noqa: PLR2004


def fixed_size(size: Any) -> int | None:
    """Return a dimension as a number where the file fixes it."""
    return size if isinstance(size, int) and size > 0 else None


def strings(values: Sequence[Any], slot: Slot) -> np.ndarray:
    """Return texts as a tensor.

    Raises:
        InputError: One of them is no text.
    """
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise InputError(
                f"row {row} is {type(value).__name__}; the model's input {slot.name!r} takes text.",
                hint="Send text, or mend [model] input.",
                details={"row": row},
            )
    return _as_rows(np.array(values, dtype=object), slot)


def column(values: Sequence[Any], slot: Slot) -> np.ndarray:
    """Return the values of one column as a tensor of its own.

    Raises:
        InputError: A value is missing where the type cannot say so, or is of another type.
    """
    if slot.type == STRING:
        # ONNX has no missing string; encoders trained on text know the empty one.
        texts = ["" if columns.is_missing(value) else str(value) for value in values]
        return _as_rows(np.array(texts, dtype=object), slot)
    kind = NUMPY_TYPES[slot.type]
    missing = next((row for row, value in enumerate(values) if columns.is_missing(value)), None)
    if missing is not None and slot.type not in FLOATS:
        raise InputError(
            f"row {missing}: the column {slot.name!r} is missing, and the model's input takes "
            f"{slot.type}, which cannot say so.",
            hint="Fill the value in before asking, or export the model with a float input.",
            details={"row": missing},
        )
    try:
        return _as_rows(columns.column(values).astype(kind), slot)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the column {slot.name!r} takes {slot.type}: {error}.",
            hint="Compare the rows with the model's inputs.",
        ) from None


def _as_rows(values: np.ndarray, slot: Slot) -> np.ndarray:
    return values.reshape(-1, *([1] * max(len(slot.shape) - 1, 0)))


def shaped(block: np.ndarray, slot: Slot) -> np.ndarray:
    """Return stacked inputs as the tensor that takes all of them.

    Raises:
        InputError: They have another shape, or hold text where numbers go.
    """
    if slot.type == STRING:
        texts = ["" if columns.is_missing(value) else str(value) for value in block.ravel()]
        return np.array(texts, dtype=object).reshape(block.shape)
    expected, received = slot.shape[1:], block.shape[1:]
    fits = len(expected) == len(received) and all(
        want is None or want == got for want, got in zip(expected, received, strict=True)
    )
    if slot.shape and not fits:
        raise InputError(
            f"one input has the shape {list(received)}; the model's input {slot.name!r} takes "
            f"{[size or '?' for size in expected]}.".replace("'", ""),
            hint="Reshape the inputs to what the model was exported with.",
        )
    if block.dtype == object:
        raise InputError(
            f"the model's input {slot.name!r} takes {slot.type}; received text in a column.",
            hint="Encode text columns before asking, or export one input per column.",
        )
    return block.astype(NUMPY_TYPES[slot.type])
