"""The ledger on data that nobody tuned it on: intents, and questions that have none.

    python benchmarks/sentiment/intents.py [--seeds N] [--share S] [--json FILE] [--write]

The same kind of model is trained on CLINC150's train split; eval is its validation split (150
intents). Production is its test split with a share of out-of-scope questions, every one of which
the model gets wrong because it knows no such answer. What they cost is therefore known: their share
times the accuracy on the rest. They are English, short and clean: only `domain` may explain them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from cases import CaseMaker
from prepare import train
from results import conditions, put, table
from sources import INTENTS, data_folder_or_skip, rows_of
from worlds import accuracy

from seatrial.gap.gap import measure_gap

SEEDS = 3
SHARE = 0.2
ROWS = 4_000


def run(data: Path, *, seeds: int, share: float = SHARE) -> list[dict[str, Any]]:
    """Return one summary per seed: what out-of-scope rows cost, and where the ledger put it."""
    model = train(rows_of(data, INTENTS, "", split="train"))
    evals = [(row.text, row.label) for row in rows_of(data, INTENTS, "", split="val")]
    inside = [(row.text, row.label) for row in rows_of(data, INTENTS, "", split="test")]
    outside = [(row.text, row.label) for row in rows_of(data, INTENTS, "", split="oos_test")]
    maker = CaseMaker(model, [row[0] for row in evals], [row[1] for row in evals])
    results = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        strange = round(share * ROWS)
        known = [inside[at] for at in rng.choice(len(inside), ROWS - strange, replace=False)]
        unknown = [outside[at] for at in rng.choice(len(outside), strange, replace=False)]
        rows = known + unknown
        document = measure_gap(maker.case([r[0] for r in rows], [r[1] for r in rows], seed=seed))
        steps = document.steps or ()
        results.append(
            {
                "seed": seed,
                "eval": document.eval.accuracy,
                "production": document.production.accuracy,
                "planted": -100.0 * share * accuracy(model, known),
                "by_chance": 100.0 * (accuracy(model, known) - document.eval.accuracy),
                "steps": {step.id: [step.points, step.low, step.high] for step in steps},
                "criticisms": list(document.criticisms),
            }
        )
    return results


def page(results: list[dict[str, Any]], share: float) -> str:
    """Return the section of README.md."""
    names = list(results[0]["steps"])
    head = ["seed", "eval", "production", "planted", "chance", *names]
    lines = [
        [
            one["seed"],
            f"{100 * one['eval']:.1f} %",
            f"{100 * one['production']:.1f} %",
            f"{one['planted']:+.2f}",
            f"{one['by_chance']:+.2f}",
            *(f"{one['steps'][name][0]:+.2f}" for name in names),
        ]
        for one in results
    ]
    return (
        f"{conditions()}. CLINC150: {100 * share:.0f} % of {ROWS:,} production rows are out of "
        "scope. *Planted* is what these cost, *chance* how far the others lie off eval.\n\n"
        + table(head, lines)
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=SEEDS)
    options.add_argument("--share", type=float, default=SHARE, help="of out-of-scope questions")
    options.add_argument("--json", type=Path)
    options.add_argument("--write", action="store_true", help="write the section of README.md")
    chosen = options.parse_args()
    results = run(data_folder_or_skip(), seeds=chosen.seeds, share=chosen.share)
    for one in results:
        print(
            f"seed {one['seed']}: eval {100 * one['eval']:.1f} %, production "
            f"{100 * one['production']:.1f} %; out of scope costs {one['planted']:+.2f} points, "
            f"chance {one['by_chance']:+.2f}"
        )
        for name, (points, low, high) in one["steps"].items():
            print(f"    {name:12} {points:+7.2f}  ({low:+.2f} to {high:+.2f})")
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if chosen.write:
        put("intents", page(results, chosen.share))


if __name__ == "__main__":
    main()
