"""The ``sklearn =`` adapter: a fitted estimator in a skops file, or in a trusted pickle.

skops files hold data only and load freely; what they name beyond scikit-learn and NumPy is listed
and refused. Pickle and joblib files run code when they are opened, so they are opened only where
``[model] trust`` says who trusted them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from seatrial.core.errors import ModelLoadError, UntrustedCodeError
from seatrial.core.settings import Settings
from seatrial.models.estimator import declared_order, estimator_subject, is_estimator
from seatrial.models.python import importing
from seatrial.models.subject import Subject

_CLASS: Final = re.compile(rb'"__class__": *"([^"]+)"')

PICKLED: Final = frozenset({".pkl", ".pickle", ".joblib"})

HARMLESS: Final = frozenset(
    {
        "builtins.frozenset",
        "collections.Counter",
        "numpy.dtype",
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
    }
)
"""Types of ordinary fitted estimators that skops asks about; making one runs no code of the file.

Found by saving every estimator of scikit-learn and reading what skops lists. Whole modules are not
named here, because a module also holds the functions that it imports.
"""


def open_model(location: str, *, settings: Settings, folder: Path) -> Subject:
    """Load a fitted estimator.

    Args:
        location: File, relative to ``folder``: ``.skops``, ``.pkl``, ``.pickle`` or ``.joblib``.
        settings: Input kind, column order and trust come from here.
        folder: Classes of a trusted pickle may be defined in its modules.

    Raises:
        ModelLoadError: No such file, not such a file, or no estimator in it.
        UntrustedCodeError: It carries code that nobody has trusted.
    """
    path = folder / location
    if not path.is_file():
        raise ModelLoadError(
            f"model.sklearn = {location!r}: there is no file {path}.",
            hint=f"Give its path relative to {folder}.",
        )
    model = _read(path, trust=settings.model.trust, folder=folder)
    if not is_estimator(model):
        raise ModelLoadError(
            f"{path.name} holds {type(model).__name__}; accepted is a fitted scikit-learn "
            "estimator or pipeline.",
            hint='For other objects write a load() function and set load = "model:load".',
        )
    return estimator_subject(
        model, kind=settings.model.input, order=declared_order(settings.eval.input)
    )


def _read(path: Path, *, trust: str, folder: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix == ".skops":
        return _read_skops(path, trust=trust, folder=folder)
    if suffix not in PICKLED:
        raise ModelLoadError(
            f"{path.name}: accepted are .skops, and with trust {', '.join(sorted(PICKLED))}.",
            hint="Save it with skops.io.dump(model, 'model.skops').",
        )
    if not trust:
        raise UntrustedCodeError(
            f"{path.name} is a pickle: opening it runs whatever code it carries, and nobody has "
            "said that they trust it.",
            hint="Save it with skops.io.dump instead, or set [model] trust to who trusts it and "
            'since when: trust = "Ada, 2030-01-31".',
            details={"file": path.name},
        )
    return _guarded(path, folder, _unpickle)


def _read_skops(path: Path, *, trust: str, folder: Path) -> Any:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    def read(file: Path) -> Any:
        try:
            return skops.io.load(file, trusted=_harmless_in(file))
        except UntrustedTypesFoundException:
            unknown = sorted(skops.io.get_untrusted_types(file=file))
        foreign = [name for name in unknown if name not in HARMLESS]
        if foreign and not trust:
            raise _untrusted(path, foreign)
        return skops.io.load(file, trusted=unknown)

    return _guarded(path, folder, read)


def _harmless_in(path: Path) -> list[str]:
    """Return those of the harmless types that a file seems to name, for one reading to do.

    skops compares every object with every type that it is told to trust, so that all of them
    would take seconds.
    """
    with ZipFile(path) as archive:
        named = set(_CLASS.findall(archive.read("schema.json")))
    return sorted(name for name in HARMLESS if name.rpartition(".")[2].encode() in named)


def _untrusted(path: Path, foreign: list[str]) -> UntrustedCodeError:
    return UntrustedCodeError(
        f"{path.name} names types that are not known to be harmless: {', '.join(foreign)}.",
        hint="Read their code; if you trust it, set [model] trust to who trusts it and since "
        'when: trust = "Ada, 2030-01-31".',
        details={"file": path.name, "types": foreign},
    )


def _unpickle(path: Path) -> Any:
    import joblib  # type: ignore[import-untyped]  # it ships no annotations

    return joblib.load(path)  # reads plain pickles too


def _guarded(path: Path, folder: Path, read: Any) -> Any:
    try:
        with importing(folder):
            return read(path)
    except UntrustedCodeError:
        raise
    except Exception as error:
        raise ModelLoadError(
            f"{path.name} could not be read: {type(error).__name__}: {error}",
            hint="Check that it is complete, and that the libraries here have the versions it was "
            "saved with.",
            details={"raised": type(error).__name__},
        ) from error
