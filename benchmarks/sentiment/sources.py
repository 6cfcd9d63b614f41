"""The real data sets, read where they lie; nothing is copied into the repository."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.records.tables import read_rows

VARIABLE = "SEATRIAL_DATA"

SST2 = "sentiment_sst2.parquet"
TWEETS = "sentiment_tweets_en.parquet"
TWEETS_MULTILINGUAL = "sentiment_tweets_multilingual.parquet"
ADVERSARIAL = "sentiment_adversarial_short.parquet"
LONG = "sentiment_long_counterfactual.parquet"
INTENTS = "intent_clinc150.parquet"

ENGLISH = "en"

LENGTH_BINS = ((7, "1-7 words"), (15, "8-15 words"), (30, "16-30 words"), (60, "31-60 words"))
LONGEST = "over 60 words"


@dataclass(frozen=True)
class Row:
    """One labelled text and where it comes from."""

    text: str
    label: Any
    language: str
    source: str

    @property
    def length(self) -> str:
        words = len(self.text.split())
        return next((name for most, name in LENGTH_BINS if words <= most), LONGEST)


def data_folder() -> Path | None:
    """Return the folder that the environment names, or ``None``."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


def data_folder_or_skip() -> Path:
    """Return the folder of real data; without it, say so and end: nothing was asked to fail."""
    folder = data_folder()
    if folder is None or not (folder / SST2).is_file():
        found = "is not set" if folder is None else f"is {folder}, which holds no {SST2}"
        print(
            f"skipped: {VARIABLE} {found}. It names a folder with {SST2}, {TWEETS}, "
            f"{TWEETS_MULTILINGUAL}, {ADVERSARIAL} and {LONG}.",
            file=sys.stderr,
        )
        raise SystemExit(0)
    return folder


def rows_of(folder: Path, name: str, source: str, **wanted: str) -> list[Row]:
    """Return the rows of one file whose columns hold the wanted values."""
    extra = ["language"] if name in {TWEETS, TWEETS_MULTILINGUAL} else []
    slices = list(dict.fromkeys([*extra, *wanted]))
    read = read_rows(folder / name, input="text", label="label", slices=slices)
    languages = read.columns.get("language", [ENGLISH] * len(read))
    return [
        Row(text, label, language, source)
        for place, (text, label, language) in enumerate(
            zip(read.inputs, read.labels or [], languages, strict=True)
        )
        if all(read.columns[column][place] == value for column, value in wanted.items())
    ]
