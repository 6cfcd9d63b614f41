"""Trains the ticket classifier and saves it as skops, a format that carries data and no code."""

import json
from pathlib import Path

import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


def train(folder: Path) -> Pipeline:
    """Fit word and word-pair frequencies and a linear classifier on train.jsonl."""
    lines = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)
    )
    return pipeline.fit([row["text"] for row in rows], [row["label"] for row in rows])


if __name__ == "__main__":
    here = Path(__file__).parent
    skops.io.dump(train(here), here / "model.skops")
