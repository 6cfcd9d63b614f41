"""A notebook function as a Python file that stands on its own.

What the function refers to goes with it: modules as imports, other functions of the notebook as
their source, fitted estimators as skops, arrays as ``.npy``, plain values as literals. What cannot
be written this way is named in the error; it then takes recorded trust and a pickle.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from seatrial.core.errors import UntrustedCodeError

HEADER = '"""Written by seatrial from a notebook."""\n'


class Writer:
    """Collects the lines of one file and the data files beside it.

    Args:
        folder: Where data files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._imports: dict[str, None] = {}
        self._values: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._refused: list[str] = []

    def add(self, function: Callable[..., Any]) -> str:
        """Add a function with all it refers to, and return its name.

        Raises:
            UntrustedCodeError: Something in it cannot be written as source or data.
        """
        self._function(function.__name__, function)
        if self._refused:
            raise UntrustedCodeError(
                f"{function.__name__} cannot be written as source: {'; '.join(self._refused)}.",
                hint='Move that into a module, or pass trust="your name" to have it pickled.',
            )
        return function.__name__

    def text(self, *, returned: str) -> str:
        """Return the whole file; its ``load()`` returns the function of that name."""
        blocks = [HEADER, *self._imports, "", *self._values.values(), ""]
        blocks += [f"\n{source}" for source in self._functions.values()]
        blocks.append(f"\ndef load():\n    return {returned}\n")
        return "\n".join(blocks)

    def _function(self, name: str, function: Callable[..., Any]) -> None:
        if name in self._functions:
            return
        source = _source_of(function)
        if source is None:
            self._refused.append(f"the source of {name} cannot be found")
            return
        self._functions[name] = source
        for used, value in _references(function):
            if used not in self._values:
                self._refer(used, value)

    def _refer(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            alias = "" if value.__name__ == name else f" as {name}"
            self._imports[f"import {value.__name__}{alias}"] = None
        elif _importable(value):
            alias = "" if value.__qualname__ == name else f" as {name}"
            line = f"from {value.__module__} import {value.__qualname__}{alias}"
            self._imports[line] = None
        elif isinstance(value, FunctionType) and value.__name__ == name:
            self._function(name, value)
        else:
            self._data(name, value)

    def _data(self, name: str, value: Any) -> None:
        if _literal(value):
            self._values[name] = f"{name} = {value!r}"
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            np.save(self._folder / f"{name}.npy", value, allow_pickle=False)
            self._imports.update({"from pathlib import Path": None, "import numpy": None})
            place = f'Path(__file__).parent / "{name}.npy"'
            self._values[name] = f"{name} = numpy.load({place}, allow_pickle=False)"
        elif _estimator(value) and dump_data_only(value, self._folder / f"{name}.skops"):
            self._imports.update({"from pathlib import Path": None, "import skops.io": None})
            self._values[name] = f'{name} = skops.io.load(Path(__file__).parent / "{name}.skops")'
        else:
            self._refused.append(f"{name} is a {type(value).__name__}, neither data nor a module")


def dump_data_only(estimator: Any, path: Path) -> bool:
    """Write an estimator as skops where it holds nothing but known data; say whether it was."""
    import skops.io

    try:
        skops.io.dump(estimator, path)
        refused = skops.io.get_untrusted_types(file=path)
    except Exception as error:  # noqa: BLE001  (foreign estimators fail in any way; a pickle is left)
        refused = [type(error).__name__]
    if not refused:
        return True
    path.unlink(missing_ok=True)
    return False


def _source_of(function: Callable[..., Any]) -> str | None:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        defined = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    return source if isinstance(defined, ast.FunctionDef) else None


def _references(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a function refers to by name, nested functions included."""
    unwrapped = inspect.unwrap(function)
    closure = inspect.getclosurevars(unwrapped)
    yield from closure.nonlocals.items()
    names = _names(unwrapped.__code__)
    scope = unwrapped.__globals__
    for name in sorted(names):
        if name in scope and name not in closure.nonlocals:
            yield name, scope[name]


def _names(code: Any) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            found |= _names(constant)
    return found


def _importable(value: Any) -> bool:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or "." in name or not name:
        return False
    try:
        return getattr(importlib.import_module(module), name, None) is value
    except ImportError:
        return False


def _literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False


def _estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and hasattr(value, "fit")
