"""Tables with planted faults: the column that cost accuracy is named, the others are not."""

from dataclasses import replace

import numpy as np
import pytest

from seatrial.describe.describer import describer_for
from seatrial.gap.case import EvalRows, ProductionRows
from seatrial.gap.gap import measure_gap
from seatrial.models.answers import Answer

NOISE = ("shoe", "tint", "echo")
PLANS = {"free": -1.0, "basic": 0.0, "gold": 1.0}


def rows(n, rng):
    plans = rng.choice(list(PLANS), n)
    table = rng.normal(size=(n, 2 + len(NOISE)))
    truth = 1.6 * table[:, 0] + table[:, 1] + np.array([PLANS[p] for p in plans])
    labels = (truth + rng.logistic(size=n) * 0.6 > 0).astype(int).tolist()
    names = ("age", "use", *NOISE)
    records = [
        dict(zip(names, map(float, row), strict=True)) | {"plan": str(plan)}
        for row, plan in zip(table, plans, strict=True)
    ]
    return records, labels


def predict(records):
    """Weigh three columns; what is missing, unknown or no number counts as nothing."""
    return [
        Answer(int(1.6 * number(row, "age") + number(row, "use") + PLANS.get(row["plan"], 0.0) > 0))
        for row in records
    ]


def number(row, name):
    value = row.get(name)
    return value if isinstance(value, float) else 0.0


def spoil(records, column, value, share, rng):
    """Put a value, or a function of the cell, into a share of the rows; return what was hit."""
    return [
        record | {column: value(record[column]) if callable(value) else value}
        if rng.random() < share
        else record
        for record in records
    ]


def accuracy(records, labels):
    return np.mean(
        [answer.output == label for answer, label in zip(predict(records), labels, strict=True)]
    )


@pytest.fixture
def trial(world, rng):
    """Return the ledger of spoilt rows by step id, and the document."""

    def run(spoilt, labels, **options):
        evals, truth = rows(1500, rng)
        asked = predict(evals)
        case = replace(
            world.case(n=5, n_eval=5),
            eval=EvalRows(evals, truth, asked, None, asked),
            production=ProductionRows(spoilt, predict(spoilt), labels),
            describer=describer_for("record", evals),
            answer=predict,
            **options,
        )
        document = measure_gap(case)
        assert sum(step.points for step in document.steps) == pytest.approx(
            document.drop_points, abs=1e-9
        )
        return {step.id: step for step in document.steps}, document

    return run


def test_nothing_wrong_blames_nothing(trial, rng):
    steps, _ = trial(*rows(2000, rng))
    assert all(abs(s.points) <= 0.3 for s in steps.values() if s.kind != "remainder")


@pytest.mark.parametrize(
    ("column", "value", "share"),
    [("age", None, 0.35), ("plan", "platinum", 0.6), ("use", lambda cell: cell * 1000, 0.3)],
)
def test_one_faulty_column_is_blamed(trial, rng, column, value, share):
    clean, labels = rows(3000, rng)
    spoilt = spoil(clean, column, value, share, rng)
    lost = 100 * (accuracy(spoilt, labels) - accuracy(clean, labels))
    steps, _ = trial(spoilt, labels)
    step = steps[f"column:{column}"]
    assert step.low <= lost <= step.high
    assert step.kind == "association"
    assert abs(steps["remainder"].points) <= 4


def test_two_faulty_columns_share_the_blame(trial, rng):
    clean, labels = rows(3000, rng)
    spoilt = spoil(spoil(clean, "age", None, 0.3, rng), "use", None, 0.4, rng)
    steps, _ = trial(spoilt, labels)
    lost = 100 * (accuracy(spoilt, labels) - accuracy(clean, labels))
    both = steps["column:age"].points + steps["column:use"].points
    assert both == pytest.approx(lost, abs=2)
    assert steps["column:age"].points < steps["column:use"].points < 0


def test_columns_that_shift_wildly_and_do_not_matter_are_not_blamed(trial, rng):
    clean, labels = rows(3000, rng)
    spoilt = [
        record | {"shoe": record["shoe"] * 1e4, "tint": None, "echo": -99.0} for record in clean
    ]
    spoilt = spoil(spoilt, "age", None, 0.35, rng)
    steps, _ = trial(spoilt, labels)
    for name in NOISE:
        assert abs(steps[f"column:{name}"].points) <= 0.3
        assert "does not use it" in steps[f"column:{name}"].why
    assert steps["column:age"].points < -3


def test_a_column_joined_to_the_wrong_rows_is_found_by_its_labels(trial, rng):
    clean, labels = rows(3000, rng)
    ages = rng.permutation([record["age"] for record in clean])
    spoilt = [record | {"age": float(age)} for record, age in zip(clean, ages, strict=True)]
    lost = 100 * (accuracy(spoilt, labels) - accuracy(clean, labels))
    steps, _ = trial(spoilt, labels)
    assert steps["column:age"].points == pytest.approx(lost, abs=4)


def test_a_number_sent_as_text_is_undone_itself(trial, rng):
    clean, labels = rows(3000, rng)
    spoilt = spoil(clean, "age", str, 0.4, rng)
    lost = 100 * (accuracy(spoilt, labels) - accuracy(clean, labels))
    steps, _ = trial(spoilt, labels)
    assert steps["column:age"].kind == "causal"
    assert steps["column:age"].points == pytest.approx(lost, abs=1)


def test_two_hundred_labels_still_find_it(trial, rng):
    clean, labels = rows(2000, rng)
    spoilt = spoil(clean, "age", None, 0.5, rng)
    lost = 100 * (accuracy(spoilt, labels) - accuracy(clean, labels))
    keep = set(rng.choice(2000, 200, replace=False).tolist())
    some = [label if row in keep else None for row, label in enumerate(labels)]
    steps, _ = trial(spoilt, some)
    assert steps["column:age"].low <= lost <= steps["column:age"].high


def test_few_questions_are_admitted(trial, rng):
    clean, labels = rows(2000, rng)
    spoilt = spoil(clean, "age", None, 0.5, rng)
    steps, document = trial(spoilt, labels, rescored_rows=1200)
    assert steps["column:age"].points < -3
    assert any("not every row" in text for text in document.criticisms)
