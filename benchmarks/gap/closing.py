"""Applies what `seatrial gap` says would close the gap to rows that it has not seen the labels of.

    python benchmarks/gap/closing.py [--splits N] [--only WORD] [--quick] [--json FILE] [--write]

Production rows are split: one part is reviewed and handed to the gap, the other is held back. Each
remedy of the list is then applied to the held-back rows, with the describer and the model alone,
and what it wins there is held against the interval that was given beforehand. Worlds: the
production mixture of `benchmarks/sentiment`, planted texts, and a planted table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

import damage
import tables
from prepare import draw, prepare, sources, train
from results import conditions, put, table
from run import run_gap
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sources import ENGLISH, SST2, TWEETS_MULTILINGUAL, data_folder_or_skip, rows_of
from worlds import Planted, planted_rows

from seatrial.describe.describer import Describer, describer_for
from seatrial.evidence.closing import Remedy
from seatrial.evidence.confidence import Confidence
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.recorder import conditions as recorded
from seatrial.gap.case import EvalRows, GapCase, ProductionRows
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer

Floats = NDArray[np.float64]

SPLITS = 20
QUICK_SPLITS = 2
ROWS = 4_000
README = Path(__file__).parent / "README.md"
HALF = 0
FEW = 200
"""Rows reviewed in one kind of split, as a small sample gives; in the other, half of all."""

RUNS = 3
PRESENT = 0.5
TABLE_ROWS = 4_000
SENTIMENT = "sentiment benchmark"
OTHER = "letters"
"""The other model that could be served: the same classifier on groups of letters."""


@dataclass(frozen=True)
class World:
    """Eval rows, a model and another one, and how production is drawn."""

    name: str
    evals: list[tuple[Any, Any]]
    model: Any
    other: Any
    production: Callable[[int], list[tuple[Any, Any]]]
    describer: Memo


@dataclass(frozen=True)
class Entry:
    """One remedy of one split: what was said of it, and what it did to the rows held back."""

    world: str
    reviewed: int
    split: int
    place: int
    remedy: str
    kind: str
    said: float
    low: float
    high: float
    won: float
    accuracy_low: float
    accuracy_high: float
    accuracy: float
    share_said: float
    share: float

    @property
    def covered(self) -> bool:
        return self.low <= self.won <= self.high

    @property
    def accuracy_covered(self) -> bool:
        return not np.isfinite(self.accuracy) or (
            self.accuracy_low <= self.accuracy <= self.accuracy_high
        )


@dataclass(frozen=True)
class Kept:
    """What became of one promise on the rows held back."""

    world: str
    reviewed: int
    split: int
    state: str
    by: str
    wanted: int | None
    share: float
    accuracy: float
    eval_share: float
    eval_accuracy: float


class Memo:
    """A describer that describes every input once: other splits hold the same ones.

    Each row is described on its own, so nothing else changes by it.
    """

    def __init__(self, describer: Describer) -> None:
        self._describer = describer
        self._read: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._repaired: dict[tuple[str, str], Any] = {}

    def read(self, inputs: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        keys = [repr(one) for one in inputs]
        new = {key: one for key, one in zip(keys, inputs, strict=True) if key not in self._read}
        if new:
            asked = list(new.values())
            read = getattr(self._describer, "read", None)
            found = (
                read(asked)
                if read is not None
                else (self._describer.describe(asked), self._describer.factors(asked))
            )
            for place, key in enumerate(new):
                first, second = ({name: v[place] for name, v in part.items()} for part in found)
                self._read[key] = first, second
        parts = [self._read[key] for key in keys]
        described, factors = (
            {name: _array([part[side][name] for part in parts]) for name in parts[0][side]}
            for side in (0, 1)
        )
        return described, factors

    def describe(self, inputs: Sequence[Any]) -> dict[str, Any]:
        return self.read(inputs)[0]

    def factors(self, inputs: Sequence[Any]) -> dict[str, Any]:
        return self.read(inputs)[1]

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        keys = [(factor, repr(one)) for one in inputs]
        new = {k: one for k, one in zip(keys, inputs, strict=True) if k not in self._repaired}
        if new or not keys:
            found = self._describer.repair(factor, list(new.values()))
            if found is None:
                return None
            self._repaired |= dict(zip(new, found, strict=True))
        return [self._repaired[key] for key in keys]


def _array(values: list[Any]) -> Any:
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def answers_of(model: Any, inputs: Sequence[Any]) -> list[Answer]:
    """Return answers with confidence and scores, as a service gives them."""
    if not inputs:
        return []
    shares = np.asarray(model.predict_proba(list(inputs)))
    names = [str(one) for one in model.classes_]
    return [
        Answer(
            model.classes_[place].item(),
            float(row[place]),
            dict(zip(names, row.tolist(), strict=True)),
        )
        for row, place in zip(shares, shares.argmax(axis=1), strict=True)
    ]


def worlds(data: Path) -> Iterator[World]:
    training = rows_of(data, SST2, "sst2", split="train")
    texts, labels = [row.text for row in training], [row.label for row in training]
    model = train(training)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    other = make_pipeline(letters, LogisticRegression(C=10, max_iter=1000)).fit(texts, labels)
    evals = [(row.text, row.label) for row in rows_of(data, SST2, "sst2", split="test")]
    parts = sources(data)
    memo = Memo(describer_for("text", [row[0] for row in evals]))

    def sentiment(seed: int) -> list[tuple[Any, Any]]:
        return [(row.text, row.label) for row in draw(parts, rows=ROWS, seed=seed).rows]

    yield World(SENTIMENT, evals, model, other, sentiment, memo)
    fresh = [(row.text, row.label) for row in rows_of(data, SST2, "sst2", split="dev")]
    pool = [*evals, *fresh]
    tweets = [
        row for row in rows_of(data, TWEETS_MULTILINGUAL, "") if row.language not in {ENGLISH, "hi"}
    ]
    for name, faults in text_plans([row.text for row in tweets], [r.label for r in tweets], texts):
        yield World(name, evals, model, other, planting(pool, faults), memo)
    yield table_world()


def text_plans(
    foreign: list[str], foreign_labels: list[Any], others: list[str]
) -> Iterator[tuple[str, list[Planted]]]:
    def on_text(change: damage.Damage) -> Any:
        return lambda example, rng: (change(example[0], rng), example[1])

    def send(_: Any, rng: np.random.Generator) -> Any:
        place = int(rng.integers(len(foreign)))
        return foreign[place], foreign_labels[place]

    html = Planted("format", 0.4, on_text(damage.pasted_html))
    letters = Planted("tampering", 0.3, on_text(damage.lookalike_letters))
    language = Planted("language", 0.25, send)
    long = Planted("length", 0.3, on_text(damage.runs_on(others)))
    yield "planted: nothing", []
    yield "planted: HTML, look-alikes", [html, letters]
    yield "planted: HTML, languages, runs on", [html, language, long]


def planting(pool: list[tuple[Any, Any]], faults: list[Planted]) -> Any:
    def production(seed: int) -> list[tuple[Any, Any]]:
        rng = np.random.default_rng(seed)
        rows = [pool[int(place)] for place in rng.permutation(len(pool))[:ROWS]]
        return planted_rows(rows, faults, rng)[frozenset(range(len(faults)))]

    return production


class TableModel(tables.TableModel):
    """The table's model, asked for shares as well."""

    @property
    def classes_(self) -> Any:
        return self._pipeline.classes_

    def predict_proba(self, inputs: list[Any]) -> Any:
        return self._pipeline.predict_proba(tables._columns(inputs))  # noqa: SLF001  (the table's own layout)


