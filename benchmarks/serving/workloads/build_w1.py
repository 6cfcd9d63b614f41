"""Trains W1's model on movie-review sentences and picks the texts that are asked.

python benchmarks/serving/workloads/build_w1.py FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import joblib
import numpy as np
import texts
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

WORDS = range(8, 30)
"""Lengths asked: a sentence or two, about 18 words on average."""

NAMES = {0: "negative", 1: "positive"}


def main(folder: Path) -> None:
    shutil.copytree(Path(__file__).parent / "w1", folder, dirs_exist_ok=True)
    rows = texts.rows("sentiment_sst2.parquet")
    train = [row for row in rows if row["split"] == "train"]
    held_out = [row for row in rows if row["split"] != "train"]
    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10.0, max_iter=1000)
    )
    pipeline.fit([row["text"] for row in train], [NAMES[row["label"]] for row in train])
    joblib.dump(pipeline, folder / "model.joblib")
    rng = np.random.default_rng(0)
    fitting = [row["text"] for row in held_out if len(row["text"].split()) in WORDS]
    asked = [fitting[place] for place in rng.permutation(len(fitting))[: texts.ASKED]]
    sys.path.insert(0, str(folder))
    import model

    loaded = model.load()
    answers = [loaded.predict([text])[0] for text in asked]
    evaluated = [
        {"text": row["text"], "label": NAMES[row["label"]]} for row in held_out[: texts.EVAL_ROWS]
    ]
    texts.write(folder, asked=asked, answers=answers, evaluated=evaluated)
    words = [len(text.split()) for text in asked]
    right = pipeline.score(
        [row["text"] for row in held_out], [NAMES[row["label"]] for row in held_out]
    )
    print(
        f"w1: {len(train)} sentences, {len(pipeline[0].vocabulary_)} features, {right:.1%} right "
        f"on held-out ones; {len(asked)} texts of {np.mean(words):.1f} words"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
