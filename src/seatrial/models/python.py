"""The ``load =`` adapter: a function in the user's own code returns the model.

The folder is on ``sys.path`` only while its code is imported and ``load()`` runs; what it imports
later, inside ``predict``, is found after everything else. Modules that came from a folder are
forgotten before the next folder is opened, so that two folders may both hold a ``model.py``.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from seatrial.core.errors import ModelLoadError, SeatrialError, nearest
from seatrial.core.settings import Settings
from seatrial.models.estimator import declared_order, estimator_subject, is_estimator
from seatrial.models.subject import Subject, subject_of


class _LateFinder(MetaPathFinder):
    """Finds what user code imports after loading, in the folder opened last, after all else."""

    folder: Path | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or self.folder is None:
            return None
        return PathFinder.find_spec(fullname, [str(self.folder)], target)


_folders: set[Path] = set()
"""Folders whose code was imported in this process."""

_late = _LateFinder()


def open_model(location: str, *, settings: Settings, folder: Path) -> Subject:
    """Import ``module:callable`` from ``folder`` and call it.

    Args:
        location: Module and callable; the callable takes no arguments and returns a model: an
            object with ``predict(inputs)``, a fitted scikit-learn estimator, or a function of a
            list of inputs.
        settings: Input kind and column order come from here.
        folder: Where the module lies; installed modules are found too.

    Raises:
        ModelLoadError: No such module or attribute, it raised, or it returned no model.
    """
    with importing(folder):
        model = _called(_named(location, folder, "model.load"), location)
    if is_estimator(model):
        return estimator_subject(
            model, kind=settings.model.input, order=declared_order(settings.eval.input)
        )
    return subject_of(model)


def named(location: str, *, folder: Path, setting: str) -> Any:
    """Import ``module:attribute`` from ``folder`` and return the attribute.

    Args:
        location: Module and attribute.
        folder: Where the module lies; installed modules are found too.
        setting: The dotted key that it was given as, for messages.

    Raises:
        ModelLoadError: No such module or attribute, or importing it raised.
    """
    with importing(folder):
        return _named(location, folder, setting)


@contextmanager
def importing(folder: Path) -> Iterator[None]:
    """Let the modules of ``folder`` be imported, before all others, inside this block only."""
    folder = folder.resolve()
    _forget(_folders)
    _folders.add(folder)
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    _late.folder = folder
    if _late not in sys.meta_path:
        sys.meta_path.append(_late)
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _forget(folders: set[Path]) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or not isinstance(file, str):
            continue
        # An environment inside the folder holds libraries, which must not be imported twice.
        if "site-packages" in file or name.partition(".")[0] == "seatrial":
            continue
        if any(Path(file).is_relative_to(folder) for folder in folders):
            del sys.modules[name]


def _named(location: str, folder: Path, setting: str) -> Any:
    module_name, _, attribute = location.partition(":")
    if not module_name or not attribute:
        raise ModelLoadError(
            f'{setting} = {location!r}; accepted is "module:callable".',
            hint='For example: "model:load" for the function load in model.py.',
        )
    return _attribute(_import(module_name, folder, setting), attribute)


def _import(name: str, folder: Path, setting: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            known = sorted(path.stem for path in folder.glob("*.py"))
            raise ModelLoadError(
                f"there is no module {name!r}; modules in {folder}: {', '.join(known) or 'none'}.",
                hint=nearest(name, known) or f"Write {name}.py there, or mend {setting}.",
            ) from None
        raise ModelLoadError(
            f"importing {name} failed: {error}.",
            hint=f"Install {error.name} in the environment that runs seatrial.",
            details={"raised": "ModuleNotFoundError"},
        ) from error
    except Exception as error:
        raise _raised(f"importing {name}", error) from error


def _attribute(module: Any, dotted: str) -> Any:
    found = module
    for name in dotted.split("."):
        if not hasattr(found, name):
            known = [key for key in vars(module) if not key.startswith("_")]
            raise ModelLoadError(
                f"{module.__name__} has no {dotted!r}; it has: {', '.join(known) or 'nothing'}.",
                hint=nearest(dotted, known) or f"Define {dotted} in {module.__name__}.py.",
            )
        found = getattr(found, name)
    return found


def _called(load: Any, location: str) -> Any:
    if not callable(load):
        if callable(getattr(load, "predict", None)):
            return load
        raise ModelLoadError(
            f"{location} is {type(load).__name__}; accepted is a function without arguments that "
            "returns a model, or a model.",
            hint='For example: load = "model:load".',
        )
    try:
        needed = [
            parameter.name
            for parameter in inspect.signature(load).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        ]
    except (TypeError, ValueError):
        needed = []
    if needed:
        raise ModelLoadError(
            f"{location} takes {', '.join(needed)}; accepted is a function without arguments that "
            "returns a model.",
            hint=f"If it is the predict function itself, add: def load(): return {load.__name__}",
        )
    try:
        return load()
    except SeatrialError:
        raise
    except Exception as error:
        raise _raised(f"{location} raised while loading", error) from error


def _raised(what: str, error: Exception) -> ModelLoadError:
    verb = "" if "raised" in what else " raised"
    return ModelLoadError(
        f"{what}{verb}: {type(error).__name__}: {error}",
        hint="Run it in a Python session in that folder to see where.",
        details={"raised": type(error).__name__},
    )
