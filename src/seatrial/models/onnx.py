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

import ast
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct

from seatrial.core.errors import (
    InputError,
    MissingLibraryError,
    ModelLoadError,
    OutputContractError,
)
from seatrial.core.settings import InputKind, Settings, Task
from seatrial.models import columns, scores
from seatrial.models.estimator import declared_order
from seatrial.models.subject import CallableSubject, Subject

THREADS: Final = 1
"""Threads inside one call: throughput comes from several processes, and latency stays even."""

_NUMPY: Final = {
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
_STRING: Final = "tensor(string)"
_FLOATS: Final = frozenset({"tensor(float)", "tensor(double)", "tensor(float16)"})
_CLASS_KEYS: Final = ("classes", "class_names", "names")
_UNREGISTERED: Final = re.compile(r"([\w.]*):?\b(\w+)\(-?\d+\) is not a registered function/op")
_LOCALE: Final = re.compile(r"construct locale with name:\s*([\w.-]+)")
_DISTRIBUTIONS: Final = frozenset({"Sigmoid", "HardSigmoid", "Softmax", "Clip"})


class Slot(Struct, frozen=True):
    """One input of a session: its name, type and the fixed part of its shape."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    @property
    def width(self) -> int | None:
        """Columns of a ``[rows, columns]`` tensor, where they are fixed."""
        return self.shape[1] if len(self.shape) == 2 else None  # noqa: PLR2004


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
        threads: Threads inside one call.

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
        threads: int = THREADS,
    ) -> None:
        self._path = path
        self._kind = kind
        self._task = task
        self._session = session(path, threads=threads)
        self._slots = [
            Slot(one.name, one.type, tuple(_fixed(size) for size in one.shape))
            for one in self._session.get_inputs()
        ]
        self._order = list(order) if order else None
        self._check_inputs()
        self.batch_fixed = self._slots[0].shape[0] if self._slots[0].shape else None
        self._classes = _class_names(path, self._session)
        self._single_is_probability = _ends_in_distribution(path, self._session, task)

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Answer a batch."""
        step = self.batch_fixed or len(inputs)
        answers: list[Any] = []
        for start in range(0, len(inputs), step):
            part = inputs[start : start + step]
            padded = part + [part[-1]] * (step - len(part))
            found = self._read(self._session.run(None, self._feed(padded)))
            answers += found[: len(part)] if len(found) == len(padded) else found
        return answers

    def _check_inputs(self) -> None:
        slots = self._slots
        strings = [slot for slot in slots if slot.type == _STRING]
        fits = {
            "text": len(slots) == 1 and len(strings) == 1,
            "array": len(slots) == 1 and not strings and slots[0].type in _NUMPY,
            "image": len(slots) == 1 and not strings and slots[0].type in _NUMPY,
            "record": all(slot.type in _NUMPY or slot.type == _STRING for slot in slots),
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
            return {slot.name: _strings(inputs, slot)}
        if self._kind == "record" and not self._is_block():
            found = columns.by_column(inputs, [one.name for one in self._slots])
            return {one.name: _column(found[one.name], one) for one in self._slots}
        if self._kind == "record":
            block = columns.matrix(inputs, self._order or [])
        else:
            block = columns.array(inputs)
        return {slot.name: _shaped(block, slot)}

    def _read(self, outputs: list[Any]) -> list[Any]:
        declared = self._session.get_outputs()
        maps = next((one for one in outputs if _is_maps(one)), None)
        floats = next(
            (v for v, o in zip(outputs, declared, strict=True) if o.type in _FLOATS), None
        )
        labels = next(
            (
                _flat(value)
                for value, output in zip(outputs, declared, strict=True)
                if output.type in {_STRING, "tensor(int64)", "tensor(int32)"}
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
        self.takes_batches = model.batch_fixed != 1


def session(path: Path, *, threads: int = THREADS) -> Any:
    """Return an ONNX Runtime session on the CPU, without any custom operator.

    Raises:
        ModelLoadError: It is not an ONNX file, or needs custom operators.
        MissingLibraryError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingLibraryError.of(
            "onnxruntime", purpose="run ONNX models", extra="onnx"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: what matters comes as an exception
    try:
        return onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ModelLoadError:
    custom = _UNREGISTERED.search(str(error))
    if custom or "not a registered custom op domain" in str(error):
        named = f" ({custom[1] or 'default'}:{custom[2]})" if custom else ""
        return ModelLoadError(
            f"{path.name} uses an operator that ONNX Runtime does not bring{named}; libraries of "
            "custom operators are not loaded.",
            hint="Export it with standard operators, or load it in your own code with "
            'load = "model:load".',
        )
    text = " ".join(str(error).split())
    locale = _LOCALE.search(text)
    if locale:
        return ModelLoadError(
            f"{path.name} lower-cases text in the locale {locale[1]}, which this machine lacks.",
            hint=f"Install it (Debian: apt-get install locales && locale-gen {locale[1]}), or keep "
            "the text processing in Python.",
        )
    return ModelLoadError(
        f"{path.name} could not be read: {text[:300]}",
        hint="Check that it is a complete ONNX file and that its external data lies beside it.",
        details={"raised": type(error).__name__},
    )


_NEEDS: Final = {
    "text": "one tensor of strings",
    "array": "one numeric tensor",
    "image": "one numeric tensor",
    "record": "tensors of numbers or strings",
    "chat": "a model that takes messages",
}


def _fixed(size: Any) -> int | None:
    return size if isinstance(size, int) and size > 0 else None


def _strings(values: Sequence[Any], slot: Slot) -> np.ndarray:
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise InputError(
                f"row {row} is {type(value).__name__}; the model's input {slot.name!r} takes text.",
                hint="Send text, or mend [model] input.",
                details={"row": row},
            )
    return _as_rows(np.array(values, dtype=object), slot)


def _column(values: Sequence[Any], slot: Slot) -> np.ndarray:
    if slot.type == _STRING:
        # ONNX has no missing string; encoders trained on text know the empty one.
        texts = ["" if columns.is_missing(value) else str(value) for value in values]
        return _as_rows(np.array(texts, dtype=object), slot)
    kind = _NUMPY[slot.type]
    missing = next((row for row, value in enumerate(values) if columns.is_missing(value)), None)
    if missing is not None and slot.type not in _FLOATS:
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


def _shaped(block: np.ndarray, slot: Slot) -> np.ndarray:
    if slot.type == _STRING:
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
    return block.astype(_NUMPY[slot.type])


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


def _class_names(path: Path, opened: Any) -> list[Any] | None:
    metadata = opened.get_modelmeta().custom_metadata_map
    for key in _CLASS_KEYS:
        if key in metadata:
            return _listed(metadata[key], f"the metadata entry {key!r} of {path.name}")
    beside = path.with_name("classes.json")
    if beside.is_file():
        return _listed(beside.read_text(encoding="utf-8"), str(beside))
    return None


def _listed(text: str, where: str) -> list[Any]:
    """Read class names: a JSON list, an object of index to name, or either as Python writes it."""
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found = None
    if isinstance(found, Mapping):
        places = {str(key): name for key, name in found.items()}
        found = [places.get(str(index)) for index in range(len(places))]
    if not isinstance(found, list) or any(name is None for name in found):
        raise ModelLoadError(
            f"{where} names no classes: {text[:100]!r}; accepted is a JSON list of names, or an "
            "object of index to name.",
            hint='For example: ["negative", "positive"]',
        )
    return found


def _ends_in_distribution(path: Path, opened: Any, task: Task) -> bool:
    """Say whether a single column of scores holds probabilities rather than logits.

    Names are asked first (``probability``, ``logits``), then the graph, because a number alone
    cannot tell: 0.7 may be either.
    """
    output = next((one for one in opened.get_outputs() if one.type in _FLOATS), None)
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
