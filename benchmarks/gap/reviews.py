"""How narrow, and how often right, what reviews say is: ours beside Wilson and ppi-python.

    python benchmarks/gap/reviews.py [--quick] [--draws 2000] [--no-peer] [--write]

Two parts. Six real settings (`review_settings.py`): 20,000 requests of which 50, 200 or 1,000 are
reviewed, 2,000 times. And 90 days of 20 reviews, looked at daily, 2,000 times.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

from results import conditions, put, table
from review_settings import ROWS, Setting, settings
from sources import data_folder_or_skip

from seatrial.stats.detector import DropDetector
from seatrial.stats.intervals import Interval, clopper_pearson, wilson
from seatrial.stats.ppi import reviewed_mean
from seatrial.stats.sequences import anytime_proportion
from seatrial.stats.strata import confidence_strata

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

HERE = Path(__file__).parent
README = HERE / "README.md"
SIZES = (50, 200, 1000)
DRAWS = 2_000
QUICK_DRAWS = 200
SEED = 90_210
DAYS, PER_DAY = 90, 20
INSTALL_S = 1_200
PEER_S = 3_600

STRATA: dict[str, NDArray[np.int64]] = {}
OURS, STRATIFIED = "ours", "ours, drawn by strata"
WILSON, CLOPPER, PEER = "Wilson", "Clopper-Pearson", "ppi-python PPI++"


@dataclass(frozen=True)
class Tried:
    """How often one kind of interval covered, and how wide it was on average (a fraction)."""

    covered: float
    width: float
    error: float


def tried(ends: Sequence[tuple[float, Interval]], truth: float) -> Tried:
    return Tried(
        covered=float(np.mean([interval.covers(truth) for _, interval in ends])),
        width=float(np.mean([interval.high - interval.low for _, interval in ends])),
        error=float(np.mean([abs(mean - truth) for mean, _ in ends])),
    )


def resamples(*, size: int, draws: int, seed: int) -> Places:
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(ROWS, size, replace=False) for _ in range(draws)])


def ours(setting: Setting, places: Places) -> tuple[float, Interval]:
    given = np.full(ROWS, np.nan)
    given[places] = setting.scores[places]
    found = reviewed_mean(given, predictions=setting.confidence, strata=_strata(setting))
    return found.mean, found.interval


def ours_by_strata(setting: Setting, *, size: int, seed: int) -> tuple[float, Interval]:
    """Draw from each stratum its part of the sample, and weigh by what each row's chance was."""
    codes, rng = _strata(setting), np.random.default_rng(seed)
    given, weights = np.full(ROWS, np.nan), np.ones(ROWS)
    for code in range(int(codes.max()) + 1):
        members = np.flatnonzero(codes == code)
        places = rng.choice(members, round(size * members.size / ROWS), replace=False)
        given[places] = setting.scores[places]
        weights[places] = members.size / max(places.size, 1)
    found = reviewed_mean(given, predictions=setting.confidence, strata=codes, weights=weights)
    return found.mean, found.interval


def _strata(setting: Setting) -> NDArray[np.int64]:
    if setting.name not in STRATA:
        STRATA[setting.name] = confidence_strata(setting.confidence, setting.foreign)
    return STRATA[setting.name]


def plain(
    setting: Setting, places: Places, interval: Callable[[int, int], Interval]
) -> tuple[float, Interval]:
    right = int(setting.scores[places].sum())
    return right / places.size, interval(right, places.size)


def peer(setting: Setting, places: Places, python: Path) -> list[tuple[float, Interval]]:
    with tempfile.TemporaryDirectory(prefix="seatrial-ppi-") as folder:
        given, result = Path(folder) / "given.npz", Path(folder) / "result.npy"
        np.savez(given, scores=setting.scores, predictions=setting.confidence, places=places)
        script = HERE / "peers" / "ppi.py"
        command = [str(python), str(script), str(given), str(result)]
        subprocess.run(command, check=True, timeout=PEER_S)
        return [(mean, Interval(low, high)) for mean, low, high in np.load(result).tolist()]


