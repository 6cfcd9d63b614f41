"""Opens a session of ONNX Runtime: how many threads it gets, and what is wrong with a file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from seatrial.core.errors import MissingLibraryError, ModelLoadError
from seatrial.models.hostprocess import SILENCE

THREADS_VARIABLE: Final = "OMP_NUM_THREADS"
"""Set for every model process; ONNX Runtime, whose threads are its own, does not look at it."""

_UNREGISTERED: Final = re.compile(r"([\w.]*):?\b(\w+)\(-?\d+\) is not a registered function/op")
_LOCALE: Final = re.compile(r"construct locale with name:\s*([\w.-]+)")


def session(path: Path) -> Any:
    """Return an ONNX Runtime session on the CPU, without any custom operator.

    It uses as many threads inside one call as :func:`threads` says.

    Raises:
        ModelLoadError: It is not an ONNX file, or needs custom operators.
        MissingLibraryError: ONNX Runtime is not installed.
    """
    for name, value in SILENCE.items():  # it reads them when it is imported
        os.environ.setdefault(name, value)
    try:
        import onnxruntime
    except ImportError:
        raise MissingLibraryError.of(
            "onnxruntime", purpose="run ONNX models", extra="onnx"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads(os.environ)
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: what matters comes as an exception
    try:
        return onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise _unreadable(path, error) from error


def threads(environment: Mapping[str, str]) -> int:
    """Return how many threads one call may use: one, unless the environment says otherwise.

    Throughput comes from several processes, whose threads would fight for the same cores.

    >>> threads({"OMP_NUM_THREADS": "4"}), threads({"OMP_NUM_THREADS": "many"}), threads({})
    (4, 1, 1)
    """
    said = environment.get(THREADS_VARIABLE, "")
    return max(int(said), 1) if said.isdecimal() else 1


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
