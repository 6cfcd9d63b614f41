"""The rows that a folder supplies."""

from datetime import UTC, datetime, timedelta

import pytest

from seatrial.core.errors import DataError, SettingsError
from seatrial.core.settings import parse
from seatrial.records.log import LogWriter
from seatrial.records.record import Feedback, Record
from seatrial.records.reviewing import Plan, ReviewLabel, ReviewSample
from seatrial.records.sealing import seal
from seatrial.records.tables import write_rows
from seatrial.trials.supplied import read_supplied

OURS, OTHERS = "m@1", "m@0"
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    write_rows(
        tmp_path / "eval.jsonl",
        {"text": ["a", "b", "c"], "age": [1, 2, 3], "label": ["x", None, "y"]},
    )
    return tmp_path


def supplied(folder, *, evals=None, production=None, model=None):
    document = {
        "model": {"load": "model:load", **(model or {})},
        "eval": {"data": "eval.jsonl", **(evals or {})},
        "production": production or {},
    }
    return read_supplied(parse(document, environment={}), folder, release=OURS)


def record(number, *, release=OURS, status="answered", **fields):
    return Record(
        id=str(number),
        row=0,
        time=START + timedelta(seconds=number),
        origin=fields.pop("origin", "user"),
        release=release,
        variant="original",
        route="/predict",
        status=status,
        **{"input": f"text {number}", "output": "x", **fields},
    )


def log(folder, *events):
    with LogWriter(folder) as writer:
        writer.append(list(events))


def test_eval_rows_without_a_label_are_left_out(folder):
    found = supplied(folder)
    assert found.eval.inputs == ["a", "c"]
    assert found.eval.labels == ["x", "y"]
    assert found.production is None
    assert found.counts() == {"eval": 2, "production": 0, "labelled": 0}


def test_no_eval_file_is_an_error_with_an_example(folder):
    with pytest.raises(SettingsError, match="data ="):
        supplied(folder, evals={"data": ""})


def test_production_takes_its_columns_from_eval(folder):
    write_rows(
        folder / "production.jsonl",
        {"text": ["p", "q"], "age": [1, 2], "label": ["x", None], "country": ["de", "no"]},
    )
    found = supplied(folder, production={"data": "production.jsonl", "slices": ["country"]})
    assert found.production.inputs == ["p", "q"]
    assert found.production.labels == ["x", None]
    assert found.production.columns == {"country": ["de", "no"]}
    assert found.counts() == {"eval": 2, "production": 2, "labelled": 1}


def test_every_column_means_the_columns_of_eval_for_production_too(folder):
    write_rows(
        folder / "production.jsonl",
        {"text": ["p"], "age": [1], "note": ["n"], "label": ["x"]},
    )
    found = supplied(
        folder,
        evals={"input": "*"},
        production={"data": "production.jsonl"},
        model={"input": "record"},
    )
    assert found.production.inputs == [{"text": "p", "age": 1}]


def test_production_without_a_label_column_has_no_labels(folder):
    write_rows(folder / "production.jsonl", {"text": ["p"]})
    assert supplied(folder, production={"data": "production.jsonl"}).production.labels is None


def test_a_label_column_that_is_named_has_to_be_there(folder):
    write_rows(folder / "production.jsonl", {"text": ["p"]})
    with pytest.raises(DataError, match="truth"):
        supplied(folder, production={"data": "production.jsonl", "label": "truth"})


def test_a_text_is_a_text_even_where_every_cell_is_a_number(folder):
    (folder / "production.csv").write_text("text,label\n12,x\n007,y\n")
    found = supplied(folder, production={"data": "production.csv"})
    assert found.production.inputs == ["12", "007"]


def test_the_log_gives_what_users_sent_and_what_became_of_it(folder):
    log(
        folder,
        record(1, output="x", confidence=0.9),
        record(2, output=None, status="failed"),
        record(3, output="y", confidence=0.2, status="abstained"),
        record(4, origin="drill"),
        Feedback(id="1", row=0, time=START, label="y"),
    )
    found = supplied(folder)
    assert found.production.inputs == ["text 1", "text 2", "text 3"]
    assert found.production.labels == ["y", None, None]
    assert found.recorded.fates == ["answered", "failed", "abstained"]
    assert [a and a.output for a in found.recorded.answers] == ["x", None, "y"]


def review(folder, answers: dict[str, str], *, share: float = 1.0) -> None:
    seal(folder)
    with ReviewSample(folder) as sample:
        sample.draw(Plan(first_share=share), seed=0)
        for row in sample.rows():
            if row.id in answers:
                told = ReviewLabel(id=row.id, reviewer="anna", label=answers[row.id], time=START)
                sample.label(told)


def test_reviewed_rows_carry_their_labels_and_probabilities(folder):
    """Labels that users volunteered do not count: nobody knows with what chance they came."""
    log(
        folder,
        *(record(n) for n in range(1, 21)),
        Feedback(id="1", row=0, time=START, label="volunteered"),
    )
    review(folder, {str(n): "reviewed" for n in range(1, 21)}, share=0.5)
    found = supplied(folder).production
    assert set(found.labels) == {"reviewed", None}
    assert found.probabilities is not None
    assert {p for p, said in zip(found.probabilities, found.labels, strict=True) if said} == {0.5}


def test_a_sample_that_nobody_reviewed_leaves_the_labels_of_users(folder):
    log(folder, record(1), record(2), Feedback(id="1", row=0, time=START, label="y"))
    review(folder, {})
    found = supplied(folder).production
    assert found.labels == ["y", None]
    assert found.probabilities is None


def test_labels_outlive_the_release_that_was_reviewed(folder):
    log(folder, record(1, release=OTHERS))
    review(folder, {"1": "x"})
    found = supplied(folder)
    assert (found.production.labels, found.production.probabilities) == (["x"], [1.0])
    assert found.recorded is None


def test_what_another_release_answered_is_asked_again(folder):
    log(folder, record(1, release=OTHERS), record(2, release=OTHERS))
    found = supplied(folder)
    assert found.production.inputs == ["text 1", "text 2"]
    assert found.recorded is None


def test_answers_of_this_release_are_preferred_to_those_of_others(folder):
    log(folder, record(1, release=OTHERS), record(2))
    found = supplied(folder)
    assert found.production.inputs == ["text 2"]
    assert len(found.recorded.answers) == 1


def test_inputs_that_were_not_kept_are_no_rows(folder):
    log(folder, record(1, input=None))
    assert supplied(folder).production is None


def test_a_file_is_preferred_to_the_log(folder):
    log(folder, record(1))
    write_rows(folder / "production.jsonl", {"text": ["p"]})
    found = supplied(folder, production={"data": "production.jsonl"})
    assert found.production.inputs == ["p"]
    assert found.recorded is None
