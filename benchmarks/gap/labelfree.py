"""Accuracy without labels: ours beside the published methods, on shifted sentiment sets.

    python benchmarks/gap/labelfree.py [--models words letters minilm-linear minilm-network]
        [--half development "held back"] [--stresses N] [--peer] [--write]

The MiniLM models need the environment and the encoder of `benchmarks/serving/prepare.py`; run the
script with that environment's Python. `--peer` adds NannyML's CBPE from an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

from results import conditions, put, table
from sources import SST2, data_folder_or_skip
from targets import DEVELOPMENT, HELD_BACK, Target, mixtures, read, targets

from seatrial.describe.describer import describer_for
from seatrial.evidence.labelfree import LabelFree
from seatrial.faults.suite import stress_suite
from seatrial.gap.asking import Asker
from seatrial.gap.case import outputs
from seatrial.gap.labelfree.agreement import agreements, line, on_the_line
from seatrial.gap.labelfree.estimator import above_threshold
from seatrial.gap.labelfree.looking import Look, Subject
from seatrial.models.answers import Answer
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]

HERE = Path(__file__).parent
MODELS = ("words", "letters", "minilm-linear", "minilm-network")
SHOWABLE = ("english", "format", "eval-like", "mixture")
METHODS = ("ALine-S", "ALine-D", "ATC", "DoC", "AC, temperature", "AC", "source accuracy")
CBPE = "NannyML CBPE"
EDGE = 0.005


class Model:
    """Features and a classifier, asked in the way that the gap asks."""

    def __init__(self, features: Callable[[Sequence[str]], Any], classifier: Any) -> None:
        self._features = features
        self._classifier = classifier

    def chances(self, texts: Sequence[str]) -> Floats:
        return self._classifier.predict_proba(self._features(texts))

    def __call__(self, texts: Sequence[str]) -> list[Answer]:
        labels = self._classifier.classes_.tolist()
        return [Answer(labels[int(row.argmax())], float(row.max())) for row in self.chances(texts)]


@dataclass
class Judged:
    """One model on one target."""

    model: str
    target: Target
    truth: float
    ours: LabelFree
    withheld: float | None
    others: dict[str, float] = field(default_factory=dict)


def model_of(name: str, rows: list[tuple[str, int]], embed: Any) -> Model:
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    if name in {"words", "letters"}:
        options = {"ngram_range": (1, 2)} if name == "words" else {
            "ngram_range": (2, 5), "analyzer": "char_wb", "sublinear_tf": True
        }  # fmt: skip
        read = TfidfVectorizer(**options).fit(texts)
        fitted = LogisticRegression(C=10, max_iter=1000).fit(read.transform(texts), labels)
        return Model(read.transform, fitted)
    classifier = (
        LogisticRegression(C=10, max_iter=2000)
        if name == "minilm-linear"
        else MLPClassifier((128,), early_stopping=True, random_state=0, max_iter=100)
    )
    return Model(embed, classifier.fit(embed(texts), labels))


class Bench:
    """One model under all methods: what was learnt on eval, once."""

    def __init__(self, name: str, model: Model, evals: list[tuple[str, int]], most: int) -> None:
        self.name, self.model = name, model
        self.texts = [text for text, _ in evals]
        self.labels = np.array([label for _, label in evals])
        answers = model(self.texts)
        self.scores = row_scores(outputs(answers), self.labels.tolist())
        self.accuracy = float(self.scores.mean())
        self.confidence = np.array([one.confidence for one in answers])
        begun_s = time.process_time()
        look = Look.at(
            Subject(
                kind="text",
                task="classification",
                inputs=self.texts,
                labels=self.labels.tolist(),
                answers=answers,
                scores=self.scores,
                ask=Asker(model),
                score=row_scores,
                suite=stress_suite("text")[: most or None],
            )
        )
        if look is None:
            raise SystemExit("the eval set cannot be learnt by cheap models")
        self.cpu_s = time.process_time() - begun_s
        self.look = look
        self.temperature = self._cooled()

    def judge(self, target: Target, foreign: NDArray[np.bool_]) -> Judged:
        texts = [text for text, _ in target.rows]
        labels = [label for _, label in target.rows]
        answers = self.model(texts)
        truth = float(row_scores(outputs(answers), labels).mean())
        found = self.look.estimate(texts, answers, foreign)
        number = found.accuracy
        if number is None:
            number = self.look.withheld(texts, answers, foreign)
        return Judged(self.name, target, truth, found, number, self._others(texts, answers))

    def _others(self, texts: list[str], answers: list[Answer]) -> dict[str, float]:
        ground = self.look.ground
        sure = np.array([one.confidence for one in answers])
        given = ground.codes.codes(outputs(answers))
        after = np.mean(
            [
                agreements(np.column_stack([votes.answers, given]))
                for votes in ground.pool.votes(texts)
            ],
            axis=0,
        )
        before = ground.seen.agreement
        codes = ground.codes.codes(self.labels.tolist())
        members = (ground.votes.answers == codes[:, None]).mean(axis=0)
        return {
            "ALine-S": on_the_line(self.accuracy, before, after),
            "ALine-D": _aline_d(np.append(members, self.accuracy), before, after),
            "ATC": above_threshold(self.accuracy, self.confidence, sure),
            "DoC": self.accuracy - float(self.confidence.mean() - sure.mean()),
            "AC, temperature": float(_tempered(sure, self.temperature).mean()),
            "AC": float(sure.mean()),
            "source accuracy": self.accuracy,
        }

    def _cooled(self) -> float:
        """Return the temperature that gives the eval answers their highest likelihood."""
        grid = np.exp(np.linspace(np.log(0.2), np.log(5.0), 200))

        def loss(heat: float) -> float:
            sure = np.clip(_tempered(self.confidence, heat), 1e-6, 1 - 1e-6)
            return -float(np.mean(self.scores * np.log(sure) + (1 - self.scores) * np.log1p(-sure)))

        return float(min(grid, key=loss))


def _tempered(confidence: Floats, heat: float) -> Floats:
    inner = np.clip(confidence, 1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-np.log(inner / (1 - inner)) / heat))


def _aline_d(accuracies: Floats, before: Floats, after: Floats) -> float:
    """Return ALine-D of the last model (Baek et al. 2022, algorithm 1)."""

    def scaled(share: Any) -> Any:
        return stats.norm.ppf(np.clip(share, EDGE, 1 - EDGE))

    first, second = np.triu_indices(len(before), 1)
    x, y = scaled(before[first, second]), scaled(after[first, second])
    slope, _ = line(x, y)
    half = np.zeros((x.size, len(before)))
    half[np.arange(x.size), first] = half[np.arange(x.size), second] = 0.5
    wanted = y + slope * (half @ scaled(accuracies) - x)
    return float(stats.norm.cdf(np.linalg.lstsq(half, wanted, rcond=None)[0][-1]))


def with_cbpe(bench: Bench, judged: list[Judged]) -> str:
    """Add NannyML's estimates; return its version."""
    from tenmillion import environment

    held = {"chance": bench.model.chances(bench.texts)[:, 1], "label": bench.labels}
    for number, one in enumerate(judged):
        held[f"chance_{number}"] = bench.model.chances([text for text, _ in one.target.rows])[:, 1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chances.npz"
        np.savez(file, **held)
        command = [str(environment("nannyml")), str(HERE / "peers/nannyml_cbpe.py"), str(file)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=900)
    found = json.loads(done.stdout.splitlines()[-1])
    for one, accuracy in zip(judged, found["accuracy"], strict=True):
        one.others[CBPE] = accuracy
    return found["version"]


def page(judged: list[Judged], halves: Sequence[str]) -> str:
    parts = []
    for half in halves:
        mine = [one for one in judged if one.target.half == half]
        parts += [f"### The half that was {half}" if half == HELD_BACK else "### Development half"]
        parts += [_summary(mine), _errors(mine), _targets(mine)]
    return "\n\n".join(parts)


def _summary(judged: list[Judged]) -> str:
    wanted = [one for one in judged if one.target.kind in SHOWABLE]
    shown = [one for one in wanted if one.ours.shown]
    wrong = [one for one in shown if abs(_error(one)) > 10.0]
    inside = [one for one in shown if (one.ours.low or 0) <= one.truth <= (one.ours.high or 0)]
    foreign = [one for one in judged if one.target.kind == "foreign"]
    refused: dict[str, int] = {}
    for one in judged:
        if not one.ours.shown:
            refused[one.ours.refused[0]] = refused.get(one.ours.refused[0], 0) + 1
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(refused.items()))
    widths = [100 * ((one.ours.high or 0) - (one.ours.low or 0)) / 2 for one in shown]
    return (
        f"English targets and mixtures: a number is shown on {len(shown)} of {len(wanted)}; where "
        f"shown, it is {_mean([abs(_error(one)) for one in shown])} points off on average and more "
        f"than 10 on {len(wrong)}; the 90 % interval (±{_mean(widths)} points) holds the truth on "
        f"{len(inside)} of {len(shown)}. Foreign-language traffic is refused on "
        f"{sum(not one.ours.shown for one in foreign)} of {len(foreign)}. First reasons of all "
        f"refusals: {reasons or 'none'}."
    )


