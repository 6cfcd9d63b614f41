"""The trial on real data: a model that looks good on its eval set, and what users would get.

    python benchmarks/sentiment/run.py [--trial] [--folder FOLDER] [--runs N] [--draws N]

Prepares the project folder, runs `seatrial gap` on it, checks the figures, and prints them; writes
them into README.md beside this file. With `--trial`, `seatrial trial` runs as well.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cases import CaseMaker
from prepare import ROWS, SEED, Drawn, draw, sources, train, write_project
from results import README, conditions, put, table
from sources import SST2, Row, data_folder_or_skip, rows_of
from worlds import accuracy

from seatrial.evidence.gap import GapDocument, Slice
from seatrial.gap.gap import measure_gap

EVAL_RANGE = (0.80, 0.82)
PRODUCTION_RANGE = (0.60, 0.64)
EXACT = 1e-9
COLUMNS = ("source", "language", "length")
RUNS = 3
DRAWS = 20
LEDGERS = 5


@dataclass(frozen=True)
class Timed:
    """One run of ``seatrial gap``: what it said, and what it took."""

    document: GapDocument
    wall_s: float
    cpu_s: float
    load: float


@dataclass(frozen=True)
class Spread:
    """The same measured on other draws of production."""

    production: list[float]
    steps: dict[str, list[float]]


def run_gap(folder: Path) -> Timed:
    """Run the command as a user would, in a process of its own."""
    command = [sys.executable, "-m", "seatrial", "gap", str(folder), "--json", "--quiet"]
    before, begun_s = _children_s(), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    wall_s, cpu_s = time.monotonic() - begun_s, _children_s() - before
    document = msgspec.json.decode(done.stdout, type=GapDocument)
    return Timed(document, wall_s, cpu_s, os.getloadavg()[0])


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def broken(document: GapDocument) -> list[str]:
    """Return what is not as it must be."""
    found = []
    production = document.production.accuracy or 0.0
    total = sum(step.points for step in document.steps or ())
    for name, value, (low, high) in (
        ("eval accuracy", document.eval.accuracy, EVAL_RANGE),
        ("production accuracy", production, PRODUCTION_RANGE),
    ):
        if not low <= value <= high:
            found.append(f"{name} is {value:.4f}; it must lie from {low} to {high}")
    if abs(total - (document.drop_points or 0.0)) > EXACT:
        found.append(f"the steps sum to {total!r}, the drop is {document.drop_points!r}")
    return found


def remainder_share(document: GapDocument) -> float:
    """Return the remainder's share of the drop."""
    rest = next(step.points for step in document.steps or () if step.id == "remainder")
    return rest / (document.drop_points or float("nan"))


def spread(
    model: object, evals: list[Row], folder: Path, *, draws: int, ledgers: int, rows: int
) -> Spread:
    """Measure other draws of production: accuracy of all of them, the ledger of some."""
    maker = CaseMaker(model, [row.text for row in evals], [row.label for row in evals])
    parts = sources(folder)
    found: list[float] = []
    steps: dict[str, list[float]] = {}
    for seed in range(SEED + 1, SEED + 1 + draws):
        drawn = draw(parts, rows=rows, seed=seed).rows
        found.append(accuracy(model, [(row.text, row.label) for row in drawn]))
        if seed <= SEED + ledgers:
            case = maker.case([r.text for r in drawn], [r.label for r in drawn], seed=seed)
            for step in measure_gap(case).steps or ():
                steps.setdefault(step.id, []).append(step.points)
    return Spread(found, steps)


def slices(document: GapDocument) -> list[Slice]:
    """Return the slices by the columns that the benchmark knows the truth of."""
    return [one for name in COLUMNS for one in document.slices if one.by == name]


def page(runs: list[Timed], others: Spread, drawn: Drawn) -> str:
    """Return the section of README.md."""
    document = runs[0].document
    return "\n\n".join(
        [
            _conditions(document, drawn),
            _accuracies(document),
            _spread_sentence(others),
            _ledger(document, others),
            _sum_sentence(document),
            _slices(document),
            _time_sentence(runs),
            f"Its own criticisms: {'; '.join(document.criticisms) or 'none'}.",
        ]
    )


def _conditions(document: GapDocument, drawn: Drawn) -> str:
    repeated = ", ".join(drawn.repeated) or "no source"
    return (
        f"{conditions(document.machine)}. Seed of the draw {SEED}, seed of the gap "
        f"{document.seed}; {len(drawn.rows):,} production rows, with replacement: {repeated}."
    )


