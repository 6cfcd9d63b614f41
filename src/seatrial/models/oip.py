"""Open Inference Protocol v2 over JSON: tensors in, tensors out.

Reference: KServe, *Open Inference Protocol*, https://github.com/kserve/open-inference-protocol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from seatrial.core.errors import InputError, OutputContractError, SettingsError
from seatrial.core.settings import InputKind, Task
from seatrial.models import columns, scores
from seatrial.models.template import shown

LABEL_TYPES: Final = frozenset({"BYTES", "BOOL"})
FLOAT_TYPES: Final = frozenset({"FP16", "BF16", "FP32", "FP64"})


class Tensor(Struct, frozen=True):
    """An input that the served model declares."""

    name: str
    datatype: str
    rank: int = 1


class OipCodec:
    """Speaks OIP v2 for one served model.

    Text is one BYTES tensor, arrays one tensor of floats, records one tensor per column (or one
    tensor of all columns, where the model declares a single input and the order is known).

    Args:
        kind: What one input is.
        task: How the answer's tensors are read.
        inputs: What the model's metadata declares; empty where it gave none.
        order: Columns in the order of a single tensor.
    """

    takes_batches = True

    def __init__(
        self,
        *,
        kind: InputKind,
        task: Task,
        inputs: Sequence[Tensor] = (),
        order: Sequence[str] | None = None,
    ) -> None:
        self._kind = kind
        self._task = task
        self._inputs = {tensor.name: tensor for tensor in inputs}
        self._order = list(order) if order else None

    def request(self, inputs: list[Any]) -> Any:
        """Return the infer request; see :class:`seatrial.models.template.Codec`."""
        if self._kind == "record":
            return {"inputs": self._records(inputs)}
        default = "BYTES" if self._kind == "text" else "FP64"
        tensor = next(iter(self._inputs.values()), Tensor("input", default))
        if tensor.datatype == "BYTES":
            shape = [len(inputs)] if tensor.rank == 1 else [len(inputs), 1]
            return {"inputs": [_tensor(tensor.name, shape, "BYTES", list(inputs))]}
        return {"inputs": [self._block(tensor, columns.array(inputs))]}

    def answers(self, document: Any) -> list[Any]:
        """Return the raw answers in an infer response.

        Raises:
            OutputContractError: It is no infer response, or its outputs differ in rows.
        """
        labels, values, names = None, None, None
        for output in _outputs(document):
            table = _array(output)
            if output.get("datatype") in FLOAT_TYPES:
                values = table if values is None else values
            elif labels is None:
                labels = scores.bare(table)
            names = names or _class_names(output)
        if values is None:
            return labels if labels is not None else []
        if labels is not None and len(labels) != len(values):
            raise OutputContractError(
                f"the response holds {len(labels)} labels and {len(values)} rows of scores; "
                "accepted is one row each.",
                hint="Check that the model neither drops nor merges rows.",
            )
        if self._task == "classification":
            return scores.classified(values, labels=labels, classes=names)
        return scores.bare(values)

    def _records(self, records: list[Any]) -> list[dict[str, Any]]:
        if len(self._inputs) == 1 and self._order is not None and len(self._order) > 1:
            tensor = next(iter(self._inputs.values()))
            return [self._block(tensor, columns.matrix(records, self._order))]
        names = list(self._inputs) or self._order or _keys(records)
        found = columns.by_column(records, names)
        return [self._column(name, values) for name, values in found.items()]

    def _column(self, name: str, values: list[Any]) -> dict[str, Any]:
        declared = self._inputs.get(name, Tensor(name, ""))
        shape = [len(values)] if declared.rank == 1 else [len(values), 1]
        column = columns.column(values)
        datatype = declared.datatype or _datatype(column)
        data: list[Any]
        if datatype == "BYTES":
            data = ["" if columns.is_missing(value) else str(value) for value in values]
        elif datatype in FLOAT_TYPES:
            data = _floats(column, name)
        else:
            data = column.tolist()
        return _tensor(name, shape, datatype, data)

    @staticmethod
    def _block(tensor: Tensor, block: np.ndarray) -> dict[str, Any]:
        floats = tensor.datatype in FLOAT_TYPES
        data = _floats(block.ravel(), tensor.name) if floats else block.ravel().tolist()
        return _tensor(tensor.name, list(block.shape), tensor.datatype, data)


def declared_inputs(metadata: Any) -> list[Tensor]:
    """Return the inputs that a model's metadata document declares; empty where it has none."""
    found = []
    for entry in metadata.get("inputs", []) if isinstance(metadata, Mapping) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            rank = max(len(entry.get("shape") or [-1]), 1)
            found.append(Tensor(entry["name"], str(entry.get("datatype", "")), rank))
    return found


