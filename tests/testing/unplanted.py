"""Healthy models that are not in the bank, and a few sick ones written without looking at it."""

import numpy as np
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from seatrial.models.estimator import estimator_subject
from seatrial.models.subject import subject_of

_WORDS = "the a ship sea wind bad good awful great storm calm rope sail deck crew port star"
WORDS = _WORDS.split()


def numbers(n=300, width=12, seed=0):
    features, labels = make_classification(
        n, width, n_informative=6, n_classes=3, random_state=seed
    )
    return features, np.array(["low", "mid", "high"])[labels]


def sentences(n=300, seed=0, most=30):
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, most))) for _ in range(n)]
    return texts, [str("good" in text or "great" in text) for text in texts]


def tabular(estimator):
    features, labels = numbers()
    return estimator_subject(estimator.fit(features, labels), kind="array"), features.tolist()


def textual(estimator, most=30):
    texts, labels = sentences(most=most)
    return estimator_subject(estimator.fit(texts, labels)), texts


def regression(estimator):
    features, target = make_regression(300, 8, noise=5.0, random_state=0)
    return estimator_subject(estimator.fit(features, target), kind="array"), features.tolist()


def half_precision():
    rng = np.random.default_rng(3)
    first = rng.normal(size=(12, 32)).astype(np.float16)
    out = rng.normal(size=(32, 3)).astype(np.float16)

    def predict(rows):
        logits = np.tanh(np.asarray(rows, dtype=np.float16) @ first) @ out
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return [
            {"output": int(row.argmax()), "scores": {str(i): float(x) for i, x in enumerate(row)}}
            for row in shares / shares.sum(axis=1, keepdims=True)
        ]

    return subject_of(predict), numbers()[0].tolist()


def dropout():
    rng = np.random.default_rng(3)
    first, out = rng.normal(size=(12, 64)), rng.normal(size=(64, 3))

    def predict(rows):
        hidden = np.tanh(np.asarray(rows) @ first)
        hidden = hidden * (rng.random(hidden.shape) > 0.3)
        return (hidden @ out).argmax(axis=1)

    return subject_of(predict), numbers()[0].tolist()


def dropout_with_scores():
    rng = np.random.default_rng(3)
    first = rng.normal(size=(12, 64))

    def predict(rows):
        hidden = np.tanh(np.asarray(rows) @ first)
        return (hidden * (rng.random(hidden.shape) > 0.2)).mean(axis=1)

    return subject_of(predict), numbers()[0].tolist()


def rounding_at_ties():
    weights = np.full(12, 0.1, dtype=np.float32)
    rng = np.random.default_rng(4)
    rows = rng.integers(-20, 20, (300, 12)) / 2.0

    def predict(inputs):
        return np.round(np.asarray(inputs, dtype=np.float32) @ weights, 1).astype(float)

    return subject_of(predict), rows.tolist()


def labels_at_ties():
    weights = np.array([[0.1] * 12, [0.1] * 12], dtype=np.float32).T
    weights[3:6, 1] = [0.3, -0.2, 0.2]
    rng = np.random.default_rng(4)
    rows = rng.integers(-4, 4, (300, 12)).astype(float)

    def predict(inputs):
        return (np.asarray(inputs, dtype=np.float32) @ weights).argmax(axis=1)

    return subject_of(predict), rows.tolist()


def masked_transformer():
    """A small attention model over padded texts, with its mask."""
    rng = np.random.default_rng(5)
    table = rng.normal(size=(len(WORDS), 24)).astype(np.float32)
    query, key, out = (rng.normal(size=(24, 24)).astype(np.float32) / 5 for _ in range(3))
    number = {word: index for index, word in enumerate(WORDS)}

    def predict(texts):
        rows = [[number[word] for word in text.split()] for text in texts]
        longest = max(map(len, rows))
        padded = np.zeros((len(rows), longest), dtype=int)
        mask = np.zeros((len(rows), longest), dtype=bool)
        for index, row in enumerate(rows):
            padded[index, : len(row)] = row
            mask[index, : len(row)] = True
        hidden = table[padded]
        scores = (hidden @ query) @ (hidden @ key).transpose(0, 2, 1)
        scores = np.where(mask[:, None, :], scores, -1e9)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        hidden = (shares / shares.sum(axis=-1, keepdims=True)) @ hidden
        pooled = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        return (pooled @ out)[:, :4]

    return subject_of(predict), sentences(most=60)[0]


def caching():
    """Answers from a cache where it can, which makes repeated rows nearly free."""
    rng = np.random.default_rng(6)
    weights = rng.normal(size=(12, 3))
    known = {}

    def predict(rows):
        fresh = [row for row in rows if tuple(row) not in known]
        if fresh:
            for row, label in zip(fresh, (np.asarray(fresh) @ weights).argmax(axis=1), strict=True):
                known[tuple(row)] = int(label)
        return [known[tuple(row)] for row in rows]

    return subject_of(predict), numbers()[0].tolist()


def sorting_by_length():
    """Sorts texts by length, answers in buckets of 16, and puts the answers back."""
    subject, texts = masked_transformer()

    def predict(inputs):
        order = sorted(range(len(inputs)), key=lambda at: len(inputs[at]))
        found = [None] * len(inputs)
        for start in range(0, len(order), 16):
            part = order[start : start + 16]
            for at, answer in zip(
                part, subject.answer([inputs[i] for i in part]).answers, strict=True
            ):
                found[at] = answer.output
        return found

    return subject_of(predict), texts


def keyword_rules():
    def predict(texts):
        return ["good" if "good" in text or "great" in text else "bad" for text in texts]

    return subject_of(predict), sentences()[0]


def big_matrix():
    """Busy computing: a gain of batches there is none."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(64, 64))

    def predict(rows):
        values = np.repeat(np.asarray(rows)[:, :, None], 64, axis=2)
        for _ in range(6):
            values = np.tanh(np.einsum("nij,jk->nik", values, weights))
        return values.mean(axis=(1, 2))

    return subject_of(predict), numbers()[0].tolist()


HEALTHY = {
    "logistic regression": lambda: tabular(LogisticRegression(max_iter=500)),
    "scaled SVC": lambda: tabular(make_pipeline(StandardScaler(), SVC())),
    "linear SVC": lambda: tabular(LinearSVC()),
    "random forest": lambda: tabular(RandomForestClassifier(60, random_state=0)),
    "nearest neighbours": lambda: tabular(KNeighborsClassifier(5)),
    "small MLP": lambda: tabular(MLPClassifier((48, 24), max_iter=40, tol=1.0, random_state=0)),
    "tf-idf and logistic regression": lambda: textual(
        make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10))
    ),
    "tf-idf on long texts": lambda: textual(
        make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()), most=400
    ),
    "naive Bayes on letters": lambda: textual(
        make_pipeline(CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)), MultinomialNB())
    ),
    "ridge": lambda: regression(Ridge()),
    "boosted trees": lambda: regression(GradientBoostingRegressor(random_state=0)),
    "half precision": half_precision,
    "dropout left on": dropout,
    "dropout left on, with scores": dropout_with_scores,
    "rounding at ties": rounding_at_ties,
    "labels at ties": labels_at_ties,
    "masked attention": masked_transformer,
    "caching": caching,
    "sorting by length": sorting_by_length,
    "keyword rules": keyword_rules,
    "busy computing": big_matrix,
}
