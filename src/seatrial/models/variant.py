"""A cheaper version of a model, kept in a folder: an ONNX file and what prepares its inputs.

``FOLDER/.seatrial/variants/NAME/`` holds ``variant.json`` (the manifest), ``model.onnx`` and, where
preprocessing stays in Python, ``preprocessing.skops``. The manifest names the digest of the files
that the variant was made from: once they change, the variant is refused, not served.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from seatrial.core import digests
from seatrial.core import settings as settings_table
from seatrial.core.errors import ModelLoadError, UnknownNameError, UntrustedCodeError
from seatrial.core.settings import InputKind, Settings
from seatrial.models import columns, scores
from seatrial.models.estimator import EstimatorModel
from seatrial.models.identity import determining_files
from seatrial.models.python import importing
from seatrial.models.runtime import session
from seatrial.models.subject import CallableSubject, Subject

FORMAT: Final = 1
MANIFEST, MODEL, PREPROCESSING = "variant.json", "model.onnx", "preprocessing.skops"

DENSE_BYTES: Final = 64 * 1024**2
"""Features are made dense this much at a time: a text of 300,000 features takes 1.2 MB."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a variant is.

    Attributes:
        name: Its name, also that of its folder.
        source: Digest of the files that the original answers from.
        input: What one input is.
        order: Columns of a record in the order of the features, where nothing else says it.
        prepared: Whether ``preprocessing.skops`` comes before the ONNX model.
        classes: Class per column of the scores; ``None`` for a regression.
        scored: Whether the model gives probabilities.
        files: Digest of every other file.
    """

    name: str
    source: str
    input: InputKind
    order: list[str] | None
    prepared: bool
    classes: list[Any] | None
    scored: bool
    files: dict[str, str]
    format: int = FORMAT


def variants_folder(folder: Path) -> Path:
    """Return where the variants of a folder lie."""
    return folder / ".seatrial" / "variants"


def kept_variants(folder: Path) -> list[str]:
    """Return the names of the variants that lie in a folder."""
    return sorted(path.parent.name for path in variants_folder(folder).glob(f"*/{MANIFEST}"))


def source_digest(settings: Settings, folder: Path) -> str:
    """Return the digest of the files that the original answers from."""
    return digests.of_files(determining_files(settings, folder))


def open_variant(folder: Path, name: str, *, settings: Settings | None = None) -> Subject:
    """Open a kept variant.

    Args:
        folder: Where ``seatrial.toml`` lies.
        name: Name of the variant.
        settings: Settings read already; default: those of the folder.

    Raises:
        UnknownNameError: There is none of that name.
        ModelLoadError: It is damaged, or the model changed since it was made.
        UntrustedCodeError: Its preprocessing names code that nobody has trusted.
    """
    place = variants_folder(folder) / name
    if name not in kept_variants(folder):
        raise UnknownNameError.of("variant", name, ["original", *kept_variants(folder)])
    manifest = _read(place / MANIFEST)
    settings = settings or settings_table.load(folder)
    if manifest.source != source_digest(settings, folder):
        raise ModelLoadError(
            f"the variant {name} was made from another version of the model.",
            hint=f"Make it again: seatrial measure variants {folder}",
        )
    for file, digest in manifest.files.items():
        if not (place / file).is_file() or digests.of_file(place / file) != digest:
            raise ModelLoadError(
                f"{place / file} is not the file that the variant {name} was made with.",
                hint=f"Make it again: seatrial measure variants {folder}",
            )
    preprocessing = _preprocessing(place, settings, folder) if manifest.prepared else None
    return CallableSubject(VariantModel(place / MODEL, manifest, preprocessing).predict)


def write_variant(
    folder: Path, manifest: Manifest, *, model: bytes, preprocessing: bytes | None
) -> Path:
    """Write a variant; a reader sees all of it or nothing.

    Args:
        folder: Where ``seatrial.toml`` lies.
        manifest: Its ``files`` are filled in here.
        model: The ONNX file.
        preprocessing: The skops file.

    Returns:
        The folder of the variant.
    """
    place = variants_folder(folder) / manifest.name
    place.mkdir(parents=True, exist_ok=True)
    (place / MANIFEST).unlink(missing_ok=True)
    contents = {MODEL: model} | ({PREPROCESSING: preprocessing} if preprocessing else {})
    for file, content in contents.items():
        (place / file).write_bytes(content)
    files = {file: digests.of_bytes(content) for file, content in contents.items()}
    complete = msgspec.structs.replace(manifest, files=files)
    temporary = place / f"{MANIFEST}.tmp"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(complete)))
    temporary.replace(place / MANIFEST)
    return place


class VariantModel:
    """An ONNX model behind the preprocessing that its estimator was fitted with.

    Args:
        path: The ONNX file: one float tensor ``[rows, features]`` in.
        manifest: How its inputs and outputs are read.
        preprocessing: A fitted transformer, or ``None``.
    """

    def __init__(self, path: Path, manifest: Manifest, preprocessing: Any) -> None:
        self._session = session(path)
        self._input = self._session.get_inputs()[0].name
        self._manifest = manifest
        self._transform = preprocessing.transform if preprocessing is not None else None
        self._prepare = (
            EstimatorModel(preprocessing, kind=manifest.input, order=manifest.order).prepare
            if preprocessing is not None
            else None
        )
        self._by_text = {str(name): name for name in manifest.classes or ()}

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Answer a batch."""
        features = self._features(inputs)
        step = max(1, DENSE_BYTES // (4 * max(features.shape[1], 1)))
        answers: list[Any] = []
        for start in range(0, features.shape[0], step):
            part = features[start : start + step]
            dense = part.toarray() if hasattr(part, "toarray") else np.asarray(part)
            outputs = self._session.run(None, {self._input: dense.astype(np.float32)})
            answers += self._answers(outputs)
        return answers

    def _features(self, inputs: list[Any]) -> Any:
        if self._transform is not None and self._prepare is not None:
            return self._transform(self._prepare(inputs))
        if self._manifest.input == "record":
            return columns.matrix(inputs, self._manifest.order or [])
        return columns.array(inputs)

    def _answers(self, outputs: list[Any]) -> list[Any]:
        classes = self._manifest.classes
        if classes is None:
            return scores.bare(np.asarray(outputs[0]))
        if self._manifest.scored:
            return _scored(np.asarray(outputs[1], dtype=np.float64), classes)
        return [self._by_text[str(label)] for label in scores.bare(np.asarray(outputs[0]))]


def _scored(shares: np.ndarray, classes: list[Any]) -> list[Any]:
    """Return answers from probabilities of shape ``(rows, classes)``."""
    chosen = shares.argmax(axis=1).tolist()
    return [
        {
            "output": classes[index],
            "confidence": row[index],
            "scores": dict(zip(classes, row, strict=True)),
        }
        for index, row in zip(chosen, shares.tolist(), strict=True)
    ]


def _read(path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise ModelLoadError(f"{path} is unreadable: {error}.", hint="Make it again.") from None
    if manifest.format != FORMAT:
        raise ModelLoadError(
            f"{path} is of format {manifest.format}; accepted is {FORMAT}.", hint="Make it again."
        )
    return manifest


def _preprocessing(place: Path, settings: Settings, folder: Path) -> Any:
    import skops.io

    path = place / PREPROCESSING
    try:
        unknown = sorted(skops.io.get_untrusted_types(file=path))
    except Exception as error:
        raise _unreadable(path, error) from error
    if unknown and not trusts_code(settings):
        raise UntrustedCodeError(
            f"{path} names types that are not known to be harmless: {', '.join(unknown)}.",
            hint="If you trust them, set [model] trust to who does and since when.",
            details={"types": unknown},
        )
    try:
        with importing(folder):
            return skops.io.load(path, trusted=unknown)
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ModelLoadError:
    return ModelLoadError(
        f"{path} could not be read: {type(error).__name__}: {error}", hint="Make it again."
    )


def trusts_code(settings: Settings) -> bool:
    """Say whether code of the folder runs anyhow: its own ``load()``, or a trusted pickle."""
    return settings.model.adapter == "load" or bool(settings.model.trust)


def size_bytes(folder: Path, name: str) -> int:
    """Return what a kept variant takes on disk."""
    files: Mapping[str, str] = _read(variants_folder(folder) / name / MANIFEST).files
    return sum((variants_folder(folder) / name / file).stat().st_size for file in files)
