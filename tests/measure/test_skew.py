"""The same rows through both doors: a callable here, a real HTTP service there."""

import itertools
import json
from contextlib import contextmanager

import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import UnreachableError
from seatrial.evidence.recorder import conditions
from seatrial.measure.skew import measure_skew
from seatrial.models.subject import CallableSubject
from seatrial.models.url import UrlSubject
from seatrial.testing.service import predict_route, serving

AT = conditions("model@0")
TEXTS = [f"Message {row} " + "word Straße " * (row % 7) + ("!" * (row % 3)) for row in range(40)]
RECORDS = [
    {"age": 20 + row, "income": 16777216.0 + 3 * row, "city": "Köln" if row % 3 else None}
    for row in range(40)
]


def digest(value):
    """A notebook model that looks at every character of its input."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    number = sum((place + 1) * ord(letter) for place, letter in enumerate(text))
    return f"class-{number % 97}"


@contextmanager
def service(predict):
    with serving(predict_route(predict)) as url:
        subject = UrlSubject.native(url)
        try:
            yield subject
        finally:
            subject.close()


def measured(inside, outside, inputs, **options):
    with service(outside) as subject:
        return measure_skew(CallableSubject(inside), subject, inputs, at=AT, **options)


def both(change=lambda value: value):
    return lambda values: [digest(change(value)) for value in values]


def test_a_service_that_passes_its_inputs_through_changes_nothing():
    for inputs in (TEXTS, RECORDS, [[1.5, 2.5], [0.1, -3.0]]):
        evidence = measured(both(), both(), inputs)
        assert evidence.value("compared").value == len(inputs)
        assert evidence.value("changed").value == 0
        assert evidence.table("examples") == ()


@pytest.mark.parametrize(
    ("change", "inputs", "cause"),
    [
        (str.lower, TEXTS, "lower-cases texts"),
        (lambda text: text[:20], TEXTS, "cuts texts to 20 characters"),
        (lambda text: text.encode().decode("latin-1"), TEXTS, "reads UTF-8 as Latin-1"),
        (lambda text: text.replace("ß", "ss"), TEXTS, None),
        (
            lambda row: {key: value for key, value in row.items() if value is not None},
            RECORDS,
            "drops missing values",
        ),
        (
            lambda row: {**row, "income": float(np.float32(row["income"]))},
            RECORDS,
            "reads numbers as float32",
        ),
        (lambda row: dict(sorted(row.items())), RECORDS, "sorts fields"),
    ],
)
def test_what_a_service_does_to_its_inputs_is_counted_and_explained(change, inputs, cause):
    expected = sum(digest(change(value)) != digest(value) for value in inputs)
    assert expected > 0
    evidence = measured(both(), both(change), inputs)
    assert evidence.value("changed").value == expected
    assert (
        evidence.value("changed_share").low <= expected / 40 <= evidence.value("changed_share").high
    )
    causes = [row["cause"] for row in evidence.table("causes")]
    assert causes[:1] == ([cause] if cause else [])
    if cause:
        assert evidence.table("causes")[0]["spoils"] == 0


@pytest.mark.parametrize(("make", "named"), [(str, "type"), (float, "type")])
def test_a_label_of_another_type_is_named_as_such(make, named):
    inside = lambda values: [len(value) % 3 for value in values]  # noqa: E731
    outside = lambda values: [make(len(value) % 3) for value in values]  # noqa: E731
    evidence = measured(inside, outside, TEXTS)
    assert evidence.table("kinds") == ({"kind": named, "rows": 40},)


def test_numpy_labels_are_the_labels_that_json_carries():
    inside = lambda values: np.array(["a", "b"])[[len(value) % 2 for value in values]]  # noqa: E731
    outside = lambda values: ["ab"[len(value) % 2] for value in values]  # noqa: E731
    assert measured(inside, outside, TEXTS).value("changed").value == 0


def test_the_round_trip_of_floats_is_no_skew():
    inside = lambda values: [len(value) / 3 for value in values]  # noqa: E731
    outside = lambda values: [float(np.float32(len(value) / 3)) for value in values]  # noqa: E731
    assert measured(inside, outside, TEXTS).value("changed").value == 0


def test_a_model_that_contradicts_itself_is_not_skew():
    turns = itertools.count()
    restless = lambda values: [f"{next(turns)}" for _ in values]  # noqa: E731
    evidence = measured(restless, restless, TEXTS[:10])
    assert evidence.value("unstable_inside").value == 10
    assert evidence.value("compared").value == 0
    assert evidence.value("changed").value is None
    assert "contradicts itself on 10 of 10" in evidence.criticisms[0]


def test_a_service_that_fails_on_batches_is_not_said_to_answer_them_alike():
    def outside(values):
        if len(values) > 1:
            raise ValueError("one at a time, please")
        return both()(values)

    evidence = measured(both(), outside, TEXTS)
    assert evidence.value("changed").value == 0
    assert evidence.value("company_changed").value is None
    assert "alone, but not together" in evidence.value("company_changed").note


def test_answers_that_depend_on_their_company_are_not_skew():
    crowd = lambda values: [f"{digest(value)}-{len(values)}" for value in values]  # noqa: E731
    evidence = measured(crowd, crowd, TEXTS)
    assert evidence.value("changed").value == 0
    assert evidence.value("company_changed").value == 40


def test_a_row_that_only_the_service_refuses_is_a_difference():
    def strict(values):
        if any(value["city"] is None for value in values):
            raise ValueError("city is required")
        return [digest(value) for value in values]

    evidence = measured(both(), strict, RECORDS)
    refused = sum(row["city"] is None for row in RECORDS)
    assert evidence.value("changed").value == refused
    assert evidence.table("kinds") == ({"kind": "refused", "rows": refused},)
    assert "city is required" in evidence.table("examples")[0]["outside"]


def test_rows_that_the_notebook_cannot_answer_are_left_out_and_counted():
    def picky(values):
        if any("0" in value for value in values):
            raise ValueError("no zeros")
        return [digest(value) for value in values]

    evidence = measured(picky, both(), TEXTS)
    without = sum("0" not in text for text in TEXTS)
    assert evidence.value("compared").value == without
    assert any("cannot answer" in sentence for sentence in evidence.criticisms)


def test_a_spent_budget_compares_fewer_rows_and_says_so():
    evidence = measured(both(), both(), TEXTS, budget=TimeBudget(0.0))
    assert evidence.cut_short
    assert evidence.value("compared").value == 25


def test_nobody_there_is_an_error_and_not_a_difference():
    with serving(predict_route(both())) as url:
        pass
    subject = UrlSubject.native(url, timeout_s=2.0)
    with pytest.raises(UnreachableError):
        measure_skew(CallableSubject(both()), subject, TEXTS[:3], at=AT)
    subject.close()
