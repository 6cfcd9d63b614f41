"""What `attribution.py` plants: plans to develop on, and plans to be judged by.

A plan is a model, rows of the kind that its eval set has, and faults. The plans to develop on take
film sentences and the damages of `benchmarks/sentiment/damage.py`; the judged ones take other
texts, other models, other tables, and the damages of `mishaps.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

import damage
import mishaps
import tables
from cases import CaseMaker, Kind
from factories import Made, cells, digits, houses, wine
from prepare import train
from remembering import Known, Remembered
from sources import ENGLISH, INTENTS, SST2, TWEETS, TWEETS_MULTILINGUAL, Row, rows_of
from worlds import Example, Fault, Planted

Part = Literal["develop", "judge"]

FILM_TRAINING = 3_500
TWEET_TRAINING, TWEET_EVAL = 2_300, 1_200
INTENT_TRAINING, INTENT_EVAL = 9_000, 2_000
SPLIT_SEED = 4


@dataclass(frozen=True)
class Silence:
    """Requests that get no answer.

    Attributes:
        step: Which ledger step must name them.
        share: Of all requests.
        least_sure: Whether these are the answers with the lowest confidence, or any.
    """

    step: Literal["abstained", "failed"]
    share: float
    least_sure: bool = False


@dataclass(frozen=True)
class Ground:
    """A model, its eval set, and rows of the same kind to plant into."""

    name: str
    maker: CaseMaker
    model: Any
    pool: list[Example]
    evals: list[Example]
    metric: str = "accuracy"


@dataclass(frozen=True)
class Plan:
    """Faults on a ground.

    Attributes:
        name: What is planted.
        ground: Where.
        faults: Faults in the rows.
        silences: Requests that get no answer.
        innocent: Steps that change wildly and must not be blamed.
    """

    name: str
    ground: Ground
    faults: tuple[Planted, ...] = ()
    silences: tuple[Silence, ...] = ()
    innocent: tuple[str, ...] = field(default=())

    @property
    def steps(self) -> list[str]:
        return [*(one.step for one in self.faults), *(one.step for one in self.silences)]


def plans(part: Part, data: Path | None, *, grounds: str = "") -> Iterator[Plan]:
    """Yield the plans of one part; without real data the tables alone.

    Args:
        part: Which part.
        data: Folder of real data.
        grounds: One of :data:`GROUNDS`; default: all of the part.
    """
    for (own, name), made in GROUNDS.items():
        if own == part and (not grounds or grounds == name):
            if name == "tables":
                yield from made(None)
            elif data is not None:
                yield from made(data)


def on_text(change: damage.Damage) -> Fault:
    return lambda example, rng: (change(example[0], rng), example[1])


def foreign(rows: list[Row]) -> Fault:
    """Return a fault that sends a tweet in another language instead."""

    def send(_: Example, rng: np.random.Generator) -> Example:
        row = rows[int(rng.integers(len(rows)))]
        return row.text, row.label

    return send


def _ground(
    name: str,
    model: Any,
    pool: list[Example],
    evals: list[Example],
    *,
    kind: Kind = "text",
    metric: str = "accuracy",
) -> Ground:
    """Keep what was answered and described: label draws ask the same again and again."""
    known = Known(model) if kind == "text" else model
    maker = CaseMaker(
        known, [row[0] for row in evals], [row[1] for row in evals], kind=kind, metric=metric
    )
    if kind == "text":
        maker.describer = Remembered(maker.describer)
    return Ground(name, maker, known, pool, evals, metric)


def _films(data: Path) -> Iterator[Plan]:
    rng = np.random.default_rng(SPLIT_SEED)
    rows = [*rows_of(data, SST2, "", split="train"), *rows_of(data, SST2, "", split="dev")]
    rows = [rows[int(place)] for place in rng.permutation(len(rows))]
    training, rest = rows[:FILM_TRAINING], rows[FILM_TRAINING:]
    pool = [(row.text, row.label) for row in rest]
    evals = [(row.text, row.label) for row in rows_of(data, SST2, "", split="test")]
    ground = _ground("films", train(training), pool, evals)
    every = rows_of(data, TWEETS_MULTILINGUAL, "")
    tweets = [row for row in every if row.language not in {ENGLISH, "hi"}]
    html, letters = on_text(damage.pasted_html), on_text(damage.lookalike_letters)
    slips, language = on_text(damage.typos), foreign(tweets)
    short = on_text(damage.cut_short)
    long = on_text(damage.runs_on([row.text for row in training]))
    planted: dict[str, tuple[tuple[str, float, Fault], ...]] = {
        "nothing": (),
        "pasted HTML": (("format", 0.4, html),),
        "look-alike letters": (("tampering", 0.3, letters),),
        "typos": (("tampering", 0.4, slips),),
        "other languages": (("language", 0.3, language),),
        "few in other languages": (("language", 0.08, language),),
        "cut short": (("length", 0.3, short),),
        "runs on": (("length", 0.2, long),),
        "HTML and other languages": (("format", 0.3, html), ("language", 0.2, language)),
        "look-alikes and runs on": (("tampering", 0.25, letters), ("length", 0.25, long)),
        "typos and HTML": (("tampering", 0.3, slips), ("format", 0.2, html)),
        "short and foreign": (("length", 0.15, short), ("language", 0.15, language)),
    }
    for name, faults in planted.items():
        yield Plan(name, ground, tuple(Planted(*fault) for fault in faults))
    yield Plan(
        "HTML, the least sure abstained",
        ground,
        (Planted("format", 0.3, html),),
        (Silence("abstained", 0.15, least_sure=True),),
    )
    yield Plan("some failed", ground, (), (Silence("failed", 0.06),))


def _customers(_: Path | None) -> Iterator[Plan]:
    rng = np.random.default_rng(7)
    training, evals, pool = (_with_noise(tables.records(rng, n), rng) for n in (2000, 2000, 6000))
    model = tables.TableModel(training)
    ground = _ground("customers", model, pool, evals, kind="record")
    lost = Planted("column:calls", 0.5, tables.missing("calls"))
    new = {"basic": "basic 2.0", "student": "youth"}
    plan = Planted("column:plan", 0.7, tables.renamed("plan", new))
    unit = Planted("column:months", 0.3, tables.scaled("months", 30.0))
    wild = _wild(("shoe", "tint", "echo"))
    for name, faults, innocent in (
        ("missing cells", (lost,), ()),
        ("renamed categories", (plan,), ()),
        ("another unit", (unit,), ()),
        ("missing and renamed", (lost, plan), ()),
        ("three wild columns", (), ("shoe", "tint", "echo")),
        ("three wild columns, missing cells", (lost,), ("shoe", "tint", "echo")),
    ):
        yield Plan(
            name,
            ground,
            (*faults, *(wild if innocent else ())),
            innocent=tuple(f"column:{column}" for column in innocent),
        )


def _with_noise(rows: list[Example], rng: np.random.Generator) -> list[Example]:
    return [
        ({**record, **{name: float(rng.normal()) for name in ("shoe", "tint", "echo")}}, label)
        for record, label in rows
    ]


def _wild(columns: Sequence[str]) -> tuple[Planted, ...]:
    return tuple(
        Planted(f"column:{column}", 1.0, mishaps.on_cell(column, mishaps.wild))
        for column in columns
    )


def _split(rows: list[Row], *sizes: int) -> list[list[Example]]:
    order = np.random.default_rng(SPLIT_SEED).permutation(len(rows))
    examples = [(rows[int(place)].text, rows[int(place)].label) for place in order]
    edges = [0, *np.cumsum(sizes).tolist(), len(rows)]
    return [examples[low:high] for low, high in pairwise(edges)]


def letters_model(training: list[Example], *, sure: bool) -> Pipeline:
    """Fit groups of letters, in the case that they have; ``sure`` ones say how sure they are."""
    classifier = (
        LogisticRegression(C=5, max_iter=1000)
        if sure
        else SGDClassifier(loss="hinge", alpha=1e-4, random_state=0)
    )
    letters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), lowercase=False, min_df=2, sublinear_tf=True
    )
    return make_pipeline(letters, classifier).fit(
        [row[0] for row in training], [row[1] for row in training]
    )


def _tweets(data: Path) -> Iterator[Plan]:
    rows = rows_of(data, TWEETS, "")
    training, evals, pool = _split(rows, TWEET_TRAINING, TWEET_EVAL)
    others = [row[0] for row in training]
    sure = _ground("tweets", letters_model(training, sure=True), pool, evals)
    unsure = _ground("tweets, bare answers", letters_model(training, sure=False), pool, evals)
    letter = mishaps.on_text(mishaps.newsletter)
    json = mishaps.on_text(mishaps.ticket)
    reply = mishaps.on_text(mishaps.answered_above(others))
    shout = mishaps.on_text(mishaps.shouting)
    chat = mishaps.on_text(mishaps.chat_speak)
    greek = mishaps.on_text(mishaps.greek_letters)
    hidden = mishaps.on_text(mishaps.invisible_marks)
    scan = mishaps.on_text(mishaps.scanned)
    words = mishaps.on_text(mishaps.first_words)
    glue = mishaps.on_text(mishaps.glued(others))
    away = mishaps.abroad
    planted: tuple[tuple[str, Ground, tuple[tuple[str, float, Fault], ...]], ...] = (
        ("nothing", sure, ()),
        ("newsletter HTML", sure, (("format", 0.3, letter),)),
        ("ticket JSON", unsure, (("format", 0.3, json),)),
        ("older mail below", sure, (("format", 0.3, reply),)),
        ("shouting", unsure, (("format", 0.3, shout),)),
        ("chat speak and emoji", sure, (("format", 0.3, chat),)),
        ("Greek letters", unsure, (("tampering", 0.3, greek),)),
        ("invisible marks", sure, (("tampering", 0.3, hidden),)),
        ("scanner slips", sure, (("tampering", 0.3, scan),)),
        ("six languages", sure, (("language", 0.25, away),)),
        ("first words", unsure, (("length", 0.3, words),)),
        ("glued together", sure, (("length", 0.3, glue),)),
        ("HTML and six languages", sure, (("format", 0.25, letter), ("language", 0.2, away))),
        ("Greek letters and glued", unsure, (("tampering", 0.25, greek), ("length", 0.2, glue))),
        ("chat speak and invisible", sure, (("format", 0.25, chat), ("tampering", 0.25, hidden))),
        ("first words, six languages", sure, (("length", 0.2, words), ("language", 0.15, away))),
    )  # fmt: skip
    for name, ground, faults in planted:
        yield Plan(name, ground, tuple(Planted(*fault) for fault in faults))
    yield Plan(
        "JSON, the least sure abstained",
        sure,
        (Planted("format", 0.25, json),),
        (Silence("abstained", 0.2, least_sure=True),),
    )
    yield Plan(
        "scanner slips, some failed",
        sure,
        (Planted("tampering", 0.25, scan),),
        (Silence("failed", 0.08),),
    )


def _intents(data: Path) -> Iterator[Plan]:
    rows = [row for row in rows_of(data, INTENTS, "") if row.label != "oos"]
    training, evals, pool = _split(rows, INTENT_TRAINING, INTENT_EVAL)
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        SGDClassifier(loss="modified_huber", alpha=3e-5, random_state=0),
    ).fit([row[0] for row in training], [row[1] for row in training])
    ground = _ground("intents", model, pool, evals)
    html = Planted("format", 0.3, mishaps.on_text(mishaps.newsletter))
    scan = Planted("tampering", 0.3, mishaps.on_text(mishaps.scanned))
    words = Planted("length", 0.3, mishaps.on_text(mishaps.first_words))
    yield Plan("newsletter HTML", ground, (html,))
    yield Plan("scanner slips", ground, (scan,))
    yield Plan("first words", ground, (words,))


def _tables(_: Path | None) -> Iterator[Plan]:
    yield from _of_houses(houses())
    made = cells()
    ground = _ground("cells", made.model, made.pool, made.evals, kind="record")
    unit = Planted(
        "column:mean area", 0.3, mishaps.on_cell("mean area", mishaps.in_other_unit(0.01))
    )
    spots = [record["mean concave points"] for record, _ in made.evals]
    joined = Planted(
        "column:mean concave points",
        0.6,
        mishaps.on_cell("mean concave points", mishaps.shuffled_in(spots)),
    )
    yield Plan("area in another unit", ground, (unit,))
    yield Plan("a join gone wrong", ground, (joined,))
    made = wine()
    ground = _ground("wine", made.model, made.pool, made.evals, kind="record")
    none = Planted("column:flavanoids", 0.4, mishaps.on_cell("flavanoids", mishaps.lost))
    comma = Planted("column:proline", 0.4, mishaps.on_cell("proline", mishaps.with_comma))
    yield Plan("flavanoids lost", ground, (none,))
    yield Plan("proline with a comma, flavanoids lost", ground, (comma, none))
    made = digits()
    ground = _ground("digits", made.model, made.pool, made.evals, kind="record")
    dead = ("p00", "p32", "p39")
    yield Plan(
        "three wild pixels", ground, _wild(dead), innocent=tuple(f"column:{p}" for p in dead)
    )


def _of_houses(made: Made) -> Iterator[Plan]:
    ground = _ground("houses", made.model, made.pool, made.evals, kind="record", metric=made.metric)
    wild = ("agent", "listing", "moon")
    income = Planted(
        "column:income", 0.25, mishaps.on_cell("income", mishaps.in_other_unit(1000.0))
    )
    rooms = Planted("column:rooms", 0.35, mishaps.on_cell("rooms", mishaps.sentinel))
    region = {"coast": "Coastal", "valley": "Central Valley"}
    names = Planted("column:region", 0.5, mishaps.on_cell("region", mishaps.renamed(region)))
    innocent = tuple(f"column:{name}" for name in wild)
    yield Plan("income in another unit", ground, (income,))
    yield Plan("rooms are -999", ground, (rooms,))
    yield Plan("regions renamed", ground, (names,))
    yield Plan("rooms and regions", ground, (rooms, names))
    yield Plan("three wild columns", ground, _wild(wild), innocent=innocent)
    yield Plan("three wild columns, income", ground, (*_wild(wild), income), innocent=innocent)


GROUNDS: dict[tuple[Part, str], Callable[[Any], Iterator[Plan]]] = {
    ("develop", "tables"): _customers,
    ("develop", "films"): _films,
    ("judge", "tables"): _tables,
    ("judge", "tweets"): _tweets,
    ("judge", "intents"): _intents,
}
"""What plants into which rows, by part."""
