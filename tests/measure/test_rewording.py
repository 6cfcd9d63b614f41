"""Light edits change how a question is put; an edit that does not apply leaves it alone."""

import pytest

from seatrial.measure.rewording import TEXT_EDITS, reworded

TEXTS = [
    "I do not like it.",
    "it's fine",
    'She said "never again"!',
    "\u201cNever\u201d, he said",
    "Refund of $1250 by 2024-03-05",
    "Übergröße passt nicht",
    "Hello, where is it?",
    "12,500 people",
]


@pytest.mark.parametrize("text", TEXTS)
def test_words_survive_every_edit_but_for_contractions_and_numbers(text):
    def letters(given):
        return "".join(one for one in given.lower() if one.isalpha())

    for name, edited in reworded(text).items():
        assert edited != text
        if name in {"case", "final punctuation", "white space", "quotes"}:
            assert letters(edited) == letters(text)
        if name == "greeting":
            assert edited.endswith(text)


@pytest.mark.parametrize("name", TEXT_EDITS)
def test_an_empty_text_stays_empty(name):
    assert TEXT_EDITS[name]("") == ""
    assert name not in reworded("")


@pytest.mark.parametrize(
    ("name", "text", "edited"),
    [
        ("contraction", "Don't you see", "Do not you see"),
        ("contraction", "it is late and I am cold", "it's late and I'm cold"),
        ("quotes", 'a "b" c', "a \u201cb\u201d c"),
        ("number format", "order 1250 costs \u20ac1250", "order 1250 costs \u20ac1,250"),
        ("date format", "by March 5", "by March 5"),
        ("date format", "id 2024-13-05", "id 2024-13-05"),
        ("final punctuation", "wait...", "wait..."),
        ("final punctuation", "(really)", "(really)"),
    ],
)
def test_edits_do_what_is_safe(name, text, edited):
    assert TEXT_EDITS[name](text) == edited


def test_records_are_reordered_rounded_and_their_prose_reworded():
    record = {"plan": "Free", "spent": 1.00000000001, "note": "It is very late"}
    found = reworded(record)
    assert list(found["field order"]) == ["note", "spent", "plan"]
    assert found["field order"] == record
    assert found["rounding"]["spent"] == 1.0
    assert found["case"] == {**record, "note": "it is very late"}
    assert record["spent"] != 1.0


def test_arrays_are_rounded_and_whole_numbers_kept():
    assert reworded([1, 0.12345678]) == {"rounding": [1, 0.123457]}
    assert reworded([1, 2]) == {}


def test_of_a_chat_the_last_thing_its_user_said_is_reworded():
    chat = [
        {"role": "user", "content": "Hi there"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Where is it"},
    ]
    edited = reworded(chat)["case"]
    assert [one["content"] for one in edited] == ["Hi there", "Yes?", "where is it"]
    assert chat[2]["content"] == "Where is it"


@pytest.mark.parametrize("value", [None, 3, b"bytes", [], [{"role": "assistant"}]])
def test_what_cannot_be_reworded_has_no_edits(value):
    assert reworded(value) == {}