def table_world() -> World:
    rng = np.random.default_rng(11)
    training, evals = tables.records(rng, TABLE_ROWS), tables.records(rng, 2_000)
    shout = lambda example, _: (  # noqa: E731
        {**example[0], "plan": example[0]["plan"].upper()},
        example[1],
    )
    faults = [
        Planted("column:plan", 0.4, shout),
        Planted("column:calls", 0.3, tables.missing("calls")),
    ]

    def production(seed: int) -> list[tuple[Any, Any]]:
        own = np.random.default_rng(seed)
        made = tables.records(own, ROWS)
        return planted_rows(made, faults, own)[frozenset(range(len(faults)))]

    model = TableModel(training)
    memo = Memo(describer_for("record", [row[0] for row in evals]))
    other = TableModel(training[:400])
    return World("planted table", evals, model, other, production, memo)


def measure(world: World, rows: list[tuple[Any, Any]], reviewed: Any, seed: int) -> GapDocument:
    """Measure the gap with the labels of the reviewed rows alone."""
    inputs = [row[0] for row in rows]
    labels = [row[1] if kept else None for row, kept in zip(rows, reviewed, strict=True)]
    evals = [row[0] for row in world.evals]
    return measure_gap(
        GapCase(
            eval=EvalRows(evals, [row[1] for row in world.evals], answers_of(world.model, evals)),
            production=ProductionRows(inputs, answers_of(world.model, inputs), labels),
            conditions=recorded("benchmark@0", seed=seed),
            describer=world.describer,
            answer=lambda asked: answers_of(world.model, asked),
            alternatives={OTHER: lambda asked: answers_of(world.other, asked)},
            metrics=(),
        )
    )


