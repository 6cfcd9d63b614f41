"""scikit-learn to ONNX, in 32-bit floats and in 8-bit integers.

The optional libraries are imported here and nowhere else in ``measure``.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

from seatrial.core.errors import MissingLibraryError, NotConvertibleError

INT8_OPERATORS = frozenset(
    {
        "ConvInteger",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "QAttention",
        "QGemm",
        "QLinearConv",
        "QLinearMatMul",
    }
)
"""Operators that compute in 8 bits; a file without one is a float model with another name."""

FLOAT_OPERATORS = frozenset(
    {"Attention", "Conv", "EmbedLayerNormalization", "Gemm", "LSTM", "MatMul"}
)
"""Operators that quantisation knows an 8-bit form of."""


def split(estimator: Any) -> tuple[Any | None, Any]:
    """Return the preprocessing of a pipeline and the estimator at its end.

    Args:
        estimator: Fitted; a search stands for the best estimator it found.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = getattr(estimator, "steps", None)
    if not steps:
        return None, estimator
    core = steps[-1][1]
    return (estimator[:-1] if len(steps) > 1 else None), core


def to_float(estimator: Any) -> bytes:
    """Convert a fitted estimator that takes one float matrix.

    Raises:
        NotConvertibleError: There is no converter for it, or its width is unknown.
        MissingLibraryError: skl2onnx is not installed.
    """
    skl2onnx = _skl2onnx()
    width = getattr(estimator, "n_features_in_", None)
    if width is None:
        raise NotConvertibleError(f"{_name(estimator)} does not know how many features it takes")
    matrix = skl2onnx.common.data_types.FloatTensorType([None, int(width)])
    scored = hasattr(estimator, "predict_proba")
    options = {id(estimator): {"zipmap": False}} if scored else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = skl2onnx.convert_sklearn(
                estimator, initial_types=[("features", matrix)], options=options
            )
    except Exception as error:
        raise NotConvertibleError(
            f"{_name(estimator)} cannot be converted: {_first_line(error)}"
        ) from error
    content: bytes = converted.SerializeToString()
    return content


def to_int8(model: bytes) -> bytes:
    """Quantise the weights of an ONNX file to 8 bits, activations at run time.

    Raises:
        NotConvertibleError: Nothing in it computes in 8 bits afterwards.
        MissingLibraryError: onnxruntime or onnx is not installed.
    """
    try:
        import onnx
        from onnxruntime import quantization
    except ImportError:
        raise MissingLibraryError.of("onnx", purpose="quantise a model", extra="onnx") from None
    held = {node.op_type for node in onnx.load_from_string(model).graph.node}
    if not held & FLOAT_OPERATORS:
        raise NotConvertibleError(
            f"nothing in it has an 8-bit form: it holds {', '.join(sorted(held))}"
        )
    with tempfile.TemporaryDirectory(prefix="seatrial-") as place:
        before, after = Path(place) / "float.onnx", Path(place) / "int8.onnx"
        before.write_bytes(model)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                quantization.quantize_dynamic(
                    before, after, weight_type=quantization.QuantType.QInt8
                )
        except Exception as error:
            raise NotConvertibleError(f"quantisation failed: {_first_line(error)}") from error
        content = after.read_bytes()
    operators = {node.op_type for node in onnx.load_from_string(content).graph.node}
    if not operators & INT8_OPERATORS:
        raise NotConvertibleError(
            "the quantised file has no operator that computes in 8 bits; it holds "
            f"{', '.join(sorted(operators))}"
        )
    return content


def _skl2onnx() -> Any:
    try:
        import skl2onnx
        import skl2onnx.common.data_types
    except ImportError:
        raise MissingLibraryError.of(
            "skl2onnx", purpose="convert scikit-learn models", extra="onnx"
        ) from None
    return skl2onnx


def _name(estimator: Any) -> str:
    return type(estimator).__name__


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200] if lines else ''}"