def _errors(judged: list[Judged]) -> str:
    names = [*METHODS, *([CBPE] if any(CBPE in one.others for one in judged) else [])]
    wanted = [one for one in judged if one.target.kind in SHOWABLE]
    groups = {
        "where ours is shown": [one for one in wanted if one.ours.shown],
        "all English and mixtures": wanted,
        "foreign": [one for one in judged if one.target.kind == "foreign"],
        "edits no test sees": [one for one in judged if one.target.kind == "unseen"],
        "all": judged,
    }
    rows = [
        ["ours (refused ones with the number withheld)"]
        + [
            _mean([abs(_withheld(one) - 100 * one.truth) for one in group])
            for group in groups.values()
        ]
    ]
    rows += [
        [name]
        + [
            _mean([abs(100 * (one.others[name] - one.truth)) for one in group])
            for group in groups.values()
        ]
        for name in names
    ]
    return table(["mean error, points", *groups], rows)


def _targets(judged: list[Judged]) -> str:
    return table(
        ["target", "model", "rows", "truth", "ours", "90 % interval", "off", "why not"],
        [
            [
                one.target.name,
                one.model,
                len(one.target.rows),
                f"{100 * one.truth:.1f}",
                f"{100 * one.ours.accuracy:.1f}" if one.ours.accuracy is not None else "-",
                f"{100 * one.ours.low:.0f} to {100 * one.ours.high:.0f}"
                if one.ours.low is not None and one.ours.high is not None
                else f"({100 * one.ours.bound_low:.0f} to {100 * one.ours.bound_high:.0f})",
                f"{_error(one):+.1f}" if one.ours.shown else "",
                ", ".join(one.ours.refused),
            ]
            for one in judged
            if one.target.kind != "mixture"
        ],
    )


