"""Every transformation in the table finds itself, and nothing is found where nothing was done."""

import pytest

from seatrial.measure.causes import ARRAY, RECORD, TEXT, Case, explain
from seatrial.models.answers import Answer
from seatrial.models.subject import CallableSubject

NOTEBOOK = CallableSubject(lambda rows: [repr(row) for row in rows])
TEXTS = [
    f"  Größe {row}: <b>Caf\u00e9</b> &amp; \ufb01ve €uros,\nsecond  LINE \u2019n\u2019 a\u0301 "
    for row in range(8)
]
RECORDS = [
    {"Name": f"Zoë {row}", "b": -row - 0.123456789, "a": 7 + row, "none": None, "empty": ""}
    for row in range(8)
]
ARRAYS = [[[row + 0.123456789, -2.0], [3.5, 4.25]] for row in range(8)]


def found(transform, inputs):
    cases = []
    for value in inputs:
        changed = transform(value)
        if repr(changed) != repr(value):
            cases.append(Case(value, Answer(repr(changed))))
    assert cases
    return explain(NOTEBOOK, cases, [], tolerance=1e-6)


@pytest.mark.parametrize(("table", "inputs"), [(TEXT, TEXTS), (RECORD, RECORDS), (ARRAY, ARRAYS)])
def test_every_transformation_explains_what_it_did(table, inputs):
    for name, transform in table.items():
        if all(repr(transform(value)) == repr(value) for value in inputs):
            continue
        causes = found(transform, inputs)
        assert name in {cause.cause for cause in causes}, name
        assert all(cause.explains <= cause.of for cause in causes)


@pytest.mark.parametrize("length", [16, 20, 48])
def test_where_a_text_is_cut_is_found(length):
    assert f"cuts texts to {length} characters" in {
        cause.cause for cause in found(lambda text: text[:length], TEXTS)
    }


def test_a_transformation_that_would_spoil_what_agrees_comes_last():
    """Lower-casing explains the rows that differ, but the rows that agree would differ too."""
    notebook = CallableSubject(lambda rows: [sum(map(ord, row)) % 1000 for row in rows])
    cases = [
        Case(text, notebook.answer([text[:10]]).answers[0])
        for text in (f"long enough text {row}" for row in range(6))
    ]
    same = ["short", "tiny", "Other"]
    causes = explain(notebook, cases, same, tolerance=1e-6)
    assert causes[0].cause == "cuts texts to 10 characters"
    assert causes[0].spoils == 0


def test_nothing_is_claimed_where_nothing_explains():
    cases = [Case(text, Answer("something else")) for text in TEXTS]
    assert explain(NOTEBOOK, cases, TEXTS, tolerance=1e-6) == ()
    assert explain(NOTEBOOK, [], TEXTS, tolerance=1e-6) == ()
