"""Records as columns: the data frame or matrix that a fitted estimator expects.

A column has one form whatever batch its values come in, so that a row alone and the same row in
company are the same numbers. A missing value is NaN, never ``None``: scikit-learn's encoders take
``None`` and NaN for two different categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seatrial.core.errors import InputError, MissingLibraryError

INT64_MAX = 2**63 - 1


def by_column(records: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of each named column, in the order of ``names``.

    Columns that nobody asked for are passed over; the order of a record's keys means nothing.

    Raises:
        InputError: A record is not a mapping, or lacks one of the columns.

    >>> by_column([{"b": 1, "a": 2}, {"a": 3, "b": None, "c": 4}], ["a", "b"])
    {'a': [2, 3], 'b': [1, None]}
    """
    for row, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise InputError(
                f"row {row} is {type(record).__name__}; accepted is an object with the columns "
                f"{', '.join(names)}.",
                hint='Send {"column": value, …}.',
                details={"row": row},
            )
        lacking = [name for name in names if name not in record]
        if lacking:
            raise InputError(
                f"row {row} lacks the column{'s' if lacking[1:] else ''} {', '.join(lacking)}; "
                f"accepted are all of {', '.join(names)}.",
                hint="Send null where a value is missing.",
                details={"row": row, "columns": lacking},
            )
    return {name: [record[name] for record in records] for name in names}


def column(values: Sequence[Any]) -> np.ndarray:
    """Return one column as an array: whole numbers, floats (NaN = missing) or objects.

    >>> column([1, None, 3]).tolist(), column(["a", None]).tolist(), column([True, False]).dtype
    ([1.0, nan, 3.0], ['a', nan], dtype('bool'))
    """
    present = [value for value in values if not is_missing(value)]
    complete = len(present) == len(values)
    if present and all(isinstance(value, (bool, np.bool_)) for value in present):
        return np.array(values, dtype=bool) if complete else _floats(values)
    if present and all(_is_number(value) for value in present):
        whole = complete and all(isinstance(value, (int, np.integer)) for value in present)
        if whole and all(abs(int(value)) <= INT64_MAX for value in present):
            return np.array(values, dtype=np.int64)
        return _floats(values)
    # All missing: an object column is what encoders fitted on text and imputers fitted on numbers
    # both accept; a float column makes OneHotEncoder raise.
    mixed = np.empty(len(values), dtype=object)
    mixed[:] = [np.nan if is_missing(value) else value for value in values]
    return mixed


def data_frame(records: Sequence[Any], names: Sequence[str]) -> Any:
    """Return a pandas data frame with exactly these columns, in this order.

    Raises:
        MissingLibraryError: pandas is not installed.
        InputError: See :func:`by_column`.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingLibraryError(
            "pandas is not installed; it is needed to give a model that was fitted on a data frame "
            "its columns by name.",
            hint="Install it with: pip install pandas",
            details={"library": "pandas"},
        ) from None
    found = by_column(records, names)
    return pd.DataFrame({name: column(values) for name, values in found.items()}, columns=names)


def matrix(records: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    """Return an array of shape ``(rows, columns)``: float64, or objects where text is among them.

    >>> matrix([{"y": 2, "x": 1}, {"x": None, "y": 4}], ["x", "y"]).tolist()
    [[1.0, 2.0], [nan, 4.0]]
    """
    columns = [column(values) for values in by_column(records, names).values()]
    if any(one.dtype == object and _has_text(one) for one in columns):
        return np.column_stack([one.astype(object) for one in columns])
    return np.column_stack([one.astype(np.float64) for one in columns])


def array(inputs: Sequence[Any], *, dtype: Any = None) -> np.ndarray:
    """Return the stacked inputs, shape ``(rows, …)``; ``None`` becomes NaN.

    Raises:
        InputError: The inputs differ in shape, or hold something that is not a number.

    >>> array([[1, 2], [3, None]]).tolist()
    [[1.0, 2.0], [3.0, nan]]
    """
    shapes = {np.shape(value) for value in inputs if not isinstance(value, (str, bytes))}
    try:
        stacked = np.asarray(inputs, dtype=dtype)
        if stacked.dtype == object:
            stacked = stacked.astype(np.float64)
    except (TypeError, ValueError) as error:
        if len(shapes) > 1:
            raise InputError(
                f"the inputs of one batch have the shapes {sorted(shapes)[:4]}; accepted is one.",
                hint="Pad or cut them to the shape that the model was trained on.",
            ) from None
        raise InputError(
            f"an input holds something that is not a number: {error}.",
            hint="Arrays hold numbers, and null where a value is missing.",
        ) from None
    if stacked.dtype.kind not in "biuf":
        raise InputError(
            f"the inputs hold {stacked.dtype.name} values; accepted are numbers.",
            hint='Set [model] input = "text" or "record" if that is what they are.',
        )
    return stacked


def is_missing(value: Any) -> bool:
    """Say whether a value stands for nothing: ``None`` or NaN."""
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, complex)


def _floats(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if is_missing(value) else float(value) for value in values])


def _has_text(values: np.ndarray) -> bool:
    return not all(is_missing(value) for value in values)
