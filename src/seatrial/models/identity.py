"""The digest of what answers: the same on any machine, another one when any answer may change."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from seatrial.core import digests
from seatrial.core.errors import ModelLoadError
from seatrial.core.settings import FILE_NAME, Settings

SCHEMA: Final = 1
"""Version of the manifest; part of it, so that another way of counting gives other digests."""

LOCKS: Final = ("pylock.toml", "requirements.txt")
"""Files that pin the libraries a model answers with."""

NOT_DETERMINING: Final = frozenset(
    {".html", ".ipynb", ".log", ".md", ".pyc", ".pyo", ".rst", ".tmp"}
)
"""Documents and by-products: a report written beside the model must not make it another model."""

SKIPPED_FOLDERS: Final = frozenset({"__pycache__", "node_modules", "site-packages"})


def release_of(settings: Settings, folder: Path, *, only: Collection[str] | None = None) -> str:
    """Return ``name@digest`` of the model in ``folder``.

    For ``load =`` every file of the folder counts that code may read, except documents, hidden
    files and the evaluation and production files; for a model file, that file, what lies beside it
    under the same name (``model.onnx.data``, ``classes.json``) and, where it was pickled, the
    folder's modules. A lock file always counts. For a URL, whose content nobody here can see, it is
    the URL, how it is asked, and the version that the settings declare.

    Args:
        settings: Name the model.
        folder: Where it lies.
        only: Names of the files that count, as :func:`determining_files` gave them earlier: what
            has come since, say what the model itself wrote, does not.

    Raises:
        ModelLoadError: The model file does not exist.
    """
    manifest = {
        "schema": SCHEMA,
        "model": _source(settings),
        "serving": {
            "variant": settings.serving.variant,
            "confidence_min": settings.serving.confidence_min,
        },
        "files": [
            {"name": name, "size_bytes": path.stat().st_size, "sha256": digests.of_file(path)}
            for name, path in sorted(determining_files(settings, folder).items())
            if only is None or name in only
        ],
    }
    return f"{settings.model.name}@{digests.of_document(manifest)}"


def determining_files(settings: Settings, folder: Path) -> dict[str, Path]:
    """Return the files that determine answers, by their path relative to the folder.

    Raises:
        ModelLoadError: The model file does not exist.
    """
    adapter = settings.model.adapter
    if adapter == "url":
        return {}
    if adapter == "load":
        found = dict(_all_files(folder, but=_data_files(settings, folder)))
    else:
        found = dict(_model_files(settings, folder))
    for name in LOCKS:
        if (folder / name).is_file():
            found[name] = folder / name
    return found


def _source(settings: Settings) -> dict[str, Any]:
    model = settings.model
    source: dict[str, Any] = {
        "adapter": model.adapter,
        "location": _portable(model.location),
        "input": model.input,
        "task": model.task,
    }
    if model.input == "record":
        source["columns"] = settings.eval.input
    if model.adapter == "url":
        endpoint = settings.endpoint
        source["location"] = model.location
        source["endpoint"] = {
            "protocol": endpoint.protocol,
            "body": endpoint.body,
            "answer": endpoint.answer,
            "version": endpoint.version,
        }
    return source


def _portable(location: str) -> str:
    """Return a location without what differs between machines: where the folder lies."""
    path = PurePosixPath(location.replace(os.sep, "/"))
    return path.name if path.is_absolute() else location.replace(os.sep, "/")


def _model_files(settings: Settings, folder: Path) -> Iterator[tuple[str, Path]]:
    path = folder / settings.model.location
    if not path.is_file():
        raise ModelLoadError(
            f"model.{settings.model.adapter} = {settings.model.location!r}: there is no file "
            f"{path}.",
            hint=f"Give its path relative to {folder}.",
        )
    yield _portable(settings.model.location), path
    for beside in sorted(path.parent.iterdir()):
        companion = beside.name.startswith((f"{path.name}.", f"{path.name}_", f"{path.stem}.data"))
        if beside.is_file() and (companion or beside.name == "classes.json"):
            yield beside.name, beside
    if settings.model.trust:
        for module in sorted(folder.glob("*.py")):
            yield module.name, module


def _all_files(folder: Path, *, but: set[Path]) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED_FOLDERS
            and not (here / name / "pyvenv.cfg").is_file()
        )
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or path.suffix.lower() in NOT_DETERMINING:
                continue
            if path.is_file() and path.resolve() not in but:
                yield path.relative_to(folder).as_posix(), path


def _data_files(settings: Settings, folder: Path) -> set[Path]:
    declared = (settings.eval.data, settings.production.data, FILE_NAME)
    return {(folder / name).resolve() for name in declared if name}
