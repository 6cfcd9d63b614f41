"""The ``onnx =`` adapter: an ONNX file run by ONNX Runtime.

Inputs are fed by the declared kind: ``text`` into the one tensor of strings; ``array`` into the one
numeric tensor; ``record`` into one tensor per column (by name), or into one ``[rows, columns]``
tensor where ``[eval] input`` lists the columns in the order of training.

Classes are named by, in this order: the model's own labels (``ZipMap``); the metadata entries
``classes``, ``class_names`` or ``names`` of the file (a JSON list, or index to name); a
``classes.json`` beside it; otherwise a class is its index. Scores that are no distribution are
logits, and their softmax is the confidence.

A file whose batch dimension is fixed is fed that many rows at a time: with 1, row by row (and
``takes_batches`` is false); with more, padded with copies of the last row, whose answers are
dropped. Operators of custom libraries are refused, because running them means running their code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from seatrial.core.errors import ModelLoadError, OutputContractError
from seatrial.core.settings import InputKind, Settings, Task
from seatrial.models import columns, scores
from seatrial.models.classnames import class_names
from seatrial.models.estimator import declared_order
from seatrial.models.runtime import session
from seatrial.models.subject import CallableSubject, Subject
from seatrial.models.tensors import (
    FLOATS,
    NUMPY_TYPES,
    STRING,
    Slot,
    column,
    fixed_size,
    shaped,
    strings,
)

_DISTRIBUTIONS: Final = frozenset({"Sigmoid", "HardSigmoid", "Softmax", "Clip"})


def open_model(location: str, *, settings: Settings, folder: Path) -> Subject:
    """Open an ONNX file.

    Args:
        location: File, relative to ``folder``.
        settings: Input kind, task and column order come from here.
        folder: What ``location`` is relative to.

    Raises:
        ModelLoadError: No such file, not an ONNX file, custom operators, or inputs that cannot be
            fed from the declared kind.
        MissingLibraryError: ONNX Runtime is not installed.
    """
    path = folder / location
    if not path.is_file():
        raise ModelLoadError(
            f"model.onnx = {location!r}: there is no file {path}.",
            hint=f"Give its path relative to {folder}.",
        )
    model = OnnxModel(
        path,
        kind=settings.model.input,
        task=settings.model.task,
        order=declared_order(settings.eval.input),
    )
    return OnnxSubject(model)


class OnnxModel:
    """A session and how inputs and outputs of it are read.

    Args:
        path: The file; external data lies beside it.
        kind: What one input is.
        task: How the outputs are read.
        order: Columns in the order of a single tensor.

    Raises:
        ModelLoadError: See :func:`open_model`.
        MissingLibraryError: ONNX Runtime is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        kind: InputKind,
        task: Task,
        order: Sequence[str] | None = None,
    ) -> None:
        self._path = path
        self._kind = kind
        self._task = task
        self._session = session(path)
        self._slots = [
            Slot(one.name, one.type, tuple(fixed_size(size) for size in one.shape))
            for one in self._session.get_inputs()
        ]
        self._order = list(order) if order else None
        self._check_inputs()
        self.batchfixed_size = self._slots[0].shape[0] if self._slots[0].shape else None
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._classes = class_names(path, metadata)
        self._single_is_probability = _ends_in_distribution(path, self._session, task)

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Answer a batch."""
        step = self.batchfixed_size or len(inputs)
        answers: list[Any] = []
        for start in range(0, len(inputs), step):
            part = inputs[start : start + step]
            padded = part + [part[-1]] * (step - len(part))
            found = self._read(self._session.run(None, self._feed(padded)))
            answers += found[: len(part)] if len(found) == len(padded) else found
        return answers

    def _check_inputs(self) -> None:
        slots = self._slots
        strings = [slot for slot in slots if slot.type == STRING]
        fits = {
            "text": len(slots) == 1 and len(strings) == 1,
            "array": len(slots) == 1 and not strings and slots[0].type in NUMPY_TYPES,
            "image": len(slots) == 1 and not strings and slots[0].type in NUMPY_TYPES,
            "record": all(slot.type in NUMPY_TYPES or slot.type == STRING for slot in slots),
            "chat": False,
        }[self._kind]
        if not slots or not fits:
            raise ModelLoadError(
                f"{self._path.name} takes {self._signature()}; that cannot be fed from "
                f'input = "{self._kind}", which needs {_NEEDS[self._kind]}.',
                hint="Set [model] input to what it takes, or write a load() function that prepares "
                'the inputs (tokenises, resizes) and set load = "model:load".',
            )
        if self._kind == "record":
            self._check_columns()

    def _check_columns(self) -> None:
        if not self._is_block():
            return
        slot, order = self._slots[0], self._order
        if order is None:
            raise ModelLoadError(
                f"{self._path.name} takes {self._signature()}, and nothing says in which order a "
                "record's columns go into it.",
                hint='List them in the order of training: [eval] input = ["first", "second", …]',
            )
        if slot.width is not None and slot.width != len(order):
            raise ModelLoadError(
                f"{self._path.name} takes {slot.width} columns; [eval] input lists {len(order)}: "
                f"{', '.join(order)}.",
                hint="List exactly the columns of training, in their order.",
            )

    def _is_block(self) -> bool:
        """Say whether all columns of a record go into one tensor."""
        only = self._slots[0]
        return len(self._slots) == 1 and len(only.shape) == 2 and only.width != 1  # noqa: PLR2004

    def _signature(self) -> str:
        return ", ".join(
            f"{slot.name}: {slot.type}{[size or '?' for size in slot.shape]}".replace("'", "")
            for slot in self._slots
        )

    def _feed(self, inputs: list[Any]) -> dict[str, np.ndarray]:
        slot = self._slots[0]
        if self._kind == "text":
            return {slot.name: strings(inputs, slot)}
        if self._kind == "record" and not self._is_block():
            found = columns.by_column(inputs, [one.name for one in self._slots])
            return {one.name: column(found[one.name], one) for one in self._slots}
        if self._kind == "record":
            block = columns.matrix(inputs, self._order or [])
        else:
            block = columns.array(inputs)
        return {slot.name: shaped(block, slot)}

    def _read(self, outputs: list[Any]) -> list[Any]:
        declared = self._session.get_outputs()
        maps = next((one for one in outputs if _is_maps(one)), None)
        floats = next((v for v, o in zip(outputs, declared, strict=True) if o.type in FLOATS), None)
        labels = next(
            (
                _flat(value)
                for value, output in zip(outputs, declared, strict=True)
                if output.type in {STRING, "tensor(int64)", "tensor(int32)"}
            ),
            None,
        )
        if self._task != "classification":
            chosen = floats if floats is not None else outputs[0]
            return scores.bare(np.asarray(chosen))
        if maps is not None:
            return [_mapped(row, labels, index) for index, row in enumerate(maps)]
        if floats is None:
            return labels if labels is not None else scores.bare(np.asarray(outputs[0]))
        if labels is not None and len(labels) != len(floats):
            raise OutputContractError(
                f"{self._path.name} gave {len(labels)} labels and {len(floats)} rows of scores; "
                "accepted is one row each.",
                hint="Check that the model neither drops nor merges rows.",
            )
        return scores.classified(
            floats,
            labels=labels,
            classes=self._classes,
            single_is_probability=self._single_is_probability,
        )


class OnnxSubject(CallableSubject):
    """An ONNX model; one whose batch dimension is fixed at 1 takes no batches."""

    def __init__(self, model: OnnxModel) -> None:
        super().__init__(model.predict)
        self.takes_batches = model.batchfixed_size != 1


_NEEDS: Final = {
    "text": "one tensor of strings",
    "array": "one numeric tensor",
    "image": "one numeric tensor",
    "record": "tensors of numbers or strings",
    "chat": "a model that takes messages",
}


def _is_maps(output: Any) -> bool:
    return isinstance(output, list) and all(isinstance(row, Mapping) for row in output)


def _mapped(row: Mapping[Any, Any], labels: list[Any] | None, index: int) -> dict[str, Any]:
    by_class = {key: float(value) for key, value in row.items()}
    label = labels[index] if labels is not None else max(by_class, key=lambda key: by_class[key])
    answer: dict[str, Any] = {"output": label, "scores": by_class}
    values = np.array(list(by_class.values()))
    if scores.is_distribution(values) or not np.all(np.isfinite(values)):
        answer["confidence"] = by_class.get(label)
    return answer


def _flat(values: Any) -> list[Any]:
    return scores.bare(np.asarray(values))


def _ends_in_distribution(path: Path, opened: Any, task: Task) -> bool:
    """Say whether a single column of scores holds probabilities rather than logits.

    Names are asked first (``probability``, ``logits``), then the graph, because a number alone
    cannot tell: 0.7 may be either.
    """
    output = next((one for one in opened.get_outputs() if one.type in FLOATS), None)
    if task != "classification" or output is None:
        return True
    if "prob" in output.name.lower():
        return True
    if "logit" in output.name.lower():
        return False
    try:
        import onnx
    except ImportError:
        return True
    graph = onnx.load(str(path), load_external_data=False).graph
    makers = {name: node for node in graph.node for name in node.output}
    node = makers.get(output.name)
    while node is not None and node.op_type in {
        "Cast",
        "Flatten",
        "Identity",
        "Reshape",
        "Squeeze",
    }:
        node = makers.get(node.input[0])
    return node is None or node.op_type in _DISTRIBUTIONS
