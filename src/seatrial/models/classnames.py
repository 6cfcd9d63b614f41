"""Names of the classes that a model scores, where its file or one beside it gives them."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from seatrial.core.errors import ModelLoadError

CLASS_KEYS: Final = ("classes", "class_names", "names")


def class_names(path: Path, metadata: Mapping[str, str]) -> list[Any] | None:
    """Return the names of the classes of the model at ``path``, or ``None``.

    Args:
        path: The model; ``classes.json`` is looked for beside it.
        metadata: What the model's file says about itself; comes first.

    Raises:
        ModelLoadError: An entry or the file is there, but names nothing.
    """
    for key in CLASS_KEYS:
        if key in metadata:
            return _listed(metadata[key], f"the metadata entry {key!r} of {path.name}")
    beside = path.with_name("classes.json")
    if beside.is_file():
        return _listed(beside.read_text(encoding="utf-8"), str(beside))
    return None


def _listed(text: str, where: str) -> list[Any]:
    """Read class names: a JSON list, an object of index to name, or either as Python writes it."""
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found = None
    if isinstance(found, Mapping):
        places = {str(key): name for key, name in found.items()}
        found = [places.get(str(index)) for index in range(len(places))]
    if not isinstance(found, list) or any(name is None for name in found):
        raise ModelLoadError(
            f"{where} names no classes: {text[:100]!r}; accepted is a JSON list of names, or an "
            "object of index to name.",
            hint='For example: ["negative", "positive"]',
        )
    return found
