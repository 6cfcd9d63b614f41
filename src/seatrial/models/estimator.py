"""A fitted scikit-learn estimator (or one that keeps its conventions) as a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from seatrial.core.errors import ModelLoadError
from seatrial.core.settings import InputKind
from seatrial.models import columns
from seatrial.models.subject import CallableSubject

PROBABILITY_SLACK: Final = 1e-3
"""How far the probabilities of one row may sum from 1: float16 and int8 models are this coarse."""

OWN_THRESHOLD: Final = frozenset(
    {"SVC", "NuSVC", "FixedThresholdClassifier", "TunedThresholdClassifierCV"}
)
"""Classifiers of scikit-learn whose ``predict`` is not the class of highest probability."""


def is_estimator(model: Any) -> bool:
    """Say whether an object keeps scikit-learn's conventions (fit, get_params and predict)."""
    return (
        not isinstance(model, type)
        and all(callable(getattr(model, name, None)) for name in ("fit", "get_params"))
        and any(callable(getattr(model, name, None)) for name in ("predict", "predict_proba"))
    )


class EstimatorModel:
    """Turns inputs into what the estimator was fitted on, and its output into answers.

    A classifier with ``predict_proba`` answers its class (a plain Python value), the probability
    of that class as confidence, and the scores by class. Everything else answers bare values.

    Args:
        estimator: Fitted.
        kind: What one input is.
        order: Columns in the order of the training matrix; needed for records only where the
            estimator does not know the names itself.

    Raises:
        ModelLoadError: Records are declared, but nothing says in which order their columns go.
    """

    def __init__(
        self, estimator: Any, *, kind: InputKind = "text", order: Sequence[str] | None = None
    ) -> None:
        self.estimator = estimator
        self._kind = kind
        self._order = list(order) if order else None
        self._names = _names(estimator)
        self._classes = _classes(estimator)
        self._scored = self._classes is not None and _has(estimator, "predict_proba")
        if kind == "record":
            self._check_order()

    def predict(self, inputs: list[Any]) -> list[Any]:
        """Answer a batch."""
        prepared = self.prepare(inputs)
        if not self._scored:
            return _bare(self.estimator.predict(prepared))
        probabilities = np.asarray(self.estimator.predict_proba(prepared))
        classes = self._classes or []
        if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):  # noqa: PLR2004
            return _bare(self.estimator.predict(prepared))
        if not _sums_to_one(probabilities):  # several labels at once: there is no one confidence
            outputs = _bare(self.estimator.predict(prepared))
            return [
                {"output": output, "scores": dict(zip(classes, row, strict=True))}
                for output, row in zip(outputs, probabilities.tolist(), strict=True)
            ]
        chosen = probabilities.argmax(axis=1)
        if not _decides_by_probability(self.estimator):
            place = {name: index for index, name in enumerate(classes)}
            chosen = np.array([place[name] for name in _bare(self.estimator.predict(prepared))])
        rows = probabilities.tolist()
        return [
            {
                "output": classes[index],
                "confidence": row[index],
                "scores": dict(zip(classes, row, strict=True)),
            }
            for index, row in zip(chosen.tolist(), rows, strict=True)
        ]

    def prepare(self, inputs: list[Any]) -> Any:
        """Return the inputs as the estimator wants them: list, data frame or array.

        Raises:
            InputError: An input is not of the declared kind.
            MissingLibraryError: A data frame is needed and pandas is not installed.
        """
        if self._kind == "record":
            return self._prepare_records(inputs)
        if self._kind in {"array", "image"}:
            return columns.array(inputs)
        return inputs

    def _prepare_records(self, records: list[Any]) -> Any:
        if self._names:
            return columns.data_frame(records, self._names)
        if _width(self.estimator) is not None:
            return columns.matrix(records, self._order or [])
        if type(_first_step(self.estimator)).__name__ in {"DictVectorizer", "FeatureHasher"}:
            return records
        order = self._order or sorted({name for record in records for name in record})
        return columns.data_frame(records, order)

    def _check_order(self) -> None:
        width = _width(self.estimator)
        if self._names or width is None:
            return
        if self._order is None:
            raise ModelLoadError(
                f"{type(self.estimator).__name__} was fitted on {width} columns without names, and "
                "nothing says in which order a record's columns go.",
                hint='List them in the order of training: [eval] input = ["first", "second", …], '
                "or fit it on a data frame.",
            )
        if len(self._order) != width:
            raise ModelLoadError(
                f"{type(self.estimator).__name__} was fitted on {width} columns; [eval] input "
                f"lists {len(self._order)}: {', '.join(self._order)}.",
                hint="List exactly the columns of training, in their order.",
            )


def estimator_subject(
    estimator: Any, *, kind: InputKind = "text", order: Sequence[str] | None = None
) -> CallableSubject:
    """Return a fitted estimator as a :class:`~seatrial.models.subject.Subject`."""
    return CallableSubject(EstimatorModel(estimator, kind=kind, order=order).predict)


def declared_order(declared: str | list[str]) -> list[str] | None:
    """Return the column order that ``[eval] input`` declares; ``None`` where it is not a list."""
    return list(declared) if isinstance(declared, list) else None


def _has(estimator: Any, name: str) -> bool:
    # scikit-learn offers methods that depend on parameters as properties which raise
    # AttributeError; hasattr is its own way of asking.
    return hasattr(estimator, name)


def _names(estimator: Any) -> list[str]:
    names = getattr(estimator, "feature_names_in_", None)
    return [] if names is None else [str(name) for name in names]


def _classes(estimator: Any) -> list[Any] | None:
    classes = getattr(estimator, "classes_", None)
    return classes.tolist() if isinstance(classes, np.ndarray) and classes.ndim == 1 else None


def _width(estimator: Any) -> int | None:
    width = getattr(estimator, "n_features_in_", None)
    return None if width is None else int(width)


def _first_step(estimator: Any) -> Any:
    steps = getattr(estimator, "steps", None)
    return _first_step(steps[0][1]) if steps else estimator


def _last_step(estimator: Any) -> Any:
    for inner in ("best_estimator_", "steps"):
        held = getattr(estimator, inner, None)
        if held is not None:
            return _last_step(held[-1][1] if inner == "steps" else held)
    return estimator


def _decides_by_probability(estimator: Any) -> bool:
    """Say whether ``predict`` is known to be the class of highest probability.

    Calling both costs twice, so it is done only where the two may differ: for a few classifiers
    of scikit-learn, and for everybody else's.
    """
    last = type(_last_step(estimator))
    return last.__module__.startswith("sklearn.") and last.__name__ not in OWN_THRESHOLD


def _sums_to_one(probabilities: np.ndarray) -> bool:
    # Not-finite rows count as summing to one: the contract check names them later, by row.
    off = np.abs(probabilities.sum(axis=1) - 1.0)
    return not bool(np.any(off > PROBABILITY_SLACK))


def _bare(values: Any) -> list[Any]:
    found = np.asarray(values)
    if found.ndim == 2 and found.shape[1] == 1:  # noqa: PLR2004
        found = found[:, 0]
    listed: list[Any] = found.tolist() if found.ndim else [found.item()]
    return listed
