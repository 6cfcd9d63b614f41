"""Whose code a frame runs: the model's own, a library's, or ours.

A loop inside a library is not the user's row loop, so that only the model's own code is watched
line by line. A few library functions only call something once per item, in the user's name
(thread pools, ``apply_along_axis``); reached from the model's own code, they count as its own.
"""

from __future__ import annotations

import functools
import os
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Final

_DRIVERS: Final = (
    "/concurrent/futures/",
    "/multiprocessing/pool.py",
    "/numpy/lib/_shape_base_impl.py",
    "/numpy/lib/_function_base_impl.py",
    "/numpy/lib/shape_base.py",
    "/numpy/lib/function_base.py",
    "/pandas/core/apply.py",
    "/pandas/core/frame.py",
    "/pandas/core/series.py",
)
"""Library code that only calls something once per item, in the user's name."""

DRIVER_DEPTH: Final = 6
"""Frames between user code and the loop of a driver: pandas' ``apply`` needs five."""

_OURS: Final = str(Path(__file__).parents[1]) + os.sep
_OUR_BANK: Final = str(Path(__file__).parents[1] / "testing") + os.sep
_GENERATED: Final = ("<frozen", "<__array", "<attrs", "<decorator")

_LIBRARY_FOLDERS: Final = tuple(
    {
        os.path.join(sysconfig.get_path(name), "")  # noqa: PTH118  (compared with file names as text)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)


@functools.cache
def _kind(file: str) -> str:
    """Return ``own``, ``driver``, ``library`` or ``seatrial`` for the code of a file."""
    if file.startswith(_OUR_BANK):
        return "own"
    if file.startswith(_OURS):
        return "seatrial"
    if any(part in file for part in _DRIVERS):
        return "driver"
    parts = ("site-packages", "dist-packages")
    if file.startswith((*_LIBRARY_FOLDERS, *_GENERATED)) or any(part in file for part in parts):
        return "library"
    return "own"


def is_library(frame: FrameType) -> bool:
    """Say whether a frame runs library code."""
    return _kind(frame.f_code.co_filename) in {"library", "driver"}


def is_watched(frame: FrameType) -> bool:
    """Say whether a frame is the model's own, or drives per-item calls in its name."""
    here: FrameType | None = frame
    for _ in range(DRIVER_DEPTH):
        if here is None:
            return False
        kind = _kind(here.f_code.co_filename)
        if kind == "own":
            return True
        if kind != "driver":
            return False
        here = here.f_back
    return False