def _withheld(one: Judged) -> float:
    """Return our number, shown or not; without one, what source accuracy would say."""
    return 100 * (one.others["source accuracy"] if one.withheld is None else one.withheld)


def _error(one: Judged) -> float:
    return 100.0 * ((one.ours.accuracy or 0.0) - one.truth)


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):.1f}" if values else "-"


def run(chosen: argparse.Namespace) -> None:
    folder = data_folder_or_skip()
    train, evals = read(folder, SST2, split="train"), read(folder, SST2, split="test")
    pure = [one for one in targets(folder) if one.half in chosen.half]
    everything = [*pure, *(mix for half in chosen.half for mix in mixtures(pure, half))]
    describer = describer_for("text", [text for text, _ in evals])
    strange = [
        describer.factors([text for text, _ in one.rows])["language"] >= 0.5 for one in everything
    ]
    embed = _encoder() if any(name.startswith("minilm") for name in chosen.models) else None
    judged: list[Judged] = []
    notes = []
    for name in chosen.models:
        bench = Bench(name, model_of(name, train, embed), evals, chosen.stresses)
        mine = [bench.judge(*pair) for pair in zip(everything, strange, strict=True)]
        version = with_cbpe(bench, mine) if chosen.peer else ""
        judged += mine
        notes.append(f"{name} {100 * bench.accuracy:.1f} % on eval, {bench.cpu_s:.0f} s of CPU")
        if embed is not None:
            embed.keep()
        print(notes[-1], file=sys.stderr, flush=True)
    peer = f"; NannyML {version}" if chosen.peer else ""
    text = "\n\n".join([f"{conditions()}{peer}. {'; '.join(notes)}.", page(judged, chosen.half)])
    print(text)
    if chosen.write:
        put("labelfree", text, readme=HERE / "README.md")


def _encoder() -> Any:
    sys.path.insert(0, str(HERE.parent / "serving"))
    from encoder import Embeddings
    from prepare import encoder

    return Embeddings(encoder(), HERE / ".cache")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    options.add_argument(
        "--half", nargs="*", default=[DEVELOPMENT, HELD_BACK], choices=[DEVELOPMENT, HELD_BACK]
    )
    options.add_argument("--stresses", type=int, default=0, help="the first N only; 0: all")
    options.add_argument("--peer", action="store_true", help="NannyML's CBPE too")
    options.add_argument("--quick", action="store_true", help="the model of words alone")
    options.add_argument("--write", action="store_true", help="into README.md beside this file")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.models = ["words"]
    run(chosen)


if __name__ == "__main__":
    main()
