"""Which production texts are of a kind that eval hardly has: learned by telling the two apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEAST_ROWS = 200
"""Rows on either side below which the two cannot be told apart well enough."""

MOST_ROWS = 4_000
"""Rows of a side that are learned from; the rest is only judged."""

FOLDS = 3
"""Every row is judged by a classifier that has not seen it."""

WORD = r"(?u)\w+"
"""One letter is a word too: scikit-learn's own rule drops "i" and all of "不"."""

LETTERS = (1, 3)
"""Characters in a group: case and punctuation tell manners apart that words do not."""

FLOOR = 2
"""Rows that must have a word or a group before it counts."""

LEVEL = 0.01
"""Chance of finding kinds where there are none; held-out scores must tell the sides apart."""

USUAL = 0.8
"""Quantile of the ratio over eval rows that stands for its largest value, which is noise."""

INVERSE_PENALTY = 4.0
"""Of the classifier: sharper than scikit-learn's 1, which hardly trusts rows of few words."""


SPECIFIC = ("language", "length", "tampering")
"""What takes a row out of its domain's judgement: it differs from eval by that already."""


@dataclass(frozen=True)
class Side:
    """The rows of one side, as its kinds are to be judged.

    Attributes:
        texts: Inputs with those factors undone that were shown to matter.
        intensity: Per ledger factor, shape (n,).
        labels: Known labels; not one per row.
    """

    texts: Sequence[Any]
    intensity: Mapping[str, Floats]
    labels: Sequence[Any]


def domains(evals: Side, production: Side, *, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return how far each row is of another kind than eval's, where nothing else says why.

    The kinds are learned from the rows at hand; where these are too few, the describer's own
    distance stands. A row that is foreign, tampered with or of unusual length has no domain.

    Args:
        evals: Eval rows, one label each.
        production: Production rows.
        rng: Decides the folds.

    Returns:
        Intensities in [0, 1], one array per side.
    """
    plain = [_plain(side.intensity) for side in (evals, production)]
    usual = [np.flatnonzero(share > 0) for share in plain]
    texts = [
        [str(side.texts[int(row)]) for row in rows]
        for side, rows in zip((evals, production), usual, strict=True)
    ]
    weights = label_weights(evals.labels, production.labels)[usual[0]]
    strange = strangeness(texts[0], texts[1], eval_weights=weights, rng=rng)
    if strange is None:
        return evals.intensity["domain"] * plain[0], production.intensity["domain"] * plain[1]
    here = np.zeros(plain[1].size)
    here[usual[1]] = strange * plain[1][usual[1]]
    return np.zeros(plain[0].size), here


def _plain(intensity: Mapping[str, Floats]) -> Floats:
    """Return 1 where a row has no specific factor, 0 from where it counts as having one."""
    share = np.ones_like(intensity["domain"])
    for name in SPECIFIC:
        if name in intensity:
            share *= np.maximum(0.0, 1.0 - 2.0 * intensity[name])
    return share


def strangeness(
    evals: Sequence[str],
    production: Sequence[str],
    *,
    eval_weights: Floats,
    rng: np.random.Generator,
) -> Floats | None:
    """Return the probability that a production text is of a kind that eval does not have.

    Production is taken as a mixture of eval's kind and others. With ``w = p(text | eval) /
    p(text | production)``, from a cross-fitted logistic regression on words and letters that tells
    the two apart (Bickel, Brueckner and Scheffer 2009), the probability is ``1 - w / sup w``, and
    ``sup w`` is one over the largest share that eval's kind can have (Blanchard, Lee and Scott
    2010); an upper quantile over eval stands for it.

    Args:
        evals: Eval texts.
        production: Production texts.
        eval_weights: What each eval row counts, so that both sides have the same mix of labels
            and a shifted mix is no kind of its own; shape (n_eval,).
        rng: Decides the folds.

    Returns:
        Shape (n_production,), or ``None`` where there are too few texts or no words. Eval rows
        have 0, by definition.
    """
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    if min(len(evals), len(production)) < LEAST_ROWS:
        return None
    texts, ours = [*evals, *production], len(evals)
    side = np.r_[np.zeros(ours), np.ones(len(production))]
    weights = np.r_[eval_weights / eval_weights.mean(), np.ones(len(production))]
    content = TfidfVectorizer(min_df=FLOOR, sublinear_tf=True, token_pattern=WORD)
    manner = TfidfVectorizer(
        min_df=FLOOR, sublinear_tf=True, analyzer="char", ngram_range=LETTERS, lowercase=False
    )
    try:
        words = hstack([content.fit_transform(texts), manner.fit_transform(texts)]).tocsr()
    except ValueError:  # no word occurs twice: nothing can be learned
        return None
    learned = _some(rng, side)
    # A text that both sides hold (eval rows sent again) must not be learned from when it is judged.
    same = np.unique(np.array(texts, dtype=object), return_inverse=True)[1]
    fold = rng.integers(0, FOLDS, side.size)[same]
    leaning = np.empty(side.size)
    for one in range(FOLDS):
        rows = learned[fold[learned] != one]
        # liblinear runs on one core: threads that wait for one another cost a busy machine most.
        classifier = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear")
        classifier.fit(words[rows], side[rows], sample_weight=weights[rows])
        leaning[fold == one] = classifier.decision_function(words[fold == one])
    if stats.mannwhitneyu(leaning[ours:], leaning[:ours], alternative="greater").pvalue > LEVEL:
        return np.zeros(len(production))
    # A penalised classifier is too modest; its own held-out scores say by how much (Platt 1999).
    scale = LogisticRegression(C=1e6, solver="liblinear").fit(
        leaning[:, None], side, sample_weight=weights
    )
    chance = scale.predict_proba(leaning[:, None])[:, 1]
    odds = (1.0 - chance) / np.maximum(chance, 1e-9) * (len(production) / ours)
    usual = float(np.quantile(odds[:ours], USUAL))
    return np.asarray(np.maximum(0.0, 1.0 - odds[ours:] / max(usual, 1.0)))


def label_weights(evals: Sequence[Any], production: Sequence[Any]) -> Floats:
    """Return weights that give eval the label mix of production; 1 where labels are many.

    >>> label_weights(["a", "b"], ["a", "a", "b", "b", "b", "b"]).round(2).tolist()
    [0.71, 1.29]
    """
    ours = np.array([str(label) for label in evals], dtype=object)
    theirs = np.array([str(label) for label in production], dtype=object)
    names = np.unique(ours)
    weights = np.ones(ours.size)
    if len(names) > np.sqrt(max(theirs.size, 1)):
        return weights
    for name in names:
        here = ours == name
        # Half a row on each side keeps a label that nobody sampled from weighing nothing.
        weights[here] = ((theirs == name).sum() + 0.5) / (theirs.size + 0.5 * names.size)
        weights[here] /= here.mean()
    return np.asarray(weights / weights.mean())


def _some(rng: np.random.Generator, side: Floats) -> NDArray[np.intp]:
    """Return at most :data:`MOST_ROWS` rows of each side."""
    chosen = [rng.permutation(np.flatnonzero(side == value))[:MOST_ROWS] for value in (0, 1)]
    return np.sort(np.concatenate(chosen))