class Held:
    """The rows held back, and what each remedy does to them, without the gap's own code."""

    def __init__(self, world: World, rows: list[tuple[Any, Any]]) -> None:
        self.world = world
        self.inputs = [row[0] for row in rows]
        self.labels = [row[1] for row in rows]
        self.describer = world.describer
        self.factors = self.describer.factors(self.inputs)
        self.answers = answers_of(world.model, self.inputs)
        self.other = answers_of(world.other, self.inputs)
        self.sure = np.array([answer.confidence for answer in self.answers], dtype=float)
        self.right = self.score(self.answers)

    def score(self, answers: Sequence[Answer]) -> Floats:
        pairs = zip(answers, self.labels, strict=True)
        return np.array([float(answer.output == label) for answer, label in pairs])

    def apply(self, remedy: Remedy, said: Confidence) -> tuple[float, float, float]:
        """Return points won, share answered and accuracy when answered."""
        kind, _, what = remedy.id.partition(":")
        after, answered = self.right, np.ones(self.right.size, dtype=bool)
        if kind == "repair":
            after = self.score(answers_of(self.world.model, self.repaired(what, remedy.how)))
        elif kind == "gate":
            answered = self.factors[what] < PRESENT
        elif kind == "variant":
            after = self.score(self.other)
        elif kind == "route":
            factor = what.partition("->")[0]
            there = self.factors[factor] >= PRESENT
            after = np.where(there, self.score(self.other), self.right)
        elif kind == "threshold":
            answered = self.above(what, said)
        else:
            raise SystemExit(f"no way to apply {remedy.id}")
        won = 100.0 * float((after * answered).mean() - self.right.mean())
        accuracy = float(after[answered].mean()) if answered.any() else float("nan")
        return won, float(answered.mean()), accuracy

    def repaired(self, what: str, how: str) -> list[Any]:
        names = [what]
        if what == "all":
            names = how.partition("repairs of ")[2].partition(", in this order")[0].split(", ")
        inputs = self.inputs
        for name in names:
            inputs = self.describer.repair(name, inputs) or inputs
        return inputs

    def above(self, what: str, said: Confidence) -> NDArray[np.bool_]:
        promise = said.delivered if what == "eval" else said.earned
        if promise is None or promise.threshold is None:
            raise SystemExit(f"threshold:{what} has no threshold")
        if promise.by == "confidence" or said.correctness is None:
            return np.asarray(self.sure >= promise.threshold)
        model, logit = said.correctness, np.full(self.sure.size, said.correctness.intercept)
        sure = np.clip(self.sure, 1e-4, 1 - 1e-4)
        columns = [value for name, value in self.factors.items() if name.startswith("column:")]
        known = {"confidence": np.log(sure / (1 - sure)), **self.factors}
        known |= {"columns": np.mean(columns, axis=0)} if columns else {}
        for name, mean, scale, weight in zip(
            model.features, model.means, model.scales, model.coefficients, strict=True
        ):
            logit += weight * (known[name] - mean) / scale
        return np.asarray(1 / (1 + np.exp(-logit)) >= promise.threshold)


def split(world: World, number: int, reviewed: int) -> tuple[list[Entry], Kept]:
    rows = world.production(number)
    chosen = np.zeros(len(rows), dtype=bool)
    order = np.random.default_rng([number, reviewed]).permutation(len(rows))
    reviewed = reviewed or len(rows) // 2
    chosen[order[:reviewed]] = True
    document = measure(world, rows, chosen, number)
    if document.closing is None or document.confidence is None:
        raise SystemExit(f"{world.name}: nothing would close the gap")
    held = Held(world, [row for row, kept in zip(rows, chosen, strict=True) if not kept])
    entries = []
    for place, remedy in enumerate(document.closing.remedies):
        won, share, accuracy = held.apply(remedy, document.confidence)
        then = remedy.then
        entries.append(
            Entry(
                world=world.name,
                reviewed=reviewed,
                split=number,
                place=place,
                remedy=remedy.id,
                kind=remedy.kind,
                said=remedy.points,
                low=remedy.low,
                high=remedy.high,
                won=won,
                accuracy_low=0.0 if then.low is None else then.low,
                accuracy_high=1.0 if then.high is None else then.high,
                accuracy=accuracy,
                share_said=then.share,
                share=share,
            )
        )
    return entries, promise(world, held, document.confidence, number, reviewed)


