"""Chat speak."""

import pytest

from seatrial.describe.chat import SPELLINGS, signs, spelt_out

KNOWN = {"you", "your", "please", "thanks", "so", "good", "can't", "week", "wait", "really"}


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("can u wait", "can you wait"),
        ("U cant", "You can't"),
        ("pls", "please"),
        ("sooooo gooood", "so good"),
        ("really", "really"),
    ],
)
def test_a_chat_spelling_becomes_the_word_of_the_reference(written, plain):
    assert spelt_out(written, KNOWN) == plain


def test_a_spelling_that_the_reference_uses_itself_stays():
    assert spelt_out("can u wait", KNOWN | {"u"}) == "can u wait"


def test_a_word_that_the_reference_does_not_have_is_not_put_in():
    assert spelt_out("soz luv", KNOWN) == "soz luv"


def test_contractions_are_known_where_a_tokeniser_split_them():
    assert spelt_out("it wont", {"wo", "n't"}) == "it won't"


def test_nothing_but_words_is_put_in():
    assert all(plain.replace("'", "").isalpha() for plain in SPELLINGS.values())


def test_emoji_slang_runs_of_marks_and_stretched_words_are_signs():
    assert signs("lol 😀 why??? sooo :)") == 5
    assert signs("Why is it late? Order 12:30 (two).") == 0
