"""Folders as people have them: one model each, with data in one of the formats."""

from __future__ import annotations

import csv
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seatrial.records.tables import write_rows

WORDS = ("late", "broken", "refund", "love", "great", "thanks", "box", "order", "parcel", "again")
BAD = frozenset({"late", "broken", "refund"})


def save(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write columns in the format that the name says."""
    if path.suffix != ".csv":
        write_rows(path, columns)
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(["" if value is None else value for value in row])


def sentences(count: int, *, seed: int) -> tuple[list[str], list[bool]]:
    """Return short complaints and praises, and whether each is a complaint."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, 6)) for _ in range(count)]
    return texts, [not BAD.isdisjoint(text.split()[:4]) for text in texts]


def table(count: int, *, seed: int, missing: float = 0.1) -> dict[str, list[Any]]:
    """Return customers, some cells missing, and whether each one left."""
    rng = np.random.default_rng(seed)
    age, spend = rng.integers(18, 80, count), np.round(rng.gamma(2.0, 50.0, count), 2)
    plan = rng.choice(["basic", "plus", "pro"], count)
    left = (age < 35) & (spend < 90) | (plan == "basic") & (spend < 60)

    def holes(values):
        return [None if rng.random() < missing else value for value in values]

    return {
        "age": holes(age.tolist()),
        "spend": holes(spend.tolist()),
        "plan": holes(plan.tolist()),
        "left": left.tolist(),
    }


class Projects:
    """Writes projects into a folder; each returns the folder.

    ``seatrial.toml`` is left to ``seatrial init`` unless said otherwise.
    """

    sentences = staticmethod(sentences)
    table = staticmethod(table)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def rule_accuracy(rows: int, *, seed: int) -> float:
        """Return how often the rule of the text project agrees with the labels."""
        texts, bad = sentences(rows, seed=seed)
        found = [not BAD.isdisjoint(text.split()) for text in texts]
        return sum(one == other for one, other in zip(found, bad, strict=True)) / rows

    def settings(self, text: str) -> Path:
        """Write ``seatrial.toml``."""
        (self.folder / "seatrial.toml").write_text(text)
        return self.folder

    def code(self, text: str, name: str = "model.py") -> None:
        """Write a Python file."""
        (self.folder / name).write_text(text)

    def data(self, name: str, columns: dict[str, list[Any]]) -> None:
        """Write a data file."""
        save(self.folder / name, columns)

    def text(self, *, suffix: str = ".jsonl", labels: tuple[Any, Any] = ("bad", "good")) -> Path:
        """Write a rule that reads texts."""
        self.code(
            f"LABELS = {labels!r}\n\n\n"
            "def predict(texts):\n"
            f"    bad = {set(BAD)!r}\n"
            "    found = [not bad.isdisjoint(text.split()) for text in texts]\n"
            "    return [\n"
            '        {"output": LABELS[0] if one else LABELS[1], "confidence": 0.9}\n'
            "        for one in found\n"
            "    ]\n\n\n"
            "def load():\n"
            "    return predict\n"
        )
        for name, rows, seed in (("eval", 120, 1), ("production", 80, 2)):
            texts, bad = sentences(rows, seed=seed)
            named = [labels[0] if one else labels[1] for one in bad]
            self.data(f"{name}{suffix}", {"text": texts, "label": named})
        return self.folder

    def tabular(self, *, suffix: str = ".csv") -> Path:
        """Write a rule over records with missing values."""
        self.code(
            "def score(row):\n"
            '    age = 40 if row["age"] is None else row["age"]\n'
            '    spend = 80 if row["spend"] is None else row["spend"]\n'
            '    return age < 35 and spend < 90 or row["plan"] == "basic" and spend < 60\n\n\n'
            "def predict(rows):\n"
            "    return [score(row) for row in rows]\n\n\n"
            "def load():\n"
            "    return predict\n"
        )
        self.data(f"eval{suffix}", table(150, seed=1, missing=0.02))
        self.data(f"production{suffix}", table(150, seed=2, missing=0.3))
        return self.folder

    def regression(self, *, suffix: str = ".parquet") -> Path:
        """Write a function of two numbers with a numeric label."""
        self.code(
            'def load():\n    return lambda rows: [2.0 * row["a"] + row["b"] for row in rows]\n'
        )
        for name, seed in (("eval", 1), ("production", 2)):
            rng = np.random.default_rng(seed)
            a, b = rng.normal(size=(2, 120))
            noise = rng.normal(scale=0.3 * seed, size=120)
            price = 2 * a + b + noise
            self.data(
                f"{name}{suffix}", {"a": a.tolist(), "b": b.tolist(), "price": price.tolist()}
            )
        return self.folder

    def skops(self, *, suffix: str = ".csv") -> Path:
        """Write a pipeline of text features that carries no code."""
        import skops.io

        skops.io.dump(self._text_pipeline(), self.folder / "model.skops")
        return self._texts(suffix)

    def pickle(self, *, suffix: str = ".csv") -> Path:
        """Write the same pipeline as a pickle."""
        (self.folder / "model.pkl").write_bytes(pickle.dumps(self._text_pipeline()))
        return self._texts(suffix)

    def onnx_array(self) -> Path:
        """Write a network over arrays of four numbers."""
        from skl2onnx import to_onnx
        from sklearn.linear_model import LogisticRegression

        x, y = self._vectors(400, seed=0)
        model = to_onnx(
            LogisticRegression().fit(x, y), x[:1].astype(np.float32), options={"zipmap": False}
        )
        (self.folder / "model.onnx").write_bytes(model.SerializeToString())
        for name, seed in (("eval", 1), ("production", 2)):
            x, y = self._vectors(100, seed=seed)
            self.data(f"{name}.parquet", {"x": x.tolist(), "label": y.tolist()})
        return self.folder

    def onnx_record(self) -> Path:
        """Write a network over named columns."""
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
        from sklearn.linear_model import LogisticRegression

        names = ["a", "b", "c", "d"]
        x, y = self._vectors(400, seed=0)
        model = to_onnx(
            LogisticRegression().fit(x, y),
            initial_types=[("x", FloatTensorType([None, 4]))],
            options={"zipmap": False},
        )
        (self.folder / "model.onnx").write_bytes(model.SerializeToString())
        for name, seed in (("eval", 1), ("production", 2)):
            x, y = self._vectors(100, seed=seed)
            columns = dict(zip(names, x.T.tolist(), strict=True))
            self.data(f"{name}.csv", {**columns, "label": y.tolist()})
        return self.folder

    @staticmethod
    def _vectors(count: int, *, seed: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(count, 4))
        return x, (x @ [1.0, -2.0, 0.5, 0.0] + rng.normal(scale=0.5, size=count) > 0).astype(int)

    @staticmethod
    def _text_pipeline() -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        texts, bad = sentences(300, seed=0)
        labels = ["bad" if one else "good" for one in bad]
        return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)

    def _texts(self, suffix: str) -> Path:
        for name, rows, seed in (("eval", 120, 1), ("production", 80, 2)):
            texts, bad = sentences(rows, seed=seed)
            labels = ["bad" if one else "good" for one in bad]
            self.data(f"{name}{suffix}", {"message": texts, "label": labels})
        return self.folder


@pytest.fixture
def projects(tmp_path) -> Projects:
    """Write a project into an empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Projects(folder)


APPS = Path(__file__).with_name("apps.py")


@pytest.fixture
def service():
    """Start hand-written services by name; each call returns the root URL."""
    started = []

    def start(name: str) -> str:
        process = subprocess.Popen(
            [sys.executable, str(APPS), name], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
