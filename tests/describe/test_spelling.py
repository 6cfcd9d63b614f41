"""Slips of the keyboard."""

import math

import pytest

from seatrial.describe.spelling import Shape, Spelling, adjacent, edit, unaccented
from seatrial.describe.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def spelling(reference):
    return Spelling(Vocabulary.fit(reference))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("teh", "the"),
        ("refnud", "refund"),
        ("delviery", "delivery"),
        ("adress", "address"),
        ("passwrod", "password"),
        ("accoubt", "account"),
        ("parrcel", "parcel"),
        ("réfund", "refund"),
    ],
)
def test_a_slip_becomes_the_word_that_was_meant(spelling, typed, meant):
    assert spelling.correct(typed) == meant


@pytest.mark.parametrize(
    "word",
    ["refund", "refundable", "parcels", "order", "warranty", "asleep", "zygote", "xyz", "ab"],
)
def test_known_words_other_forms_and_new_words_stay(spelling, word):
    assert spelling.correct(word) == word


def test_a_word_seen_once_corrects_nothing():
    vocabulary = Vocabulary({"the": 50, "parcel": 1, "order": 20})
    assert Spelling(vocabulary).correct("pracel") == "pracel"


def test_a_very_long_word_is_left_alone(spelling):
    assert spelling.correct("a" * 40) == "a" * 40


@pytest.mark.parametrize(
    ("typed", "meant", "kind"),
    [
        ("teh", "the", "swap"),
        ("oder", "order", "drop"),
        ("orrder", "order", "extra"),
        ("orfer", "order", "other"),
        ("oedre", "order", "far"),
        ("order", "order", "far"),
    ],
)
def test_one_edit_is_told_by_kind(typed, meant, kind):
    assert edit(typed, meant)[0] == kind


def test_neighbouring_keys():
    assert adjacent("a", "s")
    assert adjacent("t", "t")
    assert not adjacent("a", "p")
    assert not adjacent("a", "ß")


def test_probabilities_of_all_short_words_sum_to_no_more_than_one():
    shape = Shape(["aa", "ab", "ba", "b"])
    letters = "abc"
    words = ["", *letters, *(a + b for a in letters for b in letters)]
    assert sum(math.exp(shape.log_probability(word)) for word in words) <= 1.0


def test_words_built_like_the_reference_are_likelier(spelling):
    assert spelling.shape.log_probability("reorder") > spelling.shape.log_probability("rxqzder")


def test_marks_and_strokes_come_off_letters():
    assert unaccented("réfünd øł") == "refund ol"
