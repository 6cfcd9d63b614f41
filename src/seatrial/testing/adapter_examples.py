"""Small real models for the contract suite, one set per adapter: each doubles a number."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from seatrial.core.settings import Settings, parse
from seatrial.models.opening import open_subject
from seatrial.models.subject import Subject
from seatrial.testing.contract import AdapterExample
from seatrial.testing.models import Behaviour, BrokenModel, DoublingEstimator
from seatrial.testing.service import predict_route, serving

POISON: Final = -1.0

_CODE: Final = """
from seatrial.testing.models import BrokenModel


def load():
    return BrokenModel({behaviour!r}, poison={poison!r})
"""


def _opened(
    make: Callable[[Path, Behaviour], Settings],
) -> Callable[[Path, Behaviour], AbstractContextManager[Subject]]:
    @contextmanager
    def build(folder: Path, behaviour: Behaviour) -> Iterator[Subject]:
        subject = open_subject(make(folder, behaviour), folder)
        try:
            yield subject
        finally:
            subject.close()

    return build


def _load(folder: Path, behaviour: Behaviour) -> Settings:
    code = _CODE.format(behaviour=behaviour, poison=POISON)
    (folder / "model.py").write_text(code, encoding="utf-8")
    return parse({"model": {"load": "model:load", "input": "array", "task": "regression"}})


def _sklearn(folder: Path, behaviour: Behaviour) -> Settings:
    model = {"sklearn": "model.skops", "input": "array", "task": "regression"}
    if behaviour == "healthy":
        import skops.io
        from sklearn.linear_model import LinearRegression

        skops.io.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), folder / "model.skops")
        return parse({"model": model})
    estimator = DoublingEstimator(behaviour, POISON)
    (folder / "model.pkl").write_bytes(pickle.dumps(estimator))
    return parse({"model": model | {"sklearn": "model.pkl", "trust": "the contract suite"}})


def _onnx(folder: Path, behaviour: Behaviour) -> Settings:
    import onnx
    from onnx import TensorProto, helper

    nodes, constants = _ONNX_NODES[behaviour]
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **dict(*node[3:])) for node in nodes],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [
            helper.make_tensor(name, kind, [len(values)], values)
            for name, kind, values in (("two", TensorProto.FLOAT, [2.0]), *constants)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    return parse({"model": {"onnx": "model.onnx", "input": "array", "task": "regression"}})


_INT64: Final = 7  # onnx.TensorProto.INT64, without importing onnx
_FLOAT: Final = 1
_DOUBLE: Final = ("Mul", ["x", "two"], ["y"])
_ONNX_NODES: Final[dict[Behaviour, tuple[list[Any], list[Any]]]] = {
    "healthy": ([_DOUBLE], []),
    "too-few": (
        [("Slice", ["x", "from", "to", "rows"], ["rest"]), ("Mul", ["rest", "two"], ["y"])],
        [("from", _INT64, [1]), ("to", _INT64, [1 << 30]), ("rows", _INT64, [0])],
    ),
    "nan": (  # exp(log(x)) is x, and NaN below zero
        [("Log", ["x"], ["log"]), ("Exp", ["log"], ["same"]), ("Mul", ["same", "two"], ["y"])],
        [],
    ),
    "raises": (  # looks a row up at 2 min(x, 0), which is out of range for the poison
        [
            ("Min", ["x", "zero"], ["below"]),
            ("Mul", ["below", "two"], ["far"]),
            ("Cast", ["far"], ["place"], {"to": _INT64}),
            ("Gather", ["one", "place"], ["same"]),
            ("Mul", ["x", "same"], ["kept"]),
            ("Mul", ["kept", "two"], ["y"]),
        ],
        [("zero", _FLOAT, [0.0]), ("one", _FLOAT, [1.0])],
    ),
}


@contextmanager
def _url(folder: Path, behaviour: Behaviour) -> Iterator[Subject]:
    with serving(predict_route(BrokenModel(behaviour, poison=POISON).predict)) as url:
        settings = parse({"model": {"url": url, "input": "array", "task": "regression"}})
        subject = open_subject(settings, folder)
        try:
            yield subject
        finally:
            subject.close()


def _number(value: float) -> Any:
    return value


def _row(value: float) -> Any:
    return [value]


LOAD: Final = AdapterExample(build=_opened(_load), wrap=_number, poison=POISON)
SKLEARN: Final = AdapterExample(build=_opened(_sklearn), wrap=_row, poison=POISON)
ONNX: Final = AdapterExample(build=_opened(_onnx), wrap=_row, poison=POISON)
URL: Final = AdapterExample(build=_url, wrap=_number, poison=POISON)