def promise(world: World, held: Held, said: Confidence, number: int, reviewed: int) -> Kept:
    """Hold the promise that reviews gave, and that of eval, against the rows held back."""
    earned, nan = said.earned, float("nan")
    found = {"share": nan, "accuracy": nan, "eval_share": nan, "eval_accuracy": nan}
    for name, what, one in (("", "reviews", earned), ("eval_", "eval", said.delivered)):
        if one is None or one.threshold is None:
            continue
        above = held.above(what, said)
        found[f"{name}share"] = float(above.mean())
        found[f"{name}accuracy"] = float(held.right[above].mean()) if above.any() else nan
    return Kept(
        world=world.name,
        reviewed=reviewed,
        split=number,
        state="none" if earned is None else earned.state,
        by="" if earned is None else earned.by,
        wanted=None if earned is None else earned.wanted,
        **found,
    )


def coverage_table(entries: list[Entry]) -> str:
    rows = []
    groups = {(one.world, one.reviewed): [] for one in entries}
    for one in entries:
        groups[one.world, one.reviewed].append(one)
    for (world, reviewed), found in groups.items():
        first = [one for one in found if one.place == 0]
        rows.append([world, f"{reviewed:,}", *_line(found, first)])
    rows.append(["**all**", "", *_line(entries, [one for one in entries if one.place == 0])])
    head = ["world", "reviewed", "entries", "inside", "best inside", "said, best", "won, best"]
    head += ["mean width", "accuracy inside"]
    return table(head, rows)


def _line(found: list[Entry], first: list[Entry]) -> list[str]:
    return [
        f"{len(found):,}",
        f"{100 * np.mean([one.covered for one in found]):.1f} %",
        f"{sum(one.covered for one in first)}/{len(first)}",
        f"{np.mean([one.said for one in first]):+.2f}",
        f"{np.mean([one.won for one in first]):+.2f}",
        f"{np.mean([one.high - one.low for one in found]):.2f}",
        f"{100 * np.mean([one.accuracy_covered for one in found]):.1f} %",
    ]


def remedies_table(entries: list[Entry], world: str, reviewed: int) -> str:
    names = {one.remedy: [] for one in entries if (one.world, one.reviewed) == (world, reviewed)}
    for one in entries:
        if (one.world, one.reviewed) == (world, reviewed):
            names[one.remedy].append(one)
    rows = [
        [
            name,
            f"{len(found)}",
            f"{np.mean([one.said for one in found]):+.2f}",
            f"{np.mean([one.won for one in found]):+.2f}",
            (
                f"{np.mean([one.low for one in found]):+.2f} to "
                f"{np.mean([one.high for one in found]):+.2f}"
            ),
            f"{sum(one.covered for one in found)}/{len(found)}",
            f"{100 * np.mean([one.share for one in found]):.1f} %",
            f"{100 * np.nanmean([one.accuracy for one in found]):.1f} %",
        ]
        for name, found in sorted(
            names.items(), key=lambda item: -np.mean([one.said for one in item[1]])
        )
    ]
    head = ["remedy", "lists", "said", "won", "interval, mean", "inside", "answered", "right then"]
    return table(head, rows)


def promises_table(kept: list[Kept], target: float = 0.8) -> str:
    groups: dict[tuple[str, int], list[Kept]] = {}
    for one in kept:
        groups.setdefault((one.world, one.reviewed), []).append(one)
    rows = []
    for (world, reviewed), found in groups.items():
        made = [one for one in found if one.state == "made"]
        broken = [one for one in made if one.accuracy < target]
        by_model = sum(one.by == "correctness" for one in made)
        wanted = [one.wanted for one in found if one.wanted]
        rows.append(
            [
                world,
                f"{reviewed:,}",
                (
                    f"{100 * np.mean([one.eval_share for one in found]):.0f} % / "
                    f"{100 * np.mean([one.eval_accuracy for one in found]):.1f} %"
                ),
                f"{len(made)}/{len(found)}",
                f"{by_model}",
                f"{len(broken)}/{len(made)}",
                f"{100 * np.mean([one.share for one in made]):.0f} % / "
                f"{100 * np.mean([one.accuracy for one in made]):.1f} %"
                if made
                else "-",
                f"{statistics.median(wanted):,.0f}" if wanted else "-",
            ]
        )
    head = ["world", "reviewed", "eval's threshold: answered / right", "earned", "by the model"]
    head += ["held back below it", "answered / right", "wanted, median"]
    return table(head, rows)


