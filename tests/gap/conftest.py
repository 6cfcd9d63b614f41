"""A small world whose truth is known: texts that say their own label, and a model that reads it.

A text is ``"<label> <number>"``; the number decides, once and for all, whether the model reads it
rightly. A text in another tongue starts with ``xx``, a wrapped one is inside ``<b>``, a damaged one
has ``#`` in it, a long one ends in dots: each takes its share of right answers away.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from seatrial.evidence.machine import Machine
from seatrial.evidence.recorder import Conditions
from seatrial.gap.case import EvalRows, GapCase, ProductionRows
from seatrial.models.answers import Answer

MACHINE = Machine(
    cpu="test", cores=1, memory_gib=1, accelerator=None, system="test", python="3", versions={}
)
LOSS = {"language": 0.35, "format": 0.25, "tampering": 0.2, "length": 0.15}
SIGNS = {"language": "xx", "format": "<b>", "tampering": "#", "length": "..."}


def read(text):
    """Answer one text: right with a chance that every factor lowers."""
    label, number = re.search(r"(\d) (\d+)", text).groups()
    luck = (int(number) * 2654435761 % 2**32) / 2**32
    chance = 0.85 - sum(LOSS[name] for name, sign in SIGNS.items() if sign in text)
    return int(label) if luck < chance else 1 - int(label)


def predict(texts):
    return [Answer(read(text)) for text in texts]


def plant(text, *factors):
    for name in factors:
        text = {
            "language": f"xx {text}",
            "format": f"<b>{text}</b>",
            "tampering": f"{text}#",
            "length": f"{text} ...",
        }[name]
    return text


class Signs:
    """A describer that sees the signs, and undoes two of them."""

    def describe(self, inputs):
        return {"language": np.array(["xx" if "xx" in t else "en" for t in inputs], dtype=object)}

    def factors(self, inputs):
        return {name: np.array([float(sign in t) for t in inputs]) for name, sign in SIGNS.items()}

    def repair(self, factor, inputs):
        if factor == "format":
            return [re.sub("<.?b>", "", text) for text in inputs]
        if factor == "tampering":
            return [text.replace("#", "") for text in inputs]
        return None


@dataclass(frozen=True)
class World:
    """Draws eval rows and production rows, and knows what each factor cost."""

    rng: np.random.Generator

    def texts(self, n):
        numbers = self.rng.integers(0, 10**9, n)
        return [f"{number % 2} {number}" for number in numbers]

    def case(self, planted=None, *, n_eval=1500, n=1500, labelled=None, **options):
        evals, plain = self.texts(n_eval), self.texts(n)
        texts = [
            plant(text, *(name for name, share in (planted or {}).items() if draw[name] < share))
            for text, draw in (
                (t, {name: self.rng.random() for name in planted or {}}) for t in plain
            )
        ]
        labels = [int(re.search(r"\d", text).group()) for text in plain]
        if labelled is not None:
            keep = set(self.rng.choice(n, labelled, replace=False).tolist())
            labels = [label if row in keep else None for row, label in enumerate(labels)]
        asked = predict(evals)
        return GapCase(
            eval=EvalRows(evals, [int(t[0]) for t in evals], asked, None, asked),
            production=ProductionRows(texts, predict(texts), labels),
            conditions=Conditions(release="m@0", machine=MACHINE, seed=int(n)),
            describer=Signs(),
            answer=predict,
            metrics=(),
            **options,
        )


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def world(rng):
    return World(rng)


@pytest.fixture
def changed():
    """Return a case with some of its production or eval rows' fields replaced."""

    def change(case, *, production=None, evals=None, **fields):
        if production:
            fields["production"] = replace(case.production, **production)
        if evals:
            fields["eval"] = replace(case.eval, **evals)
        return replace(case, **fields)

    return change


@pytest.fixture
def loss():
    """What each sign costs a row that has it, as a fraction."""
    return LOSS
