"""W1: words and pairs of words, weighed, then a line between two classes."""

from pathlib import Path

import joblib


class Model:
    def __init__(self):
        self._pipeline = joblib.load(Path(__file__).with_name("model.joblib"))

    def predict(self, texts):
        positive = self._pipeline.predict_proba(texts)[:, 1].tolist()
        return [
            {"output": "positive", "confidence": p}
            if p >= 0.5
            else {"output": "negative", "confidence": 1.0 - p}
            for p in positive
        ]

    def size(self, text):
        return len(text)


def load():
    return Model()