def environment() -> Path:
    """Make ppi-python's environment, once."""
    folder = Path(os.environ.get("SEATRIAL_BENCH_CACHE") or HERE / ".cache").resolve() / "venv/ppi"
    wanted = HERE / "requirements" / "requirements-ppi.txt"
    mark, python = folder / ".complete", folder / "bin" / "python"
    if not mark.exists() or mark.read_bytes() != wanted.read_bytes():
        print("installing ppi-python", file=sys.stderr)
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(folder)], check=True, timeout=INSTALL_S
        )
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(wanted)], check=True, timeout=INSTALL_S)
        mark.write_bytes(wanted.read_bytes())
    return python


def compared(setting: Setting, *, size: int, draws: int, python: Path | None) -> dict[str, Tried]:
    """Try every interval on the same resamples of one setting."""
    drawn = resamples(size=size, draws=draws, seed=SEED + size)
    truth = setting.truth
    found = {
        OURS: tried([ours(setting, places) for places in drawn], truth),
        STRATIFIED: tried(
            [ours_by_strata(setting, size=size, seed=SEED + size + draw) for draw in range(draws)],
            truth,
        ),
        WILSON: tried([plain(setting, places, wilson) for places in drawn], truth),
        CLOPPER: tried([plain(setting, places, clopper_pearson) for places in drawn], truth),
    }
    if python is not None:
        found[PEER] = tried(peer(setting, drawn, python), truth)
    return found


def ever_wrong(level: float, *, runs: int, rng: np.random.Generator) -> dict[str, float]:
    """Return how often an interval looked at daily misses the truth on any of 90 days."""
    right = rng.binomial(PER_DAY, level, (runs, DAYS))
    total, labels = right.cumsum(axis=1), PER_DAY * np.arange(1, DAYS + 1)

    @functools.cache
    def holds(kind: str, successes: int, n: int) -> bool:
        interval = wilson if kind == "wilson" else anytime_proportion
        return interval(successes, n).covers(level)

    def missed(kind: str, counts: NDArray[np.int64], n: NDArray[np.int64]) -> float:
        wrong = [
            any(not holds(kind, int(x), int(k)) for x, k in zip(run, n, strict=True))
            for run in counts
        ]
        return float(np.mean(wrong))

    return {
        "Wilson, all labels so far": missed("wilson", total, labels),
        "Wilson, each day alone": missed("wilson", right, np.full(DAYS, PER_DAY)),
        "anytime": missed("anytime", total, labels),
    }


@dataclass(frozen=True)
class Watched:
    """What the detector made of runs: looks until the alarm, and alarms on quiet days."""

    median: float
    ninety: float
    false: float


def watched(
    before: float,
    after: float,
    *,
    eval_rows: int | None,
    runs: int,
    batches: Callable[[np.random.Generator], NDArray[np.int64]],
    rng: np.random.Generator,
) -> Watched:
    """Let accuracy fall at once, in ``runs`` runs; and let it be, in as many."""
    delays = [_alarm(before, after, eval_rows, batches(rng), rng) for _ in range(runs)]
    quiet = [_alarm(before, before, eval_rows, batches(rng), rng) for _ in range(runs)]
    seen = [delay or DAYS + 1 for delay in delays]
    return Watched(
        float(np.median(seen)),
        float(np.quantile(seen, 0.9)),
        float(np.mean([q > 0 for q in quiet])),
    )


def _alarm(
    before: float,
    now: float,
    eval_rows: int | None,
    batches: NDArray[np.int64],
    rng: np.random.Generator,
) -> int:
    detector = (
        DropDetector(level=before)
        if eval_rows is None
        else DropDetector.below_eval(rng.binomial(eval_rows, before), eval_rows)
    )
    for day, size in enumerate(batches, 1):
        detector = detector.after(rng.random(size) < now)
        if detector.alarmed:
            return day
    return 0


def steady(_: np.random.Generator) -> NDArray[np.int64]:
    return np.full(DAYS, PER_DAY)


def uneven(rng: np.random.Generator) -> NDArray[np.int64]:
    """Weekends without reviews, and a week's worth now and then."""
    return np.where(rng.random(DAYS) < 2 / 7, 0, rng.geometric(1 / 28, DAYS))


CASES: tuple[tuple[float, float, int | None, str], ...] = (
    (0.87, 0.63, None, "even"),
    (0.87, 0.63, 1_000, "even"),
    (0.87, 0.63, 1_821, "even"),
    (0.87, 0.63, 1_821, "uneven"),
    (0.87, 0.75, None, "even"),
    (0.87, 0.80, None, "even"),
    (0.60, 0.45, None, "even"),
    (0.95, 0.85, None, "even"),
    (0.99, 0.95, 1_000, "even"),
)
"""Accuracy before and after, eval rows it is known from (None: exactly), and batches."""


