"""Writes the project folder of the benchmark: a model, its eval set, and what users would send.

    python benchmarks/sentiment/prepare.py FOLDER [--seed N] [--rows N] [--labels N]

The model is trained on SST-2 (film reviews, lower-cased and tokenised); eval is SST-2's test split.
Production is a mixture of five sources, drawn without replacement; a source that is smaller than
its share is drawn from with replacement, and the printed line says so.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sources import (
    ADVERSARIAL,
    ENGLISH,
    LONG,
    SST2,
    TWEETS,
    TWEETS_MULTILINGUAL,
    Row,
    data_folder_or_skip,
    rows_of,
)

from seatrial.records.tables import write_rows

SEED = 20_241
ROWS = 4_000
MODEL_FILE = "model.skops"
EVAL_FILE = "eval.parquet"
PRODUCTION_FILE = "production.parquet"

TOML = f"""\
[model]
name = "sentiment"
sklearn = "{MODEL_FILE}"
input = "text"
task = "classification"

[eval]
data = "{EVAL_FILE}"
input = "text"
label = "label"

[production]
data = "{PRODUCTION_FILE}"
slices = ["language", "source", "length"]

[budget]
gap_points = 5.0
p50_ms = 20
p95_ms = 50
p99_ms = 200
first_request_ms = 200
variant_accuracy_points = 1.0
calibration_error = 0.05

[trial]
time_budget_s = 90
"""


@dataclass(frozen=True)
class Source:
    """One part of production."""

    name: str
    share: float
    rows: list[Row]


@dataclass(frozen=True)
class Drawn:
    """The production rows and which sources had to repeat themselves."""

    rows: list[Row]
    repeated: tuple[str, ...]


def sources(folder: Path) -> list[Source]:
    """Return the five parts of production with their shares."""
    foreign = [
        row
        for row in rows_of(folder, TWEETS_MULTILINGUAL, "tweets, other languages")
        if row.language != ENGLISH
    ]
    return [
        Source("sst2", 0.15, rows_of(folder, SST2, "sst2", split="test")),
        Source("tweets, English", 0.35, rows_of(folder, TWEETS, "tweets, English")),
        Source("tweets, other languages", 0.25, foreign),
        Source("adversarial, short", 0.15, rows_of(folder, ADVERSARIAL, "adversarial, short")),
        Source("counterfactual, long", 0.10, rows_of(folder, LONG, "counterfactual, long")),
    ]


def draw(parts: list[Source], *, rows: int, seed: int) -> Drawn:
    """Draw production rows by share, in random order."""
    rng = np.random.default_rng(seed)
    chosen: list[Row] = []
    repeated = []
    for part in parts:
        wanted = round(part.share * rows)
        again = wanted > len(part.rows)
        places = rng.choice(len(part.rows), size=wanted, replace=again)
        chosen.extend(part.rows[place] for place in places)
        if again:
            repeated.append(part.name)
    return Drawn([chosen[place] for place in rng.permutation(len(chosen))], tuple(repeated))


def train(rows: list[Row]) -> Pipeline:
    """Fit word and word-pair frequencies and a linear classifier."""
    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)
    )
    return pipeline.fit([row.text for row in rows], [row.label for row in rows])


def write_project(
    folder: Path,
    *,
    model: Pipeline,
    evals: list[Row],
    production: list[Row],
    labels: list[object] | None = None,
) -> Path:
    """Write ``seatrial.toml``, the model and both data files; return the folder.

    Args:
        folder: A new or empty folder.
        model: The fitted pipeline.
        evals: Labelled eval rows.
        production: Production rows.
        labels: Their labels where some are to be withheld; default: all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    skops.io.dump(model, folder / MODEL_FILE)
    write_evals(folder, evals)
    write_production(folder, production, labels=labels)
    (folder / "seatrial.toml").write_text(TOML, encoding="utf-8")
    return folder


def write_evals(folder: Path, rows: list[Row]) -> None:
    columns = {"text": [row.text for row in rows], "label": [row.label for row in rows]}
    write_rows(folder / EVAL_FILE, columns)


def write_production(folder: Path, rows: list[Row], *, labels: list[object] | None = None) -> None:
    columns = {
        "text": [row.text for row in rows],
        "label": [row.label for row in rows] if labels is None else labels,
        "language": [row.language for row in rows],
        "source": [row.source for row in rows],
        "length": [row.length for row in rows],
    }
    write_rows(folder / PRODUCTION_FILE, columns)


def prepare(folder: Path, data: Path, *, seed: int = SEED, rows: int = ROWS) -> Drawn:
    """Train, draw and write; return what was drawn as production."""
    drawn = draw(sources(data), rows=rows, seed=seed)
    write_project(
        folder,
        model=train(rows_of(data, SST2, "sst2", split="train")),
        evals=rows_of(data, SST2, "sst2", split="test"),
        production=drawn.rows,
    )
    return drawn


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--rows", type=int, default=ROWS)
    chosen = options.parse_args()
    drawn = prepare(chosen.folder, data_folder_or_skip(), seed=chosen.seed, rows=chosen.rows)
    repeated = ", ".join(drawn.repeated) or "no source"
    print(f"{chosen.folder}: {len(drawn.rows):,} production rows; with replacement: {repeated}")
    print(f"next: seatrial gap {chosen.folder}")


if __name__ == "__main__":
    main()
