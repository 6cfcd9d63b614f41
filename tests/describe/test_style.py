"""The reference's surface and how to match it."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.describe.style import Style
from seatrial.describe.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def split(tokenised):
    return Style.of(tokenised)


@pytest.fixture(scope="module")
def prose(reference):
    return Style.of(reference), Vocabulary.fit(reference)


def test_habits_of_a_tokenised_reference_are_read(split):
    assert (split.case, split.spacing, split.contractions) == ("lower", "apart", "apart")
    assert (split.stop, split.one_line) == ("never", True)


def test_habits_of_prose_are_read(prose):
    style, _ = prose
    assert (style.case, style.spacing, style.contractions) == ("sentence", "attached", "attached")


@pytest.mark.parametrize(
    ("raw", "split_up"),
    [
        ("It isn't good, is it?", "it is n't good , is it ?"),
        ("You'll like it!", "you 'll like it"),
        ("(Well-made) and 'short'.", "well made and ' short '"),
        ("Don't pay $3.50", "do n't pay $3 50"),
    ],
)
def test_raw_text_is_set_as_the_tokenised_reference_is(split, raw, split_up):
    set_again = split.cased(split.pared(split.spaced(raw)), Vocabulary({}))
    assert set_again == split_up


def test_the_reference_itself_stays_as_it_is(split, tokenised):
    for text in tokenised:
        assert split.cased(split.pared(split.spaced(text)), Vocabulary({})) == text


def test_tokenised_text_is_put_together_for_a_reference_of_prose(prose):
    style, _ = prose
    assert style.spaced("it is n't here , is it ?") == "it isn't here, is it?"


def test_shouting_comes_down_and_names_keep_their_capitals(prose):
    style, vocabulary = prose
    assert style.cased("WHERE IS MY ORDER? I WANT IT.", vocabulary) == (
        "Where is my order? I want it."
    )
    assert style.cased("Please send the VAT invoice", vocabulary) == "Please send the VAT invoice"


def test_text_without_capitals_gets_them(prose):
    style, vocabulary = prose
    assert style.cased("where is it? i want it.", vocabulary) == "Where is it? I want it."


def test_curly_marks_become_straight_where_the_reference_has_only_those(prose):
    style, _ = prose
    assert style.typed("it’s “here”") == 'it\'s "here"'


def test_a_small_reference_shows_no_habits():
    style = Style.of(["only one text"])
    assert (style.case, style.spacing, style.stop, style.marks) == ("any", "any", "any", "")


@given(st.text(st.sampled_from("aB c.,!?'\"()-’…\n"), max_size=60))
def test_setting_a_text_twice_changes_nothing_more(text):
    style = Style(
        case="lower",
        spacing="apart",
        contractions="apart",
        stop="never",
        one_line=True,
        marks="'!,?.",
    )
    vocabulary = Vocabulary({})

    def as_set(raw):
        for _ in range(3):
            raw = style.cased(style.pared(style.spaced(style.typed(raw))), vocabulary)
        return raw

    assert as_set(as_set(text)) == as_set(text)