def timed(data: Path, runs: int) -> str:
    """Time `seatrial gap` on the sentiment benchmark, as a user runs it."""
    with tempfile.TemporaryDirectory(prefix="seatrial-closing-") as folder:
        prepare(Path(folder), data)
        found = [run_gap(Path(folder)) for _ in range(runs)]
    walls = [one.wall_s for one in found]
    return (
        f"`seatrial gap` on the sentiment benchmark (4,000 labelled rows) took "
        f"{statistics.median(walls):.0f} s (from {min(walls):.0f} to {max(walls):.0f}, {runs} "
        f"runs), {statistics.median(one.cpu_s for one in found):.0f} s of CPU time; load average "
        f"of the machine meanwhile {max(one.load for one in found):.0f}."
    )


def page(entries: list[Entry], kept: list[Kept], splits: int, time_said: str) -> str:
    inside = 100 * np.mean([one.covered for one in entries])
    return "\n\n".join(
        [
            (
                f"{conditions()}. {splits} splits of each world: of up to {ROWS:,} requests some "
                "are reviewed, the others held back; each remedy of the list is applied to the "
                "held-back rows by the describer and the model alone."
            ),
            (
                f"**{inside:.1f} % of {len(entries):,} entries won on held-back rows what their "
                "interval said.** *Best* is the entry that leads its list. *Accuracy inside*: "
                "whether the accuracy of what is then answered lay in its interval."
            ),
            coverage_table(entries),
            "The sentiment benchmark with 200 reviews, means over splits:",
            remedies_table(entries, SENTIMENT, FEW),
            (
                "What is promised (80 % right when it answers, at 90 % certainty) and what it gave "
                "on the rows held back. A promise may be broken in one of ten splits; a held-back "
                "accuracy has noise of its own."
            ),
            promises_table(kept),
            time_said,
        ]
    )


def sizes(world: World, number: int) -> tuple[int, ...]:
    """Return how many rows are reviewed: both sizes on the benchmark, in turn where planted."""
    return (FEW, HALF) if world.name == SENTIMENT else ((FEW, HALF)[number % 2],)


def report(entries: list[Entry], seconds: float) -> str:
    missed = [
        f"{one.remedy} said {one.said:+.1f} won {one.won:+.1f}"
        for one in entries
        if not one.covered
    ]
    one = entries[0]
    inside = len(entries) - len(missed)
    return (
        f"{one.world}, {one.reviewed:,} reviewed, split {one.split}: {inside} of "
        f"{len(entries)} inside; best {one.remedy} said {one.said:+.2f}, won {one.won:+.2f} "
        f"({seconds:.0f} s){'; missed ' + ', '.join(missed) if missed else ''}"
    )


def run(data: Path, *, only: str, splits: int) -> tuple[list[Entry], list[Kept]]:
    entries: list[Entry] = []
    kept: list[Kept] = []
    for world in worlds(data):
        if only not in world.name:
            continue
        for number in range(1, splits + 1):
            for reviewed in sizes(world, number):
                begun_s = time.monotonic()
                found, promised = split(world, number, reviewed)
                entries += found
                kept.append(promised)
                print(report(found, time.monotonic() - begun_s), flush=True)
    return entries, kept


def read(files: Sequence[Path]) -> tuple[list[Entry], list[Kept]]:
    parts = [json.loads(one.read_text(encoding="utf-8")) for one in files]
    entries = [Entry(**one) for part in parts for one in part["entries"]]
    return entries, [Kept(**one) for part in parts for one in part["kept"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--only", default="", help="only worlds whose name holds this")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SPLITS} splits, untimed")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of `seatrial gap` timed")
    parser.add_argument("--json", type=Path, help="keep what was found")
    parser.add_argument("--found", type=Path, nargs="*", help="what was kept: run no split")
    parser.add_argument("--write", action="store_true", help="write the section of README.md")
    chosen = parser.parse_args()
    data = data_folder_or_skip()
    splits = QUICK_SPLITS if chosen.quick else chosen.splits
    if chosen.found:
        entries, kept = read(chosen.found)
    else:
        entries, kept = run(data, only=chosen.only, splits=splits)
    runs = 0 if chosen.quick else chosen.runs
    time_said = timed(data, runs) if runs else "`seatrial gap` was not timed."
    text = page(entries, kept, splits, time_said)
    print(text)
    if chosen.json:
        found = {"entries": [asdict(e) for e in entries], "kept": [asdict(k) for k in kept]}
        chosen.json.write_text(json.dumps(found) + "\n", encoding="utf-8")
    if chosen.write:
        put("closing", text, readme=README)


if __name__ == "__main__":
    main()
