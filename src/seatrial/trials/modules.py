"""Modules that lie beside a notebook: another folder cannot import them, so they are copied."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from seatrial.trials.references import imported

LOOKUP_LIMIT_S = 60.0
"""Longest wait for a fresh interpreter to say what it can import."""

COPIED_MIB = 64
"""Most that is copied of one package: beyond that it holds data, and belongs installed."""

_FIND = """
import importlib.util, sys
for name in sys.argv[1:]:
    if importlib.util.find_spec(name) is None:
        print(name)
"""

_known: dict[str, bool] = {}
"""Top-level names already asked about, and whether they are local."""


def local(names: Iterable[str]) -> set[str]:
    """Return those top-level modules that a fresh interpreter in another folder cannot import.

    >>> local(["math", "numpy"])
    set()
    """
    wanted = {name.partition(".")[0] for name in names} - {"__main__", "__mp_main__"}
    doubtful = [name for name in sorted(wanted - _known.keys()) if not _surely_installed(name)]
    if doubtful:
        with tempfile.TemporaryDirectory(prefix="seatrial-") as elsewhere:
            done = subprocess.run(
                [sys.executable, "-P", "-c", _FIND, *doubtful],
                cwd=elsewhere,
                capture_output=True,
                text=True,
                timeout=LOOKUP_LIMIT_S,
                check=False,
            )
        missing = set(done.stdout.split())
        _known.update({name: name in missing for name in doubtful})
    return {name for name in wanted if _known.get(name, False)}


def copy_module(name: str, folder: Path) -> list[str]:
    """Copy a local module, and the local modules it imports, under ``folder``.

    Args:
        name: Its full name.
        folder: Where ``import name`` shall find it.

    Returns:
        Why it could not be done; empty where it was.
    """
    copied: set[Path] = set()
    waiting, refused = [name], []
    while waiting:
        one = waiting.pop()
        source, place = _place(one)
        if source is None:
            refused.append(f"the file of module {one} cannot be found")
            continue
        if source in copied:
            continue
        copied.add(source)
        if _mib(source) > COPIED_MIB:
            refused.append(f"package {place} holds more than {COPIED_MIB} MiB")
            continue
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copyfile(source, target)
        inside = {found for file in _python_files(source) for found in _imports(file)}
        waiting += sorted(found for found in inside if found.partition(".")[0] in local(inside))
    return refused


@contextmanager
def pickled_by_value() -> Iterator[None]:
    """Have cloudpickle write the content of local modules, not their names."""
    import cloudpickle

    files = {name: module for name, module in sys.modules.items() if _has_file(module)}
    strange = local(files)
    chosen = [module for name, module in files.items() if name.partition(".")[0] in strange]
    for module in chosen:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in chosen:
            cloudpickle.unregister_pickle_by_value(module)


def _surely_installed(name: str) -> bool:
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        return True
    try:
        spec = importlib.util.find_spec(name)
    except (ValueError, ImportError):
        return False
    origin = spec.origin if spec else None
    places = {sysconfig.get_path(key) for key in ("purelib", "platlib")}
    return bool(origin) and any(str(origin).startswith(place) for place in places if place)


def _place(name: str) -> tuple[Path | None, str]:
    """Return the outermost package of a module, or its file, and where that belongs."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        prefix = ".".join(parts[:depth])
        try:
            spec = importlib.util.find_spec(prefix)
        except (ValueError, ImportError):
            continue
        if spec is None or not spec.origin or not Path(spec.origin).is_file():
            continue
        file = Path(spec.origin)
        if spec.submodule_search_locations:
            return file.parent, "/".join(parts[:depth])
        return file, "/".join(parts[:depth]) + file.suffix
    return None, ""


def _imports(file: Path) -> list[str]:
    try:
        return list(imported(ast.parse(file.read_text(encoding="utf-8"))))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return []


def _python_files(source: Path) -> list[Path]:
    return sorted(source.rglob("*.py")) if source.is_dir() else [source]


def _mib(source: Path) -> float:
    files = source.rglob("*") if source.is_dir() else [source]
    return sum(file.stat().st_size for file in files if file.is_file()) / 2**20


def _has_file(module: object) -> bool:
    return isinstance(module, ModuleType) and bool(getattr(module, "__file__", None))
