"""A few cheap models that know the eval labels, asked only about rows they were not fitted on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.core.settings import InputKind, Task
from seatrial.gap.labelfree.encoding import Encoding, encoding_for

Floats = NDArray[np.float64]

FOLDS = 3
"""Parts into which the eval rows are dealt; each part is judged by models of the other two."""

FIT_MAX = 4_000
"""Most eval rows that cheap models are fitted on: more cost time and make them hardly better."""

FEW_CLASSES = 10
"""Classes up to which one softmax over all is quick enough; beyond, one classifier for each."""

PART = 0.35
"""Share of the rows that the weakest member is fitted on: lines need points that lie apart."""

TOPICS = 40
"""Directions of the words that neighbours are looked for in."""

UNKNOWN = -1
"""Code of an answer that is no eval label."""


@dataclass(frozen=True)
class Member:
    """One cheap model: what it looks at, how it is made, on what share of the rows it is fitted."""

    view: str
    make: Callable[[], Any]
    share: float = 1.0


@dataclass(frozen=True)
class Votes:
    """What the members say of some rows.

    Attributes:
        answers: Codes of the labels (or numbers, for regression), shape (n, members).
        chances: Mean probability of each label, shape (n, labels); empty for regression.
        support: Share of each row made of what the members have seen, shape (n,).
        parts: How many parts of it (words, cells) they have seen, shape (n,).
    """

    answers: Floats
    chances: Floats
    support: Floats
    parts: Floats

    def taken(self, rows: NDArray[Any]) -> Votes:
        """Return the votes on some of the rows."""
        return Votes(self.answers[rows], self.chances[rows], self.support[rows], self.parts[rows])


class Pool:
    """Cheap models, fitted once for each fold of the eval rows.

    Args:
        encoding: Turns inputs into what the members look at.
        inputs: Eval inputs.
        targets: Codes of their labels, or numbers.
        classes: How many labels there are; 0: regression.
        rng: Deals the folds.
    """

    def __init__(
        self,
        encoding: Encoding,
        inputs: Sequence[Any],
        targets: Floats,
        *,
        classes: int,
        rng: np.random.Generator,
    ) -> None:
        self.encoding = encoding
        self.classes = classes
        self.fold = rng.permutation(np.arange(len(inputs)) % FOLDS)
        views = encoding.views(inputs)
        self._members = members(views, classes=classes)
        self._fitted: list[list[Any]] = []
        self._known: list[Any] = []
        for fold in range(FOLDS):
            rows = rng.permutation(np.flatnonzero(self.fold != fold))[:FIT_MAX]
            self._known.append(encoding.known(views["seen"][rows]))
            self._fitted.append(
                [_fit(one, views, rows, targets, classes=classes) for one in self._members]
            )

    @property
    def size(self) -> int:
        """Return how many members there are."""
        return len(self._members)

    def held_out(self, inputs: Sequence[Any], rows: NDArray[np.intp]) -> Votes:
        """Return votes on eval rows, as they are or spoilt, by members that never saw them.

        Args:
            inputs: What is voted on, shape (n,).
            rows: Which eval rows these are or were, shape (n,).
        """
        views = self.encoding.views(inputs)
        votes = self._blank(len(inputs))
        for fold in range(FOLDS):
            here = np.flatnonzero(self.fold[rows] == fold)
            if here.size:
                part = self._votes({name: view[here] for name, view in views.items()}, fold)
                votes.answers[here], votes.chances[here] = part.answers, part.chances
                votes.support[here], votes.parts[here] = part.support, part.parts
        return votes

    def votes(self, inputs: Sequence[Any]) -> list[Votes]:
        """Return the votes on new inputs, of each fold's members."""
        views = self.encoding.views(inputs)
        return [self._votes(views, fold) for fold in range(FOLDS)]

    def _votes(self, views: dict[str, Any], fold: int) -> Votes:
        n = views["seen"].shape[0]
        votes = self._blank(n)
        heard = 0
        for place, (member, model) in enumerate(
            zip(self._members, self._fitted[fold], strict=True)
        ):
            view = views[member.view]
            if self.classes and hasattr(model, "predict_proba"):
                chances = model.predict_proba(view)
                known = model.classes_.astype(int)
                votes.chances[:, known] += chances
                votes.answers[:, place] = known[chances.argmax(axis=1)]
                heard += 1
            else:
                votes.answers[:, place] = model.predict(view)
        parts, support = self.encoding.support(views["seen"], self._known[fold])
        return Votes(votes.answers, votes.chances / max(heard, 1), support, parts)

    def _blank(self, n: int) -> Votes:
        return Votes(np.zeros((n, self.size)), np.zeros((n, self.classes)), *np.zeros((2, n)))


