"""Power and false alarms of the search for patterns, and the failure bank's counts for shifts.

    python benchmarks/gap/patterns.py [--repeats N] [--part noise|power|bank] [--quick] [--write]

Errors are planted, inputs are real: SST-2 sentences and tweets in eight languages, described as the
gap describes them, and a made-up table of twelve columns. *Noise*: every row errs with the same
chance, whatever it looks like; any pattern is false. *Power*: one slice errs more. A pattern counts
as found where it holds mostly the same rows as the slice (Jaccard 0.5), and as false where its
rows err no more than the others, by the chances that were planted. *Bank*: each planted failure and
its healthy twin, over variants drawn from consecutive seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

from results import conditions, put, table
from sources import ENGLISH, SST2, TWEETS_MULTILINGUAL, data_folder_or_skip, rows_of

from seatrial.core.settings import parse
from seatrial.describe.describer import describer_for
from seatrial.evidence.patterns import Patterns
from seatrial.evidence.recorder import conditions as recorded
from seatrial.gap.accuracy import ProductionScores
from seatrial.gap.case import EvalRows, GapCase, ProductionRows
from seatrial.gap.describing import Described
from seatrial.gap.gap import measure_gap
from seatrial.gap.patterns import find_patterns
from seatrial.gap.risks import risk_evidence
from seatrial.gap.traits import Trait, traits
from seatrial.measure.consistency import measure_consistency
from seatrial.models.answers import Answer
from seatrial.models.subject import subject_of
from seatrial.stats.intervals import wilson
from seatrial.testing import bank
from seatrial.trials.failures import judge_failures

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

REPEATS, QUICK_REPEATS = 120, 10
POOL = 4_000
FOREIGN_SHARE, WRAPPED_SHARE = 0.4, 0.15
BASE_ERROR = 0.25
REVIEWS = (200, 500, 1_000)
DRAWN = ("evenly", "by confidence", "by a slice")
UNSURE_SHARE, UNSURE_ERROR = 0.4, 0.5
FOUND_AT = 0.5
POWER_PART = 6
UNCORRECTED_Z = 1.645
VARIANTS, QUICK_VARIANTS = 20, 2
BANK = (
    "language-shift",
    "domain-shift",
    "length-shift",
    "format-shift",
    "adversarial-inputs",
    "inconsistent-answers",
)
DRAWING = """Reviews are drawn evenly; *by confidence* (unsure rows err five times as often and are
drawn four times as often); or *by a slice* (its rows are drawn four times as often and err as all
do)."""
LEGEND = """One slice errs 25 points more. *Found*: a pattern with mostly its rows is listed.
*False*: runs with a pattern whose rows err no more than the rest. *Covered*: patterns whose
interval holds the planted error of its rows (95 % are promised for all at once)."""
README = Path(__file__).parent / "README.md"


@dataclass(frozen=True)
class World:
    """Described rows, and slices of them in which errors may be planted."""

    name: str
    inputs: list[Any]
    descriptors: dict[str, NDArray[Any]]
    intensity: dict[str, Floats]
    slices: dict[str, Mask]

    def reviewed(self, chosen: NDArray[np.intp], wrong: Mask, weights: Floats) -> tuple[Any, ...]:
        """Return what ``find_patterns`` takes, for some of the rows."""
        n = chosen.size
        answers = [Answer("wrong" if one else "right") for one in wrong]
        rows = ProductionRows([self.inputs[int(one)] for one in chosen], answers, ["right"] * n)
        scores = ProductionScores(
            np.zeros(n, dtype=np.int64), (~wrong).astype(float), np.ones(n, dtype=bool), weights
        )
        described = Described(
            np.arange(n),
            np.ones(n),
            {name: values[chosen] for name, values in self.descriptors.items()},
            {name: values[chosen] for name, values in self.intensity.items()},
            {},
        )
        return rows, scores, described


def texts(folder: Path, rng: np.random.Generator) -> World:
    """Real texts: reviews, tweets of eight languages, some of them wrapped in tags."""
    reviews = [row.text for row in rows_of(folder, SST2, "reviews")]
    tweets = rows_of(folder, TWEETS_MULTILINGUAL, "tweets")
    english = [row.text for row in tweets if row.language == ENGLISH]
    foreign = [row for row in tweets if row.language != ENGLISH]
    describer = describer_for("text", reviews[:2_000])
    drawn, german = [], np.zeros(POOL, dtype=bool)
    for place in range(POOL):
        if rng.random() < FOREIGN_SHARE:
            row = foreign[int(rng.integers(len(foreign)))]
            german[place] = row.language == "de"
            drawn.append(row.text)
        else:
            side = english if rng.random() < 0.5 else reviews[2_000:]
            drawn.append(str(rng.choice(side)))
    wrapped = rng.random(POOL) < WRAPPED_SHARE
    drawn = [f"<p>{text}</p>" if tags else text for text, tags in zip(drawn, wrapped, strict=True)]
    descriptors, intensity = describer.read(drawn)
    words = descriptors["words"]
    slices = {
        "not English": intensity["language"] >= 0.5,
        "wrapped in tags": wrapped,
        "a quarter, the longest": words > np.quantile(words, 0.75),
        'has "the" (a word)': np.array([" the " in f" {text.lower()} " for text in drawn]),
        "not English and long (a pair)": (intensity["language"] >= 0.5)
        & (words > np.quantile(words, 0.5)),
    }
    return World("texts", drawn, descriptors, intensity, slices)


def cells(rng: np.random.Generator) -> World:
    """A table of twelve columns: skewed numbers, categories, missing values."""
    columns: dict[str, list[Any]] = {}
    for place in range(6):
        values = rng.lognormal(0, 1, POOL).round(3)
        gone = rng.random(POOL) < 0.1 * (place == 0)
        columns[f"number{place}"] = [
            None if missing else float(value) for value, missing in zip(values, gone, strict=True)
        ]
    for place in range(6):
        names = [f"k{one}" for one in range(3 + 3 * place)]
        shares = rng.dirichlet(np.full(len(names), 1.5))
        columns[f"kind{place}"] = rng.choice(names, POOL, p=shares).tolist()
    inputs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    describer = describer_for("record", inputs[:1_000])
    number = np.array([np.nan if one is None else one for one in columns["number0"]])
    kind = np.array(columns["kind1"])
    common = max(set(kind.tolist()), key=kind.tolist().count)
    slices = {
        "a column is missing": np.isnan(number),
        "a category": kind == common,
        "a category and a large number (a pair)": (kind == common)
        & (np.array(columns["number1"]) > 1.0),
    }
    return World("table", inputs, describer.describe(inputs), describer.factors(inputs), slices)


def draw(
    n: int, rng: np.random.Generator, *, marked: Mask | None = None
) -> tuple[NDArray[np.intp], Floats]:
    """Draw reviewed rows evenly, or marked rows four times as often; return their weights too."""
    if marked is None:
        return rng.choice(POOL, n, replace=False), np.ones(n)
    chances = np.where(marked, 4.0, 1.0)
    chances = np.minimum(chances * n / chances.sum(), 1.0)
    chosen = np.flatnonzero(rng.random(POOL) < chances)
    weights = 1.0 / chances[chosen]
    return chosen, weights / weights.mean()


def noise(world: World, n: int, *, drawn: str, repeats: int) -> dict[str, Any]:
    """Look for patterns where there are none.

    Drawn *by confidence*: unsure rows err five times as often and are reviewed four times as
    often, whatever they look like. Drawn *by a slice*: so are the rows of one slice, which errs
    as all others do.
    """
    false, looked, plain, seconds = 0, [], [], []
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, n, DRAWN.index(drawn), 1])
        unsure = rng.random(POOL) < UNSURE_SHARE
        first = next(iter(world.slices.values()))
        marked = {"evenly": None, "by confidence": unsure, "by a slice": first}[drawn]
        chosen, weights = draw(n, rng, marked=marked)
        chances = np.full(POOL, BASE_ERROR)
        if drawn == "by confidence":
            chances = np.where(unsure, UNSURE_ERROR, UNSURE_ERROR / 5)
        wrong = rng.random(chosen.size) < chances[chosen]
        begun = time.perf_counter()
        found = find_patterns(*world.reviewed(chosen, wrong, weights), rng=rng)
        seconds.append(time.perf_counter() - begun)
        false += bool(found.found)
        looked.append(found.looked_at)
        if repeat < QUICK_REPEATS:
            plain.append(uncorrected(world, chosen, wrong))
    ends = wilson(false, repeats)
    return {
        "world": world.name,
        "reviews": n,
        "drawn": drawn,
        "repeats": repeats,
        "false": false,
        "low": ends.low,
        "high": ends.high,
        "looked_at": int(np.median(looked)),
        "uncorrected": float(np.mean(plain)),
        "seconds": float(np.median(seconds)),
    }


def uncorrected(world: World, chosen: NDArray[np.intp], wrong: Mask) -> int:
    """Count the single traits that a test of each by itself, at 5 %, would call patterns."""
    count = 0
    for one in every_trait(world, chosen):
        inside, rest = wrong[one.rows].mean(), wrong[~one.rows].mean()
        spread = wrong.std() * np.sqrt(1 / one.rows.sum() + 1 / (~one.rows).sum())
        count += inside - rest > UNCORRECTED_Z * spread
    return count


def power(world: World, name: str, n: int, *, excess: float, repeats: int) -> dict[str, Any]:
    """Look for one planted slice."""
    hits, first, false, covered, patterns = 0, 0, 0, 0, 0
    slice_ = world.slices[name]
    for repeat in range(repeats):
        rng = np.random.default_rng([repeat, n, 2])
        chosen, weights = draw(n, rng)
        chances = np.where(slice_[chosen], BASE_ERROR + excess, BASE_ERROR)
        wrong = rng.random(chosen.size) < chances
        found = find_patterns(*world.reviewed(chosen, wrong, weights), rng=rng)
        rows = masks(world, chosen, found)
        alike = [jaccard(one, slice_[chosen]) >= FOUND_AT for one in rows]
        hits += any(alike)
        first += bool(alike and alike[0])
        false += any(chances[one].mean() <= chances[~one].mean() for one in rows)
        patterns += len(rows)
        covered += sum(
            pattern.low <= chances[one].mean() <= pattern.high
            for pattern, one in zip(found.found, rows, strict=True)
        )
    return {
        "world": world.name,
        "slice": name,
        "share": float(slice_.mean()),
        "excess": excess,
        "reviews": n,
        "repeats": repeats,
        "found": hits / repeats,
        "first": first / repeats,
        "listed": patterns / repeats,
        "false": false / repeats,
        "covered": covered / patterns if patterns else None,
    }


def masks(world: World, chosen: NDArray[np.intp], found: Patterns) -> list[Mask]:
    """Return which of the reviewed rows are in each pattern, from its conditions."""
    known = {one.says: one.rows for one in every_trait(world, chosen)}
    return [np.logical_and.reduce([known[one] for one in pattern.where]) for pattern in found.found]


def every_trait(world: World, chosen: NDArray[np.intp]) -> list[Trait]:
    return traits(
        [world.inputs[int(one)] for one in chosen],
        columns={},
        descriptors={name: values[chosen] for name, values in world.descriptors.items()},
        intensity={name: values[chosen] for name, values in world.intensity.items()},
    )


def jaccard(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


def bank_counts(variants: int) -> list[dict[str, Any]]:
    """Judge every variant of every planted failure of this page, sick and healthy."""
    settings = parse({"model": {"load": "model:load"}}, environment={})
    rows = []
    for entry in bank.entries():
        if entry.id not in BANK:
            continue
        told: dict[str, int] = {"named": 0, "alone": 0, "silent": 0}
        for seed in range(variants):
            for twin in ("sick", "healthy"):
                evidence = evidence_of(entry, twin, seed)
                results = judge_failures({evidence.kind: evidence}, settings)
                found = {one.id for one in results if one.found}
                told["named"] += twin == "sick" and entry.id in found
                told["alone"] += twin == "sick" and found == {entry.id}
                told["silent"] += twin == "healthy" and not found
        rows.append({"failure": entry.id, "variants": variants, **told})
        print(rows[-1], file=sys.stderr)
    return rows


def evidence_of(entry: Any, twin: Any, seed: int) -> Any:
    """Measure one twin."""
    parameters = entry.draw(seed)
    subject = subject_of(getattr(entry, twin)(parameters))
    inputs = entry.inputs(parameters)
    at = recorded("planted@0", seed=seed)
    if entry.production is None:
        return measure_consistency(subject, inputs, at=at)
    sent, answers = entry.production(parameters, twin), subject.answer(inputs).answers
    production = ProductionRows(
        sent.inputs,
        subject.answer(sent.inputs).answers,
        sent.labels,
        probabilities=sent.probabilities,
    )
    case = GapCase(
        eval=EvalRows(inputs, entry.labels(parameters), original=answers, served=answers),
        production=production,
        conditions=at,
        describer=describer_for("text", inputs),
        answer=lambda rows: subject.answer(rows).answers,
        metrics=(),
    )
    return risk_evidence(measure_gap(case))


def plan(worlds: Sequence[World], repeats: int, part: str | None) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"noise": [], "power": []}
    for world in worlds:
        if part in {None, "noise"}:
            for n, drawn in product(REVIEWS[:2], DRAWN):
                found["noise"].append(noise(world, n, drawn=drawn, repeats=repeats))
                print(found["noise"][-1], file=sys.stderr)
        if part in {None, "power"}:
            for name in world.slices:
                for n in REVIEWS:
                    row = power(world, name, n, excess=0.25, repeats=max(repeats // POWER_PART, 5))
                    found["power"].append(row)
                    print(row, file=sys.stderr)
    return found


def page(found: dict[str, list[Any]]) -> str:
    """Return the section."""
    lines = [
        f"Measured on: {conditions()}. Errors planted at {100 * BASE_ERROR:.0f} % of the rows.",
        "",
        DRAWING,
        "",
        "No pattern is there: runs in which any was listed (5 % are allowed).",
        "",
        table(
            ("rows", "reviews", "drawn", "slices looked at", "runs", "false", "95 %",
             "each tested at 5 %: patterns a run", "s a run"),
            [
                (r["world"], f"{r['reviews']:,}", r["drawn"], f"{r['looked_at']:,}", r["repeats"],
                 f"{100 * r['false'] / r['repeats']:.1f} %",
                 f"{100 * r['low']:.1f} to {100 * r['high']:.1f}", f"{r['uncorrected']:.1f}",
                 f"{r['seconds']:.2f}")
                for r in found["noise"]
            ],
        ),
        "",
        LEGEND,
        "",
        table(
            ("rows", "slice", "share", "reviews", "runs", "found", "found first",
             "patterns a run", "false", "covered"),
            [
                (r["world"], r["slice"], f"{100 * r['share']:.0f} %", f"{r['reviews']:,}",
                 r["repeats"], f"{100 * r['found']:.0f} %", f"{100 * r['first']:.0f} %",
                 f"{r['listed']:.1f}", f"{100 * r['false']:.1f} %",
                 "" if r["covered"] is None else f"{100 * r['covered']:.1f} %")
                for r in found["power"]
            ],
        ),
    ]  # fmt: skip
    return "\n".join(lines)


def bank_page(rows: Sequence[dict[str, Any]]) -> str:
    shown = [
        (f"`{r['failure']}`", r["variants"], r["named"], r["alone"], r["silent"]) for r in rows
    ]
    head = ("failure", "variants", "sick: named", "and nothing else", "healthy: silent")
    return f"Measured on: {conditions()}.\n\n{table(head, shown)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--part", choices=("noise", "power", "bank"))
    parser.add_argument("--quick", action="store_true", help="a minute, for a look")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="write the sections of README.md")
    chosen = parser.parse_args()
    repeats = QUICK_REPEATS if chosen.quick else chosen.repeats
    found: dict[str, list[Any]] = {}
    if chosen.part != "bank":
        rng = np.random.default_rng(1)
        worlds = [texts(data_folder_or_skip(), rng), cells(rng)]
        found = plan(worlds, repeats, chosen.part)
        print(page({"noise": [], "power": [], **found}))
    if chosen.part in {None, "bank"}:
        found["bank"] = bank_counts(QUICK_VARIANTS if chosen.quick else VARIANTS)
        print(bank_page(found["bank"]))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    if chosen.write and chosen.part is None:
        put("patterns", page(found), readme=README)
        put("bank", bank_page(found["bank"]), readme=README)


if __name__ == "__main__":
    main()
