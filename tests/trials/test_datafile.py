"""What a data file seems to hold."""

import json

import pytest

from seatrial.core.errors import DataError
from seatrial.trials.datafile import look_at, metric_for, task_of


@pytest.fixture
def write(tmp_path):
    def write(text, name="eval.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def lines(rows):
    return "\n".join(json.dumps(row) for row in rows)


def test_a_column_of_a_usual_name_is_the_text(write):
    found = look_at(write("id,message,label\n1,hello there,a\n2,bye,b\n"))
    assert (found.input, found.columns, found.label) == ("text", "message", "label")
    assert (found.task, found.metric) == ("classification", "accuracy")


def test_a_column_that_numbers_the_rows_is_left_out_and_that_is_said(write):
    found = look_at(write("ID,age,plan,label\n1,2,x,a\n2,3,y,b\n"))
    assert found.columns == ["age", "plan"]
    assert found.notes == ("left out ID: it numbers the rows",)
    assert look_at(write("id,label\n1,a\n2,b\n")).columns == ["id"]


def test_the_only_column_of_sentences_is_the_text_whatever_its_name(write):
    rows = "".join(f"{n},no,the parcel number {n} is late,x\n" for n in range(20))
    found = look_at(write(f"id,country,tweet_text,label\n{rows}"))
    assert (found.input, found.columns) == ("text", "tweet_text")
    assert any("tweet_text" in note for note in found.notes)


def test_categories_are_no_sentences(write):
    rows = "".join(f"{n},the same three words,x\n" for n in range(20))
    assert look_at(write(f"age,plan,label\n{rows}")).columns == ["age", "plan"]


def test_several_columns_are_a_record_in_the_order_of_the_file(write):
    found = look_at(write("b,a,left\n1,2,yes\n3,,no\n"))
    assert (found.input, found.columns, found.label) == ("record", ["b", "a"], "left")
    assert found.notes == ("took the last column, left, for the label",)


def test_very_many_columns_are_named_together(write):
    names = ",".join(f"c{n}" for n in range(100))
    values = ",".join(["1"] * 100)
    assert look_at(write(f"{names},label\n{values},a\n{values},b\n")).columns == "*"


def test_lists_are_arrays(write):
    found = look_at(write(lines([{"x": [1, 2], "label": 0}, {"x": [3, 4], "label": 1}]), "e.jsonl"))
    assert (found.input, found.columns) == ("array", "x")


def test_one_column_alone_is_the_input_and_there_is_no_label(write):
    found = look_at(write("text\nhello\nbye\n"))
    assert (found.input, found.columns, found.label) == ("text", "text", "")


def test_a_text_column_that_comes_last_is_not_taken_for_the_label(write):
    found = look_at(write("id,text\n1,hello\n2,bye\n"))
    assert (found.columns, found.label) == ("text", "")


@pytest.mark.parametrize(
    ("columns", "kind"), [("note", "text"), (["age"], "record"), ("*", "record"), ("age", "array")]
)
def test_columns_that_are_named_are_taken(columns, kind, write):
    path = write("age,note,label\n1,x,a\n2,y,b\n")
    found = look_at(path, columns=columns)
    assert (found.columns, found.input, found.label) == (columns, kind, "label")


def test_a_label_that_is_named_is_taken(write):
    found = look_at(write("age,note,label\n1,x,a\n2,y,b\n"), label="age")
    assert (found.label, found.columns) == ("age", ["note", "label"])


def test_a_column_that_is_missing_is_named(write):
    path = write("age,note,label\n1,x,a\n")
    for options in ({"columns": "noot"}, {"label": "lable"}):
        with pytest.raises(DataError, match="Did you mean"):
            look_at(path, **options)


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        ([True, False], "classification"),
        ([0.0, 1.0], "classification"),
        ([1.5, 2.5], "regression"),
        (list(range(80)), "regression"),
        (["1.5", "2.5"], "classification"),
        ([], "classification"),
    ],
)
def test_the_labels_say_what_the_task_is(labels, task):
    assert task_of(labels) == task


@pytest.mark.parametrize(
    ("labels", "metric"),
    [
        ([0.0, 1.0, 0.5], "within:0.1"),
        ([100_000.0, 300_000.0], "within:20000"),
        ([0.001, 0.002], "within:0.0001"),
        ([5.0, 5.0], "within:0"),
    ],
)
def test_a_tolerance_follows_the_spread_of_the_labels(labels, metric):
    assert metric_for("regression", labels) == metric


def test_regression_files_get_a_tolerance(write):
    found = look_at(write("a,b,price\n1,2,10.5\n3,4,30.25\n"))
    assert (found.task, found.metric) == ("regression", "within:2")