def pool_for(
    kind: InputKind,
    task: Task,
    inputs: Sequence[Any],
    targets: Floats,
    *,
    classes: int,
    rng: np.random.Generator,
) -> Pool | None:
    """Fit the pool of a kind of input and task; ``None`` where cheap models can do nothing."""
    if task == "generation" or not len(inputs):
        return None
    encoding = encoding_for(kind, inputs)
    if encoding is None:
        return None
    wanted = classes if task == "classification" else 0
    return Pool(encoding, inputs, targets, classes=wanted, rng=rng)


def members(views: dict[str, Any], *, classes: int) -> list[Member]:
    """Return the members that suit these views: eight that err in different ways."""
    if "words" in views:
        return _text_classifiers(views, classes) if classes else _text_regressors()
    return _table_classifiers(classes) if classes else _table_regressors()


def _linear(classes: int, *, c: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    if classes > FEW_CLASSES:
        return OneVsRestClassifier(LogisticRegression(C=c, solver="liblinear"))
    return LogisticRegression(C=c, max_iter=200)


def _text_classifiers(views: dict[str, Any], classes: int) -> list[Member]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.naive_bayes import BernoulliNB, MultinomialNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    topics = max(1, min(TOPICS, views["words"].shape[1] - 1))
    return [
        Member("words", lambda: _linear(classes, c=10.0)),
        Member("words", lambda: _linear(classes, c=3.0), share=PART),
        Member("words", lambda: MultinomialNB(alpha=0.1)),
        Member("words", lambda: BernoulliNB(alpha=0.3)),
        Member("letters", lambda: _linear(classes, c=10.0)),
        Member("letters", lambda: MultinomialNB(alpha=0.03)),
        Member("letters", lambda: _linear(classes, c=3.0), share=PART),
        Member(
            "words",
            lambda: make_pipeline(TruncatedSVD(topics, random_state=0), KNeighborsClassifier(25)),
        ),
    ]


def _text_regressors() -> list[Member]:
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    return [
        Member("words", lambda: Ridge(1.0)),
        Member("words", lambda: Ridge(1.0), share=PART),
        Member("words", lambda: Ridge(0.1)),
        Member("letters", lambda: Ridge(1.0)),
        Member("letters", lambda: Ridge(0.1), share=PART),
        Member("letters", lambda: KNeighborsRegressor(15, metric="cosine", algorithm="brute")),
    ]


def _table_classifiers(classes: int) -> list[Member]:
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.naive_bayes import BernoulliNB, GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    return [
        Member("scaled", lambda: _linear(classes, c=1.0)),
        Member("stepped", lambda: _linear(classes, c=1.0)),
        Member("stepped", lambda: _linear(classes, c=0.3), share=PART),
        Member("scaled", lambda: GaussianNB(var_smoothing=1e-3)),
        Member("stepped", lambda: BernoulliNB(alpha=0.3)),
        Member("scaled", lambda: RandomForestClassifier(60, min_samples_leaf=3, random_state=0)),
        Member("scaled", lambda: DecisionTreeClassifier(min_samples_leaf=20, random_state=0)),
        Member("stepped", lambda: ExtraTreesClassifier(60, min_samples_leaf=3, random_state=0)),
        Member("scaled", lambda: KNeighborsClassifier(15)),
    ]


def _table_regressors() -> list[Member]:
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.tree import DecisionTreeRegressor

    return [
        Member("scaled", lambda: Ridge(1.0)),
        Member("stepped", lambda: Ridge(1.0)),
        Member("stepped", lambda: Ridge(1.0), share=PART),
        Member("scaled", lambda: RandomForestRegressor(60, min_samples_leaf=3, random_state=0)),
        Member("stepped", lambda: ExtraTreesRegressor(60, min_samples_leaf=3, random_state=0)),
        Member("scaled", lambda: DecisionTreeRegressor(min_samples_leaf=20, random_state=0)),
        Member("scaled", lambda: KNeighborsRegressor(15)),
    ]


def _fit(
    member: Member,
    views: dict[str, Any],
    rows: NDArray[np.intp],
    targets: Floats,
    *,
    classes: int,
) -> Any:
    from sklearn.dummy import DummyClassifier
    from sklearn.exceptions import ConvergenceWarning

    used = rows[: max(FOLDS, round(member.share * rows.size))]
    if classes and np.unique(targets[used]).size < 2:  # noqa: PLR2004  (one class is nothing to learn)
        used = rows
    alone = classes > 0 and np.unique(targets[used]).size < 2  # noqa: PLR2004
    model = DummyClassifier() if alone else member.make()
    with warnings.catch_warnings():
        # A cheap model that has not quite converged is still a cheap model.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(views[member.view][used], targets[used])
