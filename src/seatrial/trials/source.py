"""A notebook function as a Python file that stands on its own.

What the function refers to goes with it: installed modules as imports, modules that lie beside the
notebook as copies, other functions of the notebook as their source, plain values as literals,
arrays as ``.npy``, fitted estimators and what else skops calls data as ``.skops``. What cannot be
written this way is named in the error; it then takes recorded trust and a pickle.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from seatrial.core.errors import UntrustedCodeError
from seatrial.models.answers import plain
from seatrial.models.sklearn import HARMLESS
from seatrial.trials.modules import copy_module, local
from seatrial.trials.references import References, references, submodules

HEADER = '"""Written by seatrial from a notebook."""\n\nfrom __future__ import annotations\n'
LOADERS = ("load", "load_model", "load_from_notebook")
"""Names for the loading function; the first that nothing else has."""


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
        self._bound: dict[str, Any] = {}
        self._refused: list[str] = []

    def add(self, function: Callable[..., Any]) -> str:
        """Add a function with all it refers to, and return its name.

        Raises:
            UntrustedCodeError: Something in it cannot be written as source or data.
        """
        name = function.__name__
        self._refer(name, function, chains=())
        if self._refused:
            raise UntrustedCodeError(
                f"{name} cannot be written as source: {'; '.join(dict.fromkeys(self._refused))}.",
                hint='Move that into a module, or pass trust="your name" to have it pickled.',
            )
        return name

    @property
    def loader(self) -> str:
        """Name of the function in the file that returns the model."""
        return next(name for name in LOADERS if name not in self._bound)

    def text(self, *, returned: str, needed: str = "") -> str:
        """Return the whole file; its loading function returns that expression.

        Args:
            returned: Python text.
            needed: A module that it needs beside what was added.
        """
        imports = [*self._imports, f"import {needed}"] if needed else self._imports
        blocks = [HEADER, *dict.fromkeys(imports), "", *self._values.values(), ""]
        blocks += [f"\n{source}" for source in self._functions.values()]
        blocks.append(f"\ndef {self.loader}():\n    return {returned}\n")
        return "\n".join(blocks)

    def _refer(self, name: str, value: Any, *, chains: tuple[str, ...]) -> None:
        if name in self._bound:
            if self._bound[name] is not value:
                self._refused.append(f"{name} means two different things in it")
            return
        self._bound[name] = value
        if isinstance(value, ModuleType):
            self._module(name, value.__name__, chains)
        elif (found := _importable(value)) and not local([found.module]):
            self._import_from(found, name)
        elif isinstance(value, FunctionType):
            self._function(name, value)
        elif found:
            self._copied(found, name)
        else:
            self._data(name, value)

    def _module(self, name: str, module: str, chains: tuple[str, ...]) -> None:
        if local([module]):
            self._refused += copy_module(module, self._folder)
        for reached in submodules(name, module, chains):
            self._imports[f"import {reached}"] = None
        if name == module.partition(".")[0]:
            self._imports[f"import {module}"] = None
        else:
            self._imports[f"import {module} as {name}"] = None

    def _function(self, name: str, function: FunctionType) -> None:
        """Write a function as source; where that fails, copy the module that it comes from."""
        with self._attempt() as failed:
            self._write(name, function)
        if not failed:
            return
        found = _importable(function)
        if found is None:
            self._refused += failed
        else:
            self._copied(found, name)

    def _write(self, name: str, function: FunctionType) -> None:
        own = function.__name__
        if name != own and own.isidentifier():
            self._refer(own, function, chains=())
            self._functions[name] = f"{name} = {own}\n"
            return
        found = references(function)
        if found is None:
            self._refused.append(f"the source of {function.__name__} cannot be found")
            return
        for unknown in found.unknown:
            self._refused.append(f"{unknown}, which {name} needs when it is defined, is gone")
        for module in found.imports:
            if local([module]):
                self._refused += copy_module(module, self._folder)
        self._all(found)
        # After what it refers to: decorators and defaults are read when it is defined.
        self._functions[name] = found.source

    def _all(self, found: References) -> None:
        for used, value in found.values.items():
            self._refer(used, value, chains=found.chains)

    @contextmanager
    def _attempt(self) -> Iterator[list[str]]:
        """Collect what is refused inside, and forget the lines written inside if anything was."""
        before = [dict(kept) for kept in self._kept()]
        earlier, self._refused = self._refused, []
        failed: list[str] = []
        yield failed
        failed += self._refused
        self._refused = earlier
        if failed:
            for kept, old in zip(self._kept(), before, strict=True):
                kept.clear()
                kept.update(old)

    def _kept(self) -> tuple[dict[str, Any], ...]:
        return self._imports, self._values, self._functions, self._bound

    def _copied(self, found: Place, name: str) -> None:
        self._refused += copy_module(found.module, self._folder)
        self._import_from(found, name)

    def _import_from(self, found: Place, name: str) -> None:
        alias = "" if found.name == name else f" as {name}"
        self._imports[f"from {found.module} import {found.name}{alias}"] = None

    def _data(self, name: str, value: Any) -> None:
        literal = _literal(value)
        if literal is not None:
            self._values[name] = f"{name} = {literal}"
        elif isinstance(value, re.Pattern):
            self._imports["import re as _re"] = None
            self._values[name] = f"{name} = _re.compile({value.pattern!r}, {int(value.flags)})"
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            np.save(self._folder / f"{name}.npy", value, allow_pickle=False)
            self._beside("numpy")
            self._values[name] = f'{name} = numpy.load(_HERE / "{name}.npy", allow_pickle=False)'
        elif not callable(value) and (asked := dump_data_only(value, self._file(name))) is not None:
            self._beside("skops.io")
            trusted = f", trusted={asked!r}" if asked else ""
            self._values[name] = f'{name} = skops.io.load(_HERE / "{name}.skops"{trusted})'
        else:
            self._refused.append(f"{name} is a {type(value).__name__}, neither data nor a module")

    def _beside(self, module: str) -> None:
        self._imports.update({"from pathlib import Path as _Path": None, f"import {module}": None})
        self._values.setdefault("_HERE", "_HERE = _Path(__file__).parent")

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.skops"


class Place(NamedTuple):
    """Where a function or class is found by name."""

    module: str
    name: str


def dump_data_only(value: Any, path: Path) -> list[str] | None:
    """Write a value as skops, if it holds nothing but data.

    Returns:
        The types in it that are harmless but have to be named when it is opened; ``None`` where it
        holds anything else, and nothing was written.
    """
    import skops.io

    try:
        skops.io.dump(value, path)
        asked = sorted(skops.io.get_untrusted_types(file=path))
    except Exception:  # noqa: BLE001  (foreign objects fail in any way; a pickle is left)
        asked = ["unknown"]
    if set(asked) <= HARMLESS:
        return asked
    path.unlink(missing_ok=True)
    return None


def _importable(value: Any) -> Place | None:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or "." in name or not name:
        return None
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return Place(module, name) if found is value else None


def _literal(value: Any) -> str | None:
    """Return the Python text of a plain value; ``None`` where it is none."""
    if isinstance(value, frozenset):
        inner = _literal(set(value))
        return None if inner is None else f"frozenset({inner})"
    simple = plain(value) if isinstance(value, np.generic) else value
    text = repr(simple)
    try:
        return text if bool(ast.literal_eval(text) == simple) else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
