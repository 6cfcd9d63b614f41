"""What the estimate without labels is tried on: shifted sets in two halves, and mixtures of them.

The halves were dealt before anything was tuned. Every constant was fixed on the development half,
on the suite's own families and on made-up tables; the other half was looked at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "sentiment"))

import damage
from sources import SST2

from seatrial.records.tables import read_rows

TWEETS = "sentiment_tweets_en.parquet"
MANY = "sentiment_tweets_multilingual.parquet"
LONG = "sentiment_long_reviews.parquet"
EDITED = "sentiment_long_counterfactual.parquet"
SHORT = "sentiment_adversarial_short.parquet"

DEVELOPMENT, HELD_BACK = "development", "held back"
ROWS, LONG_ROWS, FOREIGN_ROWS = 800, 300, 300
MIXTURES, MIXED_ROWS = 15, 800
FOREIGN_MOST = 0.25
"""Of a mixture: more is foreign-language traffic, which stands by itself."""

Example = tuple[str, int]


@dataclass(frozen=True)
class Target:
    """Labelled rows that the labels are hidden of.

    Attributes:
        name: As the table calls it.
        kind: ``english``, ``format``, ``eval-like``, ``foreign``, ``unseen`` or ``mixture``;
            what is ``unseen`` are edits that no test of inputs sees.
        half: Which half it belongs to.
        rows: Text and label.
    """

    name: str
    kind: str
    half: str
    rows: list[Example]


def read(folder: Path, name: str, **wanted: str) -> list[Example]:
    """Return the rows of one file whose columns hold the wanted values."""
    found = read_rows(folder / name, input="text", label="label", slices=list(wanted))
    return [
        (text, label)
        for place, (text, label) in enumerate(zip(found.inputs, found.labels or [], strict=True))
        if all(found.columns[column][place] == value for column, value in wanted.items())
    ]


def targets(folder: Path) -> list[Target]:
    """Return all pure targets of both halves."""
    dev = read(folder, SST2, split="dev")
    dealt = _some(dev, len(dev), seed=3)
    return [*_development(folder, dealt[::2]), *_held_back(folder, dealt[1::2])]


def _development(folder: Path, plain: list[Example]) -> list[Target]:
    challenge = [
        row
        for domain in ("semeval", "tackstrom", "mpqa")
        for row in read(folder, SHORT, source="challenge", domain=domain)
    ]
    found = [
        ("SST-2 dev, first half", "eval-like", plain),
        ("tweets, test", "english", _some(read(folder, TWEETS, split="test"), ROWS)),
        ("long reviews, train", "english", _some(read(folder, LONG, split="train"), LONG_ROWS)),
        ("challenge: semeval, tackstrom, mpqa", "english", challenge),
        ("pasted HTML", "format", _damaged(plain, damage.pasted_html)),
        ("look-alike letters", "format", _damaged(plain, damage.lookalike_letters)),
        ("cut to one or two words", "format", _damaged(plain, damage.cut_short)),
        *_foreign(folder, ("de", "es", "ar")),
        ("counterfactual", "unseen", _some(read(folder, EDITED, source="cad_revised"), LONG_ROWS)),
    ]
    return [Target(name, kind, DEVELOPMENT, rows) for name, kind, rows in found]


def _held_back(folder: Path, plain: list[Example]) -> list[Target]:
    challenge = [
        row
        for domain in ("sst", "thelwall", "opener")
        for row in read(folder, SHORT, source="challenge", domain=domain, in_sst2="")
    ]
    others = [text for text, _ in plain]
    found = [
        ("SST-2 dev, second half", "eval-like", plain),
        ("tweets, val", "english", _some(read(folder, TWEETS, split="val"), ROWS)),
        ("long reviews, test", "english", _some(read(folder, LONG, split="test"), LONG_ROWS)),
        ("challenge: sst, thelwall, opener", "english", challenge),
        ("typos", "format", _damaged(plain, damage.typos)),
        ("runs on", "format", _damaged(plain, damage.runs_on(others))),
        ("JSON with fields", "format", _damaged(plain, _fields)),
        *_foreign(folder, ("fr", "it", "pt", "hi")),
        ("contrast sets", "unseen", _some(read(folder, EDITED, source="contrast_set"), LONG_ROWS)),
        ("AdvGLUE", "unseen", read(folder, SHORT, source="advglue")),
    ]
    return [Target(name, kind, HELD_BACK, rows) for name, kind, rows in found]


def mixtures(pure: Sequence[Target], half: str) -> list[Target]:
    """Return mixtures of one half's targets: English ones at random, foreign up to a quarter."""
    mine = [one for one in pure if one.half == half]
    english = [one for one in mine if one.kind in {"english", "format", "eval-like"}]
    foreign = [one for one in mine if one.kind == "foreign"]
    rng = np.random.default_rng(len(half))
    found = []
    for number in range(MIXTURES):
        other = rng.uniform(0.0, FOREIGN_MOST)
        shares = [*((1.0 - other) * rng.dirichlet(np.full(len(english), 0.5))), other]
        parts = [*english, foreign[int(rng.integers(len(foreign)))]]
        rows: list[Example] = []
        for part, count in zip(parts, rng.multinomial(MIXED_ROWS, shares), strict=True):
            places = rng.choice(len(part.rows), count, replace=count > len(part.rows))
            rows += [part.rows[place] for place in places]
        found.append(Target(f"mixture {number}", "mixture", half, rows))
    return found


def _foreign(folder: Path, languages: Sequence[str]) -> list[tuple[str, str, list[Example]]]:
    return [
        (f"tweets, {code}", "foreign", _some(read(folder, MANY, language=code), FOREIGN_ROWS))
        for code in languages
    ]


def _some(rows: list[Example], most: int, *, seed: int = 0) -> list[Example]:
    order = np.random.default_rng(seed).permutation(len(rows))[:most]
    return [rows[place] for place in order]


def _damaged(rows: list[Example], fault: damage.Damage) -> list[Example]:
    rng = np.random.default_rng(7)
    return [(fault(text, rng), label) for text, label in rows]


def _fields(text: str, rng: np.random.Generator) -> str:
    user = f"u{int(rng.integers(10**5))}"
    body = {"user": {"id": user, "locale": "en-GB"}, "type": "comment.created", "body": text}
    return json.dumps({"event": body, "version": 2}, indent=1)
