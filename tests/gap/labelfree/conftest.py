"""A made-up table and a model of it, whose accuracy elsewhere is known because labels are."""

import numpy as np
import pytest

from seatrial.gap.asking import Asker
from seatrial.gap.case import outputs
from seatrial.gap.labelfree.looking import Look, Subject
from seatrial.models.answers import Answer
from seatrial.stats.scores import row_scores


def draw(n, seed, *, moved=0.0, noise=0.7):
    """Return rows and labels; ``moved`` shifts one column that decides much."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    x[:, 0] += moved
    plan = rng.choice(["basic", "plus", "pro"], n)
    lift = np.array([{"basic": -0.5, "plus": 0.0, "pro": 0.5}[one] for one in plan])
    score = x[:, 0] + 0.8 * x[:, 1] - 0.5 * x[:, 2] + lift
    labels = np.where(score + rng.normal(scale=noise, size=n) > 0, "stays", "leaves")
    rows = [
        {**{f"c{place}": float(value) for place, value in enumerate(row)}, "plan": one}
        for row, one in zip(x, plan, strict=True)
    ]
    return rows, labels.tolist()


def number(cell):
    return 0.0 if cell is None or np.isnan(cell) else cell


def predict(rows):
    """Answer by the rule that made the labels, with a confidence that means something."""
    lift = {"basic": -0.5, "pro": 0.5}
    scores = np.array(
        [
            number(row["c0"])
            + 0.8 * number(row["c1"])
            - 0.5 * number(row["c2"])
            + lift.get(row["plan"], 0.0)
            for row in rows
        ]
    )
    chance = 1 / (1 + np.exp(-2.0 * scores))
    return [Answer("stays" if p > 0.5 else "leaves", float(max(p, 1 - p))) for p in chance]


def looked(model=predict, *, n=600, task="classification", **options):
    rows, labels = draw(n, 1)
    answers = model(rows)
    return Look.at(
        Subject(
            kind="record",
            task=task,
            inputs=rows,
            labels=labels,
            answers=answers,
            scores=row_scores(outputs(answers), labels),
            ask=Asker(model),
            score=row_scores,
            **options,
        )
    )


@pytest.fixture(scope="session")
def look():
    return looked()


@pytest.fixture(scope="session")
def world():
    """Draw rows, the model, and how to look at another model."""
    return draw, predict, looked
