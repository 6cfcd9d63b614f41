"""How often the interval holds the truth when only 200 of 4,000 production labels are known.

    python benchmarks/sentiment/coverage.py [--draws N] [--labels N] [--gaps N] [--ledgers N]
        [--write]

Three things are measured, each with seeds: the production interval over many draws of labelled
rows (`reviewed` and `production_accuracy`, as the gap calls them); that `seatrial gap` on
the written folder says the same interval, on a few draws; and how often the intervals of the
ledger's steps hold the points of the ledger that knows every label.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cases import CaseMaker, answers_of
from prepare import ROWS, SEED, draw, sources, train, write_production, write_project
from results import conditions, put, table
from sources import SST2, Row, data_folder_or_skip, rows_of

from seatrial.evidence.gap import Production
from seatrial.gap.accuracy import production_accuracy, score_eval, score_production
from seatrial.gap.describing import Described, describe_rows
from seatrial.gap.gap import measure_gap
from seatrial.gap.reviewing import reviewed

DRAWS = 200
LABELS = 200
GAPS = 5
LEDGERS = 20
LEAST = 0.92


@dataclass(frozen=True)
class Setup:
    """Everything that the draws share."""

    maker: CaseMaker
    model: Any
    evals: list[Row]
    production: list[Row]

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.production]

    @property
    def labels(self) -> list[Any]:
        return [row.label for row in self.production]


@dataclass(frozen=True)
class Covered:
    """Of how many draws the interval held the truth, and how wide it was, in points."""

    draws: int
    inside: int
    mean_width: float
    mean_error: float


def set_up(data: Path, *, rows: int = ROWS) -> Setup:
    model = train(rows_of(data, SST2, "sst2", split="train"))
    evals = rows_of(data, SST2, "sst2", split="test")
    production = draw(sources(data), rows=rows, seed=SEED).rows
    maker = CaseMaker(model, [row.text for row in evals], [row.label for row in evals])
    return Setup(maker, model, evals, production)


def some_labels(labels: list[Any], *, known: int, seed: int) -> list[Any]:
    """Return the labels with all but ``known`` of them withheld, drawn without replacement."""
    chosen = np.random.default_rng(seed).choice(len(labels), size=known, replace=False)
    kept = set(chosen.tolist())
    return [label if place in kept else None for place, label in enumerate(labels)]


def production_estimates(setup: Setup, *, draws: int, known: int) -> list[Production]:
    answers = answers_of(setup.model, setup.texts)
    found = []
    described: Described | None = None
    for seed in range(draws):
        labels = some_labels(setup.labels, known=known, seed=seed)
        case = setup.maker.case(setup.texts, labels, answers=answers)
        guess, scores = float(score_eval(case).reached.mean()), score_production(case)
        if described is None and case.production is not None and scores is not None:
            # So few rows are all described, whichever of them are labelled: once is enough.
            rng = np.random.default_rng(case.conditions.seed)
            described = describe_rows(case, case.production, scores, rng=rng)
        sample = reviewed(scores, described)
        found.append(production_accuracy(scores, guess=guess, sample=sample))
    return found


def truth(setup: Setup) -> float:
    answers = answers_of(setup.model, setup.texts)
    right = [a.output == label for a, label in zip(answers, setup.labels, strict=True)]
    return float(np.mean(right))


def covered(found: list[Production], true: float) -> Covered:
    ends = [(one.low or 0.0, one.high or 0.0, one.accuracy or 0.0) for one in found]
    return Covered(
        draws=len(ends),
        inside=sum(low <= true <= high for low, high, _ in ends),
        mean_width=100.0 * float(np.mean([high - low for low, high, _ in ends])),
        mean_error=100.0 * float(np.mean([abs(said - true) for _, _, said in ends])),
    )


def command_line_agrees(setup: Setup, estimates: list[Production], *, known: int) -> int:
    """Return in how many draws ``seatrial gap`` gives the very same interval."""
    agreed = 0
    with tempfile.TemporaryDirectory(prefix="seatrial-coverage-") as place:
        folder = write_project(
            Path(place) / "project",
            model=setup.model,
            evals=setup.evals,
            production=setup.production,
        )
        for seed, expected in enumerate(estimates):
            labels = some_labels(setup.labels, known=known, seed=seed)
            write_production(folder, setup.production, labels=labels)
            command = [sys.executable, "-m", "seatrial", "gap", str(folder), "--json", "--quiet"]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            said = json.loads(done.stdout)["production"]
            agreed += np.allclose(
                [said["accuracy"], said["low"], said["high"]],
                [expected.accuracy or 0.0, expected.low or 0.0, expected.high or 0.0],
                rtol=0.0,
                atol=1e-12,
            )
    return agreed


def ledgers(setup: Setup, *, draws: int, known: int) -> dict[str, dict[str, float]]:
    """Return per step how often its interval holds the points of the fully labelled ledger."""
    whole = measure_gap(setup.maker.case(setup.texts, setup.labels, seed=SEED))
    true = {step.id: step.points for step in whole.steps or ()}
    said: dict[str, list[tuple[float, float, float]]] = {name: [] for name in true}
    for seed in range(draws):
        labels = some_labels(setup.labels, known=known, seed=seed)
        document = measure_gap(setup.maker.case(setup.texts, labels, seed=seed))
        for step in document.steps or ():
            if step.id in said:
                said[step.id].append((step.points, step.low or 0.0, step.high or 0.0))
    return {
        name: {
            "truth": true[name],
            "mean": float(np.mean([one[0] for one in ends])),
            "width": float(np.mean([one[2] - one[1] for one in ends])),
            "inside": sum(low - 1e-9 <= true[name] <= high + 1e-9 for _, low, high in ends),
            "draws": len(ends),
        }
        for name, ends in said.items()
        if ends and (true[name] or any(one[0] for one in ends))
    }


def sentence(result: Covered, *, true: float, known: int, rows: int) -> str:
    return (
        f"{known} of {rows:,} labels, {result.draws} draws: the interval holds the true "
        f"{100 * true:.2f} % in {result.inside} ({100 * result.inside / result.draws:.1f} %), mean "
        f"width {result.mean_width:.1f} points, mean error {result.mean_error:.1f} points."
    )


def steps_table(steps: dict[str, dict[str, float]], known: int) -> str:
    return table(
        ["step", "points, all labels", f"{known} labels, mean", "mean width", "inside"],
        [
            [
                name,
                f"{row['truth']:+.2f}",
                f"{row['mean']:+.2f}",
                f"{row['width']:.2f}",
                f"{row['inside']:.0f}/{row['draws']:.0f}",
            ]
            for name, row in steps.items()
        ],
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--labels", type=int, default=LABELS)
    parser.add_argument("--gaps", type=int, default=GAPS, help="draws through the command line")
    parser.add_argument("--ledgers", type=int, default=LEDGERS, help="draws of the whole ledger")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="write the section of README.md")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    setup = set_up(data_folder_or_skip())
    true, rows = truth(setup), len(setup.production)
    estimates = production_estimates(setup, draws=chosen.draws, known=chosen.labels)
    result = covered(estimates, true)
    texts = [conditions() + ".", sentence(result, true=true, known=chosen.labels, rows=rows)]
    print(texts[-1])
    agreed, steps = 0, {}
    if chosen.gaps:
        agreed = command_line_agrees(setup, estimates[: chosen.gaps], known=chosen.labels)
        texts.append(
            f"`seatrial gap` says the same interval in {agreed} of {chosen.gaps} draws tried."
        )
        print(texts[-1])
    if chosen.ledgers:
        steps = ledgers(setup, draws=chosen.ledgers, known=chosen.labels)
        texts.append(steps_table(steps, chosen.labels))
        print(texts[-1])
    if chosen.json:
        written = {
            "true": true,
            "labels": chosen.labels,
            "coverage": asdict(result),
            "command_line": {"draws": chosen.gaps, "agreed": agreed},
            "ledger": steps,
        }
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if chosen.write:
        put("coverage", "\n\n".join(texts))
    if result.inside < LEAST * result.draws:
        raise SystemExit(f"{result.inside} of {result.draws} draws is below {100 * LEAST:.0f} %")
    if agreed < min(chosen.gaps, chosen.draws):
        raise SystemExit("seatrial gap says another interval than the code it is made of")


if __name__ == "__main__":
    main()
