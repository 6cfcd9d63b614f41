"""Makes the variants of a folder's model, in a process that may run user code.

``python -m seatrial.measure.variants.building FOLDER --lifeline FD`` reads the settings from
standard input and leaves what it made under ``FOLDER/.seatrial/variants/``, with ``built.json``
beside it: which variants there are, and why others are not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.core.errors import (
    MissingLibraryError,
    ModelLoadError,
    NotConvertibleError,
    SeatrialError,
)
from seatrial.core.settings import Settings
from seatrial.measure.variants.conversion import split, to_float, to_int8
from seatrial.models.estimator import EstimatorModel, declared_order
from seatrial.models.hostprocess import SILENCE
from seatrial.models.lifeline import die_with_parent
from seatrial.models.opening import open_subject
from seatrial.models.subject import CallableSubject
from seatrial.models.variant import (
    MANIFEST,
    Manifest,
    source_digest,
    trusts_code,
    variants_folder,
    write_variant,
)

BUILT = "built.json"
FLOAT, INT8, WHOLE = "onnx-fp32", "onnx-int8", "onnx-fp32-whole"
NAMES = (FLOAT, INT8, WHOLE)
NO_ESTIMATOR = "the model is not a scikit-learn estimator; variants are made from those only"

BUILD_LIMIT_S = 120.0
"""Longest that making all variants may take: a forest of 500 trees converts in ten seconds."""


class Built(Struct, frozen=True):
    """What became of one variant.

    Attributes:
        name: Its name.
        why: Why there is none; empty where there is one.
        must_equal: Whether it may be used only if it answers every row as the original does,
            because its preprocessing was converted too.
        failed: Whether something went wrong, rather than not applying.
    """

    name: str
    why: str = ""
    must_equal: bool = False
    failed: bool = False


def build_variants(
    folder: Path, settings: Settings, *, limit_s: float = BUILD_LIMIT_S
) -> list[Built]:
    """Make the variants of a folder's model in a process of its own.

    Args:
        folder: Where ``seatrial.toml`` lies.
        settings: Which model.
        limit_s: Longest it may take.
    """
    result = variants_folder(folder) / BUILT
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    theirs, ours = os.pipe()
    try:
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "seatrial.measure.variants.building"),
                *(str(folder.resolve()), "--lifeline", str(theirs)),
            ],
            input=msgspec.json.encode(settings),
            env={**SILENCE, **os.environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(theirs,),
            timeout=limit_s,
            check=False,
            process_group=0,
        )
    except subprocess.TimeoutExpired:
        why = f"making it took longer than {limit_s:g} s"
        return [Built(name, why, failed=True) for name in NAMES]
    finally:
        os.close(theirs)
        os.close(ours)
    if finished.returncode or not result.is_file():
        last = finished.stderr.decode(errors="replace").strip().splitlines()[-1:]
        why = f"making it failed: {''.join(last) or f'status {finished.returncode}'}"
        return [Built(name, why, failed=True) for name in NAMES]
    return msgspec.json.decode(result.read_bytes(), type=list[Built])


def discard(folder: Path, *, but: set[str]) -> None:
    """Remove the variants that are not worth keeping.

    Args:
        folder: Where ``seatrial.toml`` lies.
        but: Names to keep.
    """
    for manifest in variants_folder(folder).glob(f"*/{MANIFEST}"):
        if manifest.parent.name not in but:
            shutil.rmtree(manifest.parent)


def build_all(folder: Path, settings: Settings) -> list[Built]:
    """Make every variant, in this process; user code is run."""
    subject = open_subject(settings, folder)
    model = subject.model if isinstance(subject, CallableSubject) else None
    if not isinstance(model, EstimatorModel):
        return [Built(name, NO_ESTIMATOR) for name in NAMES]
    return list(_Maker(folder, settings, model.estimator).all())


class _Maker:
    """Makes the variants of one estimator."""

    def __init__(self, folder: Path, settings: Settings, estimator: Any) -> None:
        self._folder = folder
        self._settings = settings
        self._estimator = getattr(estimator, "best_estimator_", estimator)
        self._preprocessing, self._core = split(estimator)

    def all(self) -> Iterator[Built]:
        """Yield what became of each; a variant needs the one it is made from."""
        model: bytes | None = None
        try:
            prepared = self._skops()
            model = to_float(self._core)
            yield self._write(FLOAT, model, prepared)
        except (NotConvertibleError, MissingLibraryError) as error:
            yield Built(FLOAT, str(error))
            yield Built(INT8, str(error))
        if model is not None:
            try:
                yield self._write(INT8, to_int8(model), prepared)
            except (NotConvertibleError, MissingLibraryError) as error:
                yield Built(INT8, str(error))
        yield self._whole()

    def _whole(self) -> Built:
        if self._preprocessing is None:
            return Built(WHOLE, "there is no preprocessing to convert")
        if self._settings.model.input not in {"array", "record"}:
            return Built(WHOLE, "text is taken apart otherwise in ONNX; that stays in Python")
        if self._settings.model.input == "record" and self._order() is None:
            return Built(WHOLE, "the columns of a record are of several types")
        try:
            model = to_float(self._estimator)
        except (NotConvertibleError, MissingLibraryError) as error:
            return Built(WHOLE, str(error))
        return msgspec.structs.replace(self._write(WHOLE, model, None), must_equal=True)

    def _skops(self) -> bytes | None:
        if self._preprocessing is None:
            return None
        import skops.io

        try:
            content = skops.io.dumps(self._preprocessing)
            unknown = skops.io.get_untrusted_types(data=content)
        except Exception as error:
            raise NotConvertibleError(
                f"the preprocessing cannot be kept in a file: {type(error).__name__}: {error}"
            ) from error
        if unknown and not trusts_code(self._settings):
            raise NotConvertibleError(
                f"the preprocessing holds code ({', '.join(sorted(unknown))}) that nobody trusted"
            )
        return bytes(content)

    def _write(self, name: str, model: bytes, preprocessing: bytes | None) -> Built:
        classes = getattr(self._core, "classes_", None)
        manifest = Manifest(
            name=name,
            source=source_digest(self._settings, self._folder),
            input=self._settings.model.input,
            order=self._order(),
            prepared=preprocessing is not None,
            classes=None if classes is None else classes.tolist(),
            scored=classes is not None and hasattr(self._core, "predict_proba"),
            files={},
        )
        write_variant(self._folder, manifest, model=model, preprocessing=preprocessing)
        return Built(name)

    def _order(self) -> list[str] | None:
        names = getattr(self._estimator, "feature_names_in_", None)
        if names is not None:
            return [str(name) for name in names]
        return declared_order(self._settings.eval.input)


def main(arguments: list[str] | None = None) -> int:
    """Make the variants and leave ``built.json``."""
    parser = argparse.ArgumentParser(prog="seatrial.measure.variants.building")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--lifeline", type=int, required=True, help="pipe that ends with the parent"
    )
    options = parser.parse_args(arguments)
    die_with_parent(options.lifeline)
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=Settings)
    try:
        built = build_all(options.folder, settings)
    except SeatrialError as error:
        built = [Built(name, str(error), failed=True) for name in NAMES]
    except Exception as error:  # noqa: BLE001  (edge of the process: user code)
        failure = ModelLoadError(f"{type(error).__name__}: {error}")
        built = [Built(name, str(failure), failed=True) for name in NAMES]
    result = variants_folder(options.folder) / BUILT
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_bytes(msgspec.json.encode(built))
    return 0


if __name__ == "__main__":
    sys.exit(main())
