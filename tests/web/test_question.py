"""What is asked fits the task, and only answers to it become labels."""

from __future__ import annotations

import pytest

from seatrial.core import settings as table
from seatrial.core.errors import InputError
from seatrial.web.question import (
    LABEL_MAX,
    Question,
    checked_label,
    checked_tags,
    checked_text,
    keys_of,
    question,
)


@pytest.fixture
def ask(make_folder):
    def asked(*, outputs=(), given=(), **made):
        path = make_folder([], [], **made).path
        return question(table.load(path), path, outputs=outputs, labels=given)

    return asked


def test_few_classes_have_a_key_each(ask) -> None:
    asked = ask(labels=("b", "a", "b", "C"))
    assert (asked.mode, asked.classes, asked.keys) == ("choices", ["a", "b", "C"], ["1", "2", "3"])


def test_digits_are_their_own_keys(ask) -> None:
    assert ask(labels=(1, 0)).keys == ["0", "1"]
    assert keys_of([10, 2]) == ["1", "2"]


def test_many_classes_are_typed(ask) -> None:
    assert ask(labels=tuple(f"class {place}" for place in range(11))).mode == "typed"


def test_without_an_eval_set_the_answers_tell_the_classes(ask, tmp_path) -> None:
    asked = ask(labels=(), outputs=["yes", "no"], given=["maybe"])
    assert asked.classes == ["maybe", "no", "yes"]


def test_labels_that_were_given_are_known_classes(ask) -> None:
    assert ask(labels=("a",), outputs=["x"], given=["new"]).classes == ["a", "new"]


def test_regression_asks_for_a_number_and_generation_for_a_judgement(ask) -> None:
    assert ask(task="regression", labels=(1.0,)).mode == "number"


def test_generation_asks_for_a_judgement(ask) -> None:
    assert ask(task="generation", labels=("x",)).mode == "judged"


TEXTS = Question(
    name="m",
    kind="text",
    task="classification",
    mode="choices",
    ask="?",
    classes=["no", "yes"],
    names=["no", "yes"],
)
NUMBERS = Question(
    name="m",
    kind="text",
    task="classification",
    mode="choices",
    ask="?",
    classes=[0, 1],
    names=["0", "1"],
)
TRUTH = Question(
    name="m",
    kind="text",
    task="classification",
    mode="choices",
    ask="?",
    classes=[False, True],
    names=["false", "true"],
)
AMOUNT = Question(name="m", kind="text", task="regression", mode="number", ask="?")
JUDGED = Question(name="m", kind="text", task="generation", mode="judged", ask="?")


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        (TEXTS, "yes"),
        (NUMBERS, 1),
        (NUMBERS, 1.0),
        (TRUTH, True),
        (AMOUNT, -1.5),
        (AMOUNT, 3),
        (JUDGED, ""),
        (JUDGED, "two\nlines"),
    ],
)
def test_answers_to_the_question_are_labels(asked, label) -> None:
    assert checked_label(asked, label, new=False) == label


@pytest.mark.parametrize(
    ("asked", "label", "why"),
    [
        (TEXTS, "yess", 'Did you mean "yes"'),
        (TEXTS, 1, "is a number"),
        (TEXTS, "", "is empty"),
        (TEXTS, "y" * (LABEL_MAX + 1), "characters"),
        (TEXTS, "ye\u202es", "cannot be seen"),
        (TEXTS, "yes\nno", "cannot be seen"),
        (NUMBERS, "1", "is a text"),
        (NUMBERS, True, "is a truth value"),
        (NUMBERS, 2, "none of the 2"),
        (TRUTH, 1, "is a number"),
        (AMOUNT, "3", "finite number"),
        (AMOUNT, float("inf"), "finite number"),
        (AMOUNT, float("nan"), "finite number"),
        (AMOUNT, -(10**400), "finite number"),
        (AMOUNT, True, "finite number"),
    ],
)
def test_anything_else_is_refused_with_what_is_accepted(asked, label, why) -> None:
    with pytest.raises(InputError) as refused:
        checked_label(asked, label, new=False)
    assert why in str(refused.value)


def test_a_new_class_is_taken_where_it_is_meant_and_of_the_same_type() -> None:
    assert checked_label(TEXTS, " maybe ", new=True) == "maybe"
    with pytest.raises(InputError, match="is a number"):
        checked_label(TEXTS, 2, new=True)


def test_a_class_as_the_eval_set_writes_it_is_left_as_it_is() -> None:
    odd = Question(
        name="m",
        kind="text",
        task="classification",
        mode="choices",
        ask="?",
        classes=[" e\u0301 "],
        names=[" e\u0301 "],
    )
    assert checked_label(odd, " e\u0301 ", new=False) == " e\u0301 "


def test_names_and_tags_are_one_line_that_can_be_seen() -> None:
    assert checked_text("  Zoe\u0308 ", what="name", longest=40) == "Zo\u00eb"
    for wrong in ("", "   ", "a\nb", "a\x00", "x" * 41):
        with pytest.raises(InputError, match="the name"):
            checked_text(wrong, what="name", longest=40)
    assert checked_tags(["a", " a", "b"]) == ("a", "b")
    for tags in (["a;b"], [""], ["x"] * 13):
        with pytest.raises(InputError, match="tag"):
            checked_tags(tags)
