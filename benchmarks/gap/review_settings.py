"""Six real settings for `reviews.py`: three models, each asked by two kinds of users.

films: trained on SST-2, asked by a mixture of film sentences, tweets in eight languages,
adversarial sentences and long reviews (the mixture of `benchmarks/sentiment`). tweets: three
classes, trained on half of the English tweets, asked by the other half and by tweets in seven other
languages, whose labels are positive or negative only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

from prepare import draw, sources
from sources import ENGLISH, SST2, TWEETS_MULTILINGUAL, Row, rows_of

from seatrial.describe.describer import describer_for

Floats = NDArray[np.float64]

ROWS = 20_000
SEED = 20_261
TWEETS_3 = "sentiment_tweets_en_3class.parquet"
FOREIGN_SHARE = 0.4
POSITIVE = 2


@dataclass(frozen=True)
class Setting:
    """What 20,000 users got: scores, the model's confidence, and who wrote in another language."""

    name: str
    scores: Floats
    confidence: Floats
    foreign: NDArray[np.int64]
    eval_accuracy: float

    @property
    def truth(self) -> float:
        return float(self.scores.mean())


@dataclass(frozen=True)
class Scenario:
    """Rows to train on, to judge by, and to be asked."""

    name: str
    training: list[Row]
    evals: list[Row]
    production: list[Row]


def words() -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )


def letters() -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )


def network() -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(min_df=2, sublinear_tf=True),
        TruncatedSVD(150, random_state=0),
        StandardScaler(),
        MLPClassifier((64,), max_iter=60, random_state=0),
    )


MODELS: dict[str, Callable[[], Pipeline]] = {
    "words, linear": words,
    "letters, linear": letters,
    "words, network": network,
}


def films(folder: Path) -> Scenario:
    training = rows_of(folder, SST2, "sst2", split="train")
    evals = rows_of(folder, SST2, "sst2", split="test")
    return Scenario("films", training, evals, draw(sources(folder), rows=ROWS, seed=SEED).rows)


def tweets(folder: Path) -> Scenario:
    rng = np.random.default_rng(SEED)
    english = rows_of(folder, TWEETS_3, "tweets, English")
    order = rng.permutation(len(english))
    half = len(english) // 2
    training = [english[place] for place in order[: half - 1_000]]
    evals = [english[place] for place in order[half - 1_000 : half]]
    ours = [english[place] for place in order[half:]]
    theirs = [
        Row(row.text, POSITIVE * row.label, row.language, row.source)
        for row in rows_of(folder, TWEETS_MULTILINGUAL, "tweets, other languages")
        if row.language != ENGLISH
    ]
    foreign = round(FOREIGN_SHARE * ROWS)
    chosen = [ours[place] for place in rng.integers(0, len(ours), ROWS - foreign)]
    chosen += [theirs[place] for place in rng.integers(0, len(theirs), foreign)]
    return Scenario("tweets", training, evals, [chosen[place] for place in rng.permutation(ROWS)])


def settings(folder: Path) -> list[Setting]:
    """Train the models and ask them; takes two minutes."""
    found = []
    for scenario in (films(folder), tweets(folder)):
        foreign = _foreign(scenario)
        labels = np.array([row.label for row in scenario.production])
        for name, make in MODELS.items():
            model = make().fit(
                [row.text for row in scenario.training], [row.label for row in scenario.training]
            )
            answers, confidence = _asked(model, scenario.production)
            evals, _ = _asked(model, scenario.evals)
            found.append(
                Setting(
                    name=f"{scenario.name}: {name}",
                    scores=(answers == labels).astype(float),
                    confidence=confidence,
                    foreign=foreign,
                    eval_accuracy=float(np.mean(evals == [row.label for row in scenario.evals])),
                )
            )
    return found


def _asked(model: Pipeline, rows: list[Row]) -> tuple[NDArray[Any], Floats]:
    chances = model.predict_proba([row.text for row in rows])
    return model.classes_[chances.argmax(axis=1)], chances.max(axis=1)


def _foreign(scenario: Scenario) -> NDArray[np.int64]:
    """Return which rows the describer takes to be in a language that eval does not have."""
    describer = describer_for("text", [row.text for row in scenario.evals])
    texts = [row.text for row in scenario.production]
    distinct = sorted(set(texts))
    found = dict(zip(distinct, describer.factors(distinct)["language"], strict=True))
    return np.array([int(found[text] >= 0.5) for text in texts])
