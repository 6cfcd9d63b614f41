"""What a function refers to by name, so that it can be taken elsewhere together with that."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from msgspec import Struct


class References(Struct, frozen=True):
    """A function's source and what it needs.

    Attributes:
        source: Its definition, not indented.
        values: Name to value, for every global and every variable of an enclosing function.
        imports: Modules that it imports itself, when called.
        chains: Dotted names in it, as ``xml.etree.ElementTree``.
        unknown: Names that its defaults or decorators need and that cannot be found again.
    """

    source: str
    values: dict[str, Any]
    imports: tuple[str, ...]
    chains: tuple[str, ...]
    unknown: tuple[str, ...]


def references(function: Callable[..., Any]) -> References | None:
    """Return what a function refers to; ``None`` where its source cannot be found.

    Only names that are really read as globals count: an attribute of the same name does not.

    >>> import math
    >>> def half(text):
    ...     return math.floor(len(text) / 2)
    >>> references(half).values == {"math": math}
    True
    """
    unwrapped = inspect.unwrap(function)
    try:
        source = textwrap.dedent(inspect.getsource(unwrapped))
        defined = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(defined, ast.FunctionDef):
        return None
    enclosing = _enclosing(unwrapped)
    scope = unwrapped.__globals__
    at_definition = set(_read_at_definition(defined))
    values = dict(enclosing)
    for name in sorted(_read_globals(unwrapped.__code__) | at_definition):
        if name in scope and name not in enclosing:
            values[name] = scope[name]
    unknown = sorted(name for name in at_definition - values.keys() if not hasattr(builtins, name))
    return References(
        source=source,
        values=values,
        imports=tuple(dict.fromkeys(imported(defined))),
        chains=tuple(sorted(set(_chains(defined)))),
        unknown=tuple(unknown),
    )


def submodules(name: str, module: str, chains: tuple[str, ...]) -> Iterator[str]:
    """Yield loaded submodules that the chains reach through a module known by that name.

    ``import concurrent.futures`` binds ``concurrent`` alone, and importing that is not enough.

    >>> import concurrent.futures
    >>> list(submodules("concurrent", "concurrent", ("concurrent.futures.wait",)))
    ['concurrent.futures']
    """
    for chain in chains:
        first, *rest = chain.split(".")
        reached = module
        for part in rest if first == name else ():
            reached = f"{reached}.{part}"
            if reached not in sys.modules:
                break
            yield reached


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that some code imports by their full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _enclosing(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except ValueError:  # a variable of the enclosing function that has no value yet
        return {}


def _read_globals(code: CodeType) -> set[str]:
    found = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
    }
    for constant in code.co_consts:
        if inspect.iscode(constant):
            found |= _read_globals(constant)
    return found


def _read_at_definition(defined: ast.FunctionDef) -> Iterator[str]:
    """Yield the names in decorators and defaults: they are read before the function is called."""
    defaults = [*defined.args.defaults, *(one for one in defined.args.kw_defaults if one)]
    for expression in (*defined.decorator_list, *defaults):
        for node in ast.walk(expression):
            if isinstance(node, ast.Name):
                yield node.id


def _chains(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name):
            yield ".".join([inner.id, *reversed(parts)])