def infer_path(path: str, model: str) -> str:
    """Return the path of a model's infer route, from a base, a model or the route itself.

    >>> infer_path("/", "m"), infer_path("/v2/models/x/versions/2", "m")
    ('/v2/models/m/infer', '/v2/models/x/versions/2/infer')
    """
    trimmed = path.rstrip("/")
    if trimmed.endswith("/infer"):
        return trimmed
    if "/v2/models/" in trimmed:
        return f"{trimmed}/infer"
    return f"{trimmed.removesuffix('/v2')}/v2/models/{model}/infer"


def _tensor(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def _keys(records: list[Any]) -> list[str]:
    first = records[0] if records else {}
    if not isinstance(first, Mapping):
        raise InputError(
            f"row 0 is {type(first).__name__}; accepted is an object of columns.",
            hint='Send {"column": value, …}.',
            details={"row": 0},
        )
    return sorted(first)


def _datatype(column: np.ndarray) -> str:
    return {"b": "BOOL", "i": "INT64", "f": "FP64"}.get(column.dtype.kind, "BYTES")


def _floats(column: np.ndarray, name: str) -> list[float | None]:
    """Return floats for JSON, which has no NaN: a missing value is null."""
    try:
        values = column.astype(np.float64).tolist()
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the input {name!r} takes numbers; received something else: {error}.",
            hint="Compare [eval] input with the model's metadata.",
        ) from None
    return [None if math.isnan(value) else value for value in values]


def _outputs(document: Any) -> list[Mapping[str, Any]]:
    outputs = document.get("outputs") if isinstance(document, Mapping) else None
    if not isinstance(outputs, list) or not all(isinstance(one, Mapping) for one in outputs):
        raise OutputContractError(
            "the response is no OIP v2 infer response: expected an object with a list `outputs`, "
            f"received {shown(document)}.",
            hint="Check that the URL is /v2/models/NAME/infer, or set endpoint.protocol.",
        )
    return outputs


def _array(output: Mapping[str, Any]) -> np.ndarray:
    name, data, shape = output.get("name"), output.get("data"), output.get("shape")
    if not isinstance(data, list):
        raise OutputContractError(
            f"the output {name!r} holds {shown(data)}; accepted is a list in `data`.",
            hint="Ask the server for JSON rather than binary outputs.",
        )
    kind: Any = float if output.get("datatype") in FLOAT_TYPES else object
    values = np.array(data, dtype=kind)
    if values.ndim == 1 and isinstance(shape, list) and math.prod(shape) == values.size:
        values = values.reshape(shape)
    return values


def _class_names(output: Mapping[str, Any]) -> list[Any] | None:
    parameters = output.get("parameters")
    names = parameters.get("classes") if isinstance(parameters, Mapping) else None
    return names if isinstance(names, list) else None


def check_order(kind: InputKind, inputs: Sequence[Tensor], order: Sequence[str] | None) -> None:
    """Hold the declared columns against what the served model declares.

    Raises:
        SettingsError: The model has one input for many columns, and nothing gives their order.
    """
    if kind == "record" and len(inputs) == 1 and order is None:
        raise SettingsError(
            f"the served model has one input, {inputs[0].name!r}, and nothing says in which order "
            "a record's columns go into it.",
            hint='List them in the order of training: [eval] input = ["first", "second", …]',
        )