def _accuracies(document: GapDocument) -> str:
    production = document.production
    if production.accuracy is None or production.low is None or production.high is None:
        raise SystemExit(f"production accuracy is unknown: {production.why}")
    evals = document.eval
    rows = [
        ("eval", evals.accuracy, evals.low, evals.high, evals.n),
        ("production", production.accuracy, production.low, production.high, production.n),
    ]
    return table(
        ["", "accuracy", "95 % interval", "n"],
        [
            [name, f"{100 * mean:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}", f"{n:,}"]
            for name, mean, low, high, n in rows
        ],
    )


def _ledger(document: GapDocument, others: Spread) -> str:
    ledgers = max((len(points) for points in others.steps.values()), default=0)
    return table(
        ["step", "points", "95 % interval", "kind", f"{ledgers} other draws, mean (range)"],
        [
            [
                step.id,
                f"{step.points:+.2f}",
                f"{step.low:+.2f} to {step.high:+.2f}",
                step.kind,
                _range(others.steps.get(step.id, [])),
            ]
            for step in document.steps or ()
        ],
    )


def _sum_sentence(document: GapDocument) -> str:
    total = sum(step.points for step in document.steps or ())
    away = abs(total - (document.drop_points or 0.0))
    return (
        f"The points sum to the drop ({document.drop_points:+.2f}), off by {away:.0e}; the "
        f"remainder is {100 * remainder_share(document):.0f} % of it."
    )


def _slices(document: GapDocument) -> str:
    return table(
        ["slice", "share", "accuracy", "95 % interval", "n"],
        [
            [
                f"{one.by}: {one.value}",
                f"{100 * one.share:.1f} %",
                f"{100 * one.accuracy:.1f} %",
                f"{100 * one.low:.1f} to {100 * one.high:.1f}",
                f"{one.n:,}",
            ]
            for one in slices(document)
        ],
    )


def _time_sentence(runs: list[Timed]) -> str:
    walls, cpus = [one.wall_s for one in runs], [one.cpu_s for one in runs]
    return (
        f"`seatrial gap` took {statistics.median(walls):.0f} s (from {min(walls):.0f} to "
        f"{max(walls):.0f}, {len(runs)} runs) and {statistics.median(cpus):.0f} s of CPU time over "
        "all its processes, the start of the model and of a server included; load average of the "
        f"machine meanwhile {max(one.load for one in runs):.0f}."
    )


def _range(values: list[float]) -> str:
    if not values:
        return ""
    return f"{statistics.mean(values):+.2f} ({min(values):+.2f} to {max(values):+.2f})"


def _spread_sentence(others: Spread) -> str:
    if not others.production:
        return "No other draw was measured."
    points = [100 * value for value in others.production]
    deviation = statistics.stdev(points) if len(points) > 1 else 0.0
    return (
        f"Over {len(points)} other draws of production: {statistics.mean(points):.2f} % (from "
        f"{min(points):.2f} to {max(points):.2f}, standard deviation {deviation:.2f})."
    )


def run_trial(folder: Path) -> None:
    """Run the whole trial, and let it speak for itself; a failed item is no failure of ours."""
    command = [sys.executable, "-m", "seatrial", "trial", str(folder)]
    begun_s = time.monotonic()
    done = subprocess.run(command, check=False)
    print(f"seatrial trial took {time.monotonic() - begun_s:.0f} s, exit status {done.returncode}")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trial", action="store_true", help="run `seatrial trial` as well")
    parser.add_argument("--folder", type=Path, help="where the project goes; default: temporary")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of `seatrial gap`")
    parser.add_argument("--draws", type=int, default=DRAWS, help="other draws of production")
    parser.add_argument("--ledgers", type=int, default=LEDGERS, help="of these, with a ledger")
    parser.add_argument("--readme", type=Path, default=README, help="where results are written")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    data = data_folder_or_skip()
    with contextlib.ExitStack() as stack:
        folder = chosen.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="seatrial-sentiment-"))
        )
        print(f"training on SST-2 and writing {folder}", file=sys.stderr)
        model = train(rows_of(data, SST2, "sst2", split="train"))
        evals = rows_of(data, SST2, "sst2", split="test")
        drawn = draw(sources(data), rows=chosen.rows, seed=SEED)
        write_project(folder, model=model, evals=evals, production=drawn.rows)
        print(f"running seatrial gap {chosen.runs} times", file=sys.stderr)
        runs = [run_gap(folder) for _ in range(chosen.runs)]
        print(f"measuring {chosen.draws} other draws", file=sys.stderr)
        others = spread(
            model, evals, data, draws=chosen.draws, ledgers=chosen.ledgers, rows=chosen.rows
        )
        text = page(runs, others, drawn)
        print(text)
        put("gap", text, readme=chosen.readme)
        if chosen.trial:
            run_trial(folder)
    problems = broken(runs[0].document)
    if problems:
        raise SystemExit("; ".join(problems))


if __name__ == "__main__":
    main()
