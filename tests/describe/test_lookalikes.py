"""Look-alike and hidden characters."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.describe.lookalikes import LOOKALIKES, main_script, pairs, script, uncover, unmask

KNOWN = {"refund", "scope", "pay", "a", "he", "the"}


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\U000e0041"]
)
def test_characters_without_a_shape_go(hidden):
    assert uncover(f"re{hidden}fund") == "refund"


@pytest.mark.parametrize(
    "styled", ["𝐫𝐞𝐟𝐮𝐧𝐝", "𝓻𝓮𝓯𝓾𝓷𝓭", "ｒｅｆｕｎｄ", "ⓡⓔⓕⓤⓝⓓ", "𝚛𝚎𝚏𝚞𝚗𝚍", "reﬁ".replace("ﬁ", "fund")]
)
def test_letters_that_differ_in_style_alone_become_plain(styled):
    assert uncover(styled) == "refund"


def test_marks_stacked_on_letters_go():
    assert uncover("r\u0335\u0323\u0301e\u0334\u0324f") == "ref"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d💻",
        "café naïve Zürich",
        "Ｃ言語の本です",
        "Привет, как дела?",
        "x² ½ №5 ①",
    ],
)
def test_what_belongs_to_a_spelling_stays(text):
    assert uncover(text) == text


@pytest.mark.parametrize("masked", ["rеfund", "rефund".replace("ф", "f"), "ѕсоpе", "ραy", "pаy"])
def test_a_word_of_two_scripts_becomes_one(masked):
    assert unmask(masked, "LATIN", KNOWN) in KNOWN


def test_a_word_all_of_lookalikes_changes_only_into_a_known_one():
    assert unmask("рау the а", "LATIN", KNOWN) == "pay the a"
    assert unmask("сор the", "LATIN", KNOWN) == "сор the"


@pytest.mark.parametrize(
    "text",
    ["он не здесь, а там", "не то, а другое", "Το καφέ είναι εδώ", "μg per day", "naïve Ωmega-3"],
)
def test_text_of_another_script_stays(text):
    assert unmask(text, "LATIN", KNOWN | {"oh", "to"}) == text


def test_latin_letters_in_russian_words_become_russian_for_a_russian_reference():
    assert unmask("дeньги и iPhone", "CYRILLIC", {"деньги"}) == "деньги и iPhone"


def test_the_main_script_is_that_of_most_letters():
    assert main_script(["да", "fine words"]) == "LATIN"
    assert main_script(["да нет", "ok"]) == "CYRILLIC"
    assert main_script(["123"]) == "LATIN"


def test_every_lookalike_stands_for_one_letter_of_another_script_or_style():
    every = "".join(LOOKALIKES.values())
    assert len(set(every)) == len(every)
    assert all(unicodedata.name(letter) for letter in every)
    assert all(letter.isascii() for letter in LOOKALIKES)
    assert all(script(letter) == "CYRILLIC" for letter in pairs("CYRILLIC").values())


@given(st.text())
def test_any_text_is_uncovered_and_unmasked_once_and_for_all(text):
    once = unmask(uncover(text), "LATIN", KNOWN)
    assert unmask(uncover(once), "LATIN", KNOWN) == once


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_ascii_is_never_touched(text):
    assert unmask(uncover(text), "LATIN", KNOWN) == text