def per_cent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def intervals_section(found: dict[str, dict[int, dict[str, Tried]]], *, draws: int) -> str:
    texts = []
    for size in SIZES:
        rows = []
        for name, sizes in found.items():
            base = sizes[size][WILSON].width
            cells = [
                f"{100 * one.width:.2f} ({one.width / base:.3f}), {per_cent(one.covered)}"
                for one in sizes[size].values()
            ]
            rows.append([name, *cells])
        kinds = list(next(iter(found.values()))[size])
        texts.append(
            f"{size:,} of {ROWS:,} reviewed, {draws:,} times: mean width in points (over "
            f"Wilson's), coverage.\n\n{table(['setting', *kinds], rows)}"
        )
    return "\n\n".join(texts)


def days_section(runs: int, rng: np.random.Generator, levels: Sequence[float]) -> str:
    rows = []
    for level in levels:
        wrong = ever_wrong(level, runs=runs, rng=rng)
        rows.append([per_cent(level), *(per_cent(share) for share in wrong.values())])
        kinds = list(wrong)
    widths = [
        [
            f"{n:,}",
            f"{50 * (one.high - one.low):.1f}",
            f"{50 * (always.high - always.low):.1f}",
        ]
        for n in (50, 200, 1_000, 1_800)
        for one, always in [(wilson(0.63 * n, n), anytime_proportion(0.63 * n, n))]
    ]
    return (
        f"{DAYS} days of {PER_DAY} reviews, {runs:,} runs: the interval is wrong on any day.\n\n"
        f"{table(['true accuracy', *kinds], rows)}\n\n"
        "What that costs, half-width in points at 63 %:\n\n"
        f"{table(['labels', 'one declared look (Wilson)', 'whenever you look'], widths)}"
    )


def detector_section(runs: int, rng: np.random.Generator) -> str:
    kinds = {"even": steady, "uneven": uneven}
    rows = []
    for before, after, eval_rows, batches in CASES:
        seen = watched(
            before, after, eval_rows=eval_rows, runs=runs, batches=kinds[batches], rng=rng
        )
        rows.append(
            [
                f"{100 * before:.0f} to {100 * after:.0f} %",
                "exactly" if eval_rows is None else f"{eval_rows:,} rows",
                batches,
                f"{seen.median:g}",
                f"{seen.ninety:g}",
                per_cent(seen.false),
            ]
        )
    head = ["drop", "eval known from", "batches", "days, median", "days, 9 of 10", "false alarms"]
    return (
        f"The detector, {runs:,} runs each: days until the alarm, and runs of {DAYS} quiet days "
        f"with a false one (promised: at most 5 %).\n\n{table(head, rows)}"
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer draws; a minute or two")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--no-peer", action="store_true", help="without ppi-python")
    parser.add_argument("--write", action="store_true", help="write the section of README.md")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    draws = QUICK_DRAWS if chosen.quick else chosen.draws
    folder = data_folder_or_skip()
    began = time.monotonic()
    python = None if chosen.no_peer else environment()
    rng = np.random.default_rng(SEED)
    detector = detector_section(draws, rng)
    print(detector, flush=True)
    found: dict[str, dict[int, dict[str, Tried]]] = {}
    asked = settings(folder)
    for setting in asked:
        found[setting.name] = {}
        for size in SIZES:
            found[setting.name][size] = compared(setting, size=size, draws=draws, python=python)
            print(setting.name, size, found[setting.name][size], file=sys.stderr, flush=True)
    intervals = intervals_section(found, draws=draws)
    print(intervals, flush=True)
    days = days_section(draws, rng, sorted({round(one.truth, 3) for one in asked} | {0.87}))
    print(days, flush=True)
    truths = table(
        ["setting", "eval", "users got", "other languages"],
        [
            [one.name, per_cent(one.eval_accuracy), per_cent(one.truth),
             per_cent(float(one.foreign.mean()), 0)]
            for one in asked
        ],
    )  # fmt: skip
    took = f"{conditions()}; {(time.monotonic() - began) / 60:.0f} minutes."
    if chosen.write:
        put("reviews", "\n\n".join([took, truths, intervals, days, detector]), readme=README)


if __name__ == "__main__":
    main()
