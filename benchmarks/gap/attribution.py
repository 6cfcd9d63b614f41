"""Holds the ledger of 200 labels against planted truth: faults whose points are known exactly.

    python benchmarks/gap/attribution.py [--part judge|develop] [--populations N] [--draws N]
        [--grounds NAME] [--only PATTERN] [--quick] [--json FILE] [--and-from FILE...] [--write]

Each repetition takes 4,000 rows of the kind that eval has, plants faults into a random share of
them, and tells the ledger 200 of the 4,000 labels. What a fault costs is known exactly: the same
4,000 rows are scored with it and without it, and several faults share by Shapley value. A plan is
repeated over populations (which rows, which are hit, how) and over draws of the labels.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

from cases import answers_of
from coverage import some_labels
from planting import Part, Plan, Silence, plans
from results import conditions, put, table
from sources import data_folder
from worlds import Example, planted_rows, shapley

from seatrial.gap.case import Fate
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer
from seatrial.stats.scores import row_scores

ROWS = 4_000
LABELS = 200
POPULATIONS = 1
DRAWS = 7
EXACT = 1e-9
README = Path(__file__).parent / "README.md"

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Sample:
    """One population with its truth, in points."""

    rows: list[Example]
    answers: list[Answer]
    fate: list[Fate]
    truth: dict[str, float]
    base: float


@dataclass(frozen=True)
class Repetition:
    """What the ledger said of one draw of labels, in points: per step, points and both ends."""

    truth: dict[str, float]
    base: float
    steps: dict[str, Interval]
    kinds: dict[str, str]
    off: float
    total_error: float
    took_s: float


def sampled(plan: Plan, *, seed: int, rows: int = ROWS) -> Sample:
    """Plant into rows of the pool, and find what each fault costs."""
    rng = np.random.default_rng(seed)
    pool = plan.ground.pool
    chosen = [pool[int(place)] for place in rng.permutation(len(pool))[:rows]]
    worlds = planted_rows(chosen, plan.faults, rng)
    answers = {key: _answers(plan, made) for key, made in worlds.items()}
    scores = {key: _scores(plan, worlds[key], found) for key, found in answers.items()}
    everything = frozenset(range(len(plan.faults)))
    silent = _silences(plan.silences, answers[everything], rng)
    values = _values(scores, silent, len(plan.faults))
    truth: dict[str, float] = {}
    for step, points in zip(plan.steps, shapley(values, len(plan.steps)), strict=True):
        truth[step] = truth.get(step, 0.0) + points
    fate: list[Fate] = ["answered"] * len(chosen)
    for one, hit in zip(plan.silences, silent, strict=True):
        for place in np.flatnonzero(hit):
            fate[int(place)] = one.step
    given = [
        Answer(None) if what == "failed" else answer  # a failure leaves nothing behind
        for what, answer in zip(fate, answers[everything], strict=True)
    ]
    on_eval = _scores(plan, plan.ground.evals, _answers(plan, plan.ground.evals)).mean()
    base = values[frozenset()] - 100.0 * float(on_eval)
    return Sample(worlds[everything], given, fate, truth, base)


def _answers(plan: Plan, rows: Sequence[Example]) -> list[Answer]:
    return answers_of(plan.ground.model, [row[0] for row in rows])


def _scores(plan: Plan, rows: Sequence[Example], answers: Sequence[Answer]) -> NDArray[np.float64]:
    given = [answer.output for answer in answers]
    return row_scores(given, [row[1] for row in rows], metric=plan.ground.metric)


def _silences(
    silences: Sequence[Silence], answers: Sequence[Answer], rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    found = []
    for one in silences:
        hit = rng.random(len(answers)) < one.share
        if one.least_sure:
            sure = np.array([answer.confidence or 0.0 for answer in answers])
            hit = sure <= np.quantile(sure, one.share)
        found.append(hit)
    return found


def _values(
    scores: dict[frozenset[int], NDArray[np.float64]],
    silent: Sequence[NDArray[np.bool_]],
    faults: int,
) -> dict[frozenset[int], float]:
    """Return 100 x the share of all requests answered right, for every set of what was planted."""
    values = {}
    for present, world in scores.items():
        for size in range(len(silent) + 1):
            for which in combinations(range(len(silent)), size):
                right = world.copy()
                for one in which:
                    right[silent[one]] = 0.0
                key = present | {faults + one for one in which}
                values[frozenset(key)] = 100.0 * float(right.mean())
    return values


def repeated(plan: Plan, sample: Sample, *, labels: int, seed: int) -> Repetition:
    """Withhold all labels but some, and ask the ledger."""
    inputs, every = [row[0] for row in sample.rows], [row[1] for row in sample.rows]
    known = some_labels(every, known=labels, seed=seed)
    answers: list[Any] = [None if one.output is None else one for one in sample.answers]
    case = plan.ground.maker.case(inputs, known, seed=seed, answers=answers, fate=sample.fate)
    begun = time.perf_counter()
    document = measure_gap(case)
    took = time.perf_counter() - begun
    steps = {
        step.id: (step.points, step.low or 0.0, step.high or 0.0) for step in document.steps or ()
    }
    off = abs(sum(one[0] for one in steps.values()) - (document.drop_points or 0.0))
    if off > EXACT:
        raise AssertionError(f"the points are {off} off the drop")
    true_drop = sample.base + sum(sample.truth.values())
    return Repetition(
        truth=sample.truth,
        base=sample.base,
        steps=steps,
        kinds={step.id: step.kind for step in document.steps or ()},
        off=off,
        total_error=(document.drop_points or 0.0) - true_drop,
        took_s=took,
    )


@dataclass(frozen=True)
class Factor:
    """One planted step over the repetitions of its plan, in points."""

    plan: str
    ground: str
    step: str
    innocent: bool
    kind: str
    truth: float
    said: float
    error: float
    width: float
    inside: int
    draws: int


@dataclass(frozen=True)
class Rest:
    """What nobody planted, over the repetitions of one plan, in points.

    ``others`` is the mean over repetitions of the largest blame of a factor that was not planted;
    ``inside`` how many of these factors' intervals hold 0, of ``tried``.
    """

    plan: str
    ground: str
    remainder: float
    spread: float
    base: float
    holds: int
    others: float
    inside: int
    tried: int
    draws: int
    took_s: float


def factors_of(plan: Plan, found: Sequence[Repetition]) -> list[Factor]:
    rows = []
    for step in dict.fromkeys(plan.steps):
        truth = np.array([one.truth[step] for one in found])
        said = np.array([one.steps.get(step, (0.0, 0.0, 0.0)) for one in found])
        rows.append(
            Factor(
                plan=plan.name,
                ground=plan.ground.name,
                step=step,
                innocent=step in plan.innocent,
                kind=found[0].kinds.get(step, "not named"),
                truth=float(truth.mean()),
                said=float(said[:, 0].mean()),
                error=float(np.abs(said[:, 0] - truth).mean()),
                width=float((said[:, 2] - said[:, 1]).mean()),
                inside=int(((said[:, 1] <= truth + EXACT) & (truth - EXACT <= said[:, 2])).sum()),
                draws=len(found),
            )
        )
    return rows


def rest_of(plan: Plan, found: Sequence[Repetition]) -> Rest:
    rest = np.array([one.steps["remainder"] for one in found])
    base = np.array([one.base for one in found])
    named = {*plan.steps, "remainder", "precision", "serving"}
    others = [[ends for step, ends in one.steps.items() if step not in named] for one in found]
    return Rest(
        plan=plan.name,
        ground=plan.ground.name,
        remainder=float(rest[:, 0].mean()),
        spread=float(np.abs(rest[:, 0] - base).mean()),
        base=float(base.mean()),
        holds=int(((rest[:, 1] <= base) & (base <= rest[:, 2])).sum()),
        others=float(np.mean([max((abs(e[0]) for e in ends), default=0.0) for ends in others])),
        inside=sum(low <= 0.0 <= high for ends in others for _, low, high in ends),
        tried=sum(len(ends) for ends in others),
        draws=len(found),
        took_s=float(np.mean([one.took_s for one in found])),
    )


def run(
    part: Part,
    data: Path | None,
    *,
    populations: int,
    draws: int,
    grounds: str = "",
    only: str = "",
    say: Callable[[str], None] = print,
) -> tuple[list[Factor], list[Rest]]:
    """Run every plan of a part; return what is to be told of its factors and of the rest."""
    factors: list[Factor] = []
    rests: list[Rest] = []
    for plan in plans(part, data, grounds=grounds):
        if not re.search(only, f"{plan.ground.name}: {plan.name}"):
            continue
        found = []
        for population in range(populations):
            sample = sampled(plan, seed=1_000 + population)
            found += [
                repeated(plan, sample, labels=LABELS, seed=100 * population + draw)
                for draw in range(draws)
            ]
        factors += factors_of(plan, found)
        rests.append(rest_of(plan, found))
        say(_told(plan, factors, rests[-1]))
    return factors, rests


def _told(plan: Plan, factors: Sequence[Factor], rest: Rest) -> str:
    own = [one for one in factors if (one.plan, one.ground) == (rest.plan, rest.ground)]
    parts = [
        f"{one.step} {one.said:+.2f} (truth {one.truth:+.2f}, error {one.error:.2f}, inside "
        f"{one.inside}/{one.draws}, width {one.width:.1f})"
        for one in own
    ]
    return (
        f"{plan.ground.name + ': ' + plan.name:40} {'; '.join(parts) or '-'}; remainder "
        f"{rest.remainder:+.2f} (chance {rest.base:+.2f}, off by {rest.spread:.2f}, holds "
        f"{rest.holds}/{rest.draws}), others {rest.others:.2f} ({rest.inside}/{rest.tried}); "
        f"{rest.took_s:.1f} s"
    )


def verdict(factors: Sequence[Factor], rests: Sequence[Rest]) -> dict[str, float]:
    """Return the figures that the line asks for."""
    guilty = [one for one in factors if not one.innocent]
    innocent = [one for one in factors if one.innocent]
    tried = sum(one.draws for one in guilty)
    return {
        "repetitions": sum(one.draws for one in rests),
        "factors": tried,
        "mean_error": sum(one.error * one.draws for one in guilty) / max(tried, 1),
        "worst_error": max((one.error for one in guilty), default=0.0),
        "coverage": sum(one.inside for one in guilty) / max(tried, 1),
        "width": sum(one.width * one.draws for one in guilty) / max(tried, 1),
        "remainder_bias": float(np.mean([abs(one.remainder - one.base) for one in rests])),
        "remainder_worst": max(abs(one.remainder - one.base) for one in rests),
        "remainder_off": float(np.mean([one.spread for one in rests])),
        "remainder_holds": sum(one.holds for one in rests) / sum(one.draws for one in rests),
        "others": float(np.mean([one.others for one in rests])),
        "others_inside": sum(o.inside for o in rests) / max(sum(o.tried for o in rests), 1),
        "wild_blame": max((max(abs(one.said), one.error) for one in innocent), default=0.0),
    }


def summary(found: dict[str, float]) -> str:
    return (
        f"{found['repetitions']:.0f} repetitions, {found['factors']:.0f} planted factors: mean "
        f"error {found['mean_error']:.2f} points (worst plan {found['worst_error']:.2f}), "
        f"{100 * found['coverage']:.1f} % of the 95 % intervals hold the truth, mean width "
        f"{found['width']:.1f} points. The mean remainder of a plan is off what chance left by "
        f"{found['remainder_bias']:.2f} points on average and {found['remainder_worst']:.2f} at "
        f"worst; that of one repetition by {found['remainder_off']:.2f}, within its interval in "
        f"{100 * found['remainder_holds']:.1f} %. The most blamed factor that was not planted gets "
        f"{found['others']:.2f} points on average; {100 * found['others_inside']:.1f} % of such "
        f"factors' intervals hold 0. Three wild columns that do not matter: at most "
        f"{found['wild_blame']:.2f} points. The sums are exact (1e-9)."
    )


def page(factors: Sequence[Factor], rests: Sequence[Rest]) -> str:
    """Return the section of README.md."""
    lines = []
    for rest in rests:
        own = [one for one in factors if (one.plan, one.ground) == (rest.plan, rest.ground)]
        for place, one in enumerate(own or [None]):
            first = not place
            lines.append(
                [
                    f"{rest.ground}: {rest.plan}" if first else "",
                    *_cells(one),
                    f"{rest.remainder:+.2f}" if first else "",
                    f"{rest.base:+.2f}" if first else "",
                    f"{rest.spread:.2f}" if first else "",
                    f"{rest.others:.2f}" if first else "",
                ]
            )
    head = [
        "planted", "step", "truth", "said, mean", "mean error", "mean width", "inside",
        "remainder, mean", "of that chance", "its mean error", "most blamed other",
    ]  # fmt: skip
    return "\n\n".join(
        [
            f"{conditions()}. {LABELS} of {ROWS:,} labels; points.",
            summary(verdict(factors, rests)),
            table(head, lines),
        ]
    )


def _cells(one: Factor | None) -> list[str]:
    if one is None:
        return ["-", "", "", "", "", ""]
    step = f"{one.step} (wild)" if one.innocent else one.step
    figures = [f"{one.truth:+.2f}", f"{one.said:+.2f}", f"{one.error:.2f}", f"{one.width:.1f}"]
    return [step, *figures, f"{one.inside}/{one.draws}"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--part", choices=["judge", "develop"], default="judge")
    options.add_argument("--populations", type=int, default=POPULATIONS)
    options.add_argument("--draws", type=int, default=DRAWS)
    options.add_argument("--grounds", default="", help="films, tables, tweets or intents alone")
    options.add_argument(
        "--and-from", type=Path, nargs="*", default=[], help="what other runs wrote with --json"
    )
    options.add_argument("--only", default="", help="only plans whose name matches")
    options.add_argument("--quick", action="store_true", help="one repetition a plan")
    options.add_argument("--json", type=Path)
    options.add_argument("--write", action="store_true", help="write the section of README.md")
    chosen = options.parse_args()
    data = data_folder()
    if data is None:
        print("SEATRIAL_DATA is not set: only tables are tried")
    factors, rests = run(
        chosen.part,
        data,
        populations=1 if chosen.quick else chosen.populations,
        draws=1 if chosen.quick else chosen.draws,
        grounds=chosen.grounds,
        only=chosen.only,
    )
    for path in chosen.and_from:
        known = json.loads(path.read_text(encoding="utf-8"))
        factors += [Factor(**one) for one in known["factors"]]
        rests += [Rest(**one) for one in known["rests"]]
    print(summary(verdict(factors, rests)))
    if chosen.json:
        written = {
            "verdict": verdict(factors, rests),
            "factors": [asdict(one) for one in factors],
            "rests": [asdict(one) for one in rests],
        }
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if chosen.write:
        section = "attribution" if chosen.part == "judge" else "attribution, developed on"
        put(section, page(factors, rests), readme=README)


if __name__ == "__main__":
    main()
