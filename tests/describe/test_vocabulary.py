"""The reference's words."""

import json

from seatrial.describe.vocabulary import Vocabulary

TEXTS = ["The shop on Monday", "the STOP sign; stop the van", "On Monday I don't drive"]


def test_words_are_counted_without_regard_to_case():
    vocabulary = Vocabulary.fit(TEXTS)
    assert vocabulary.counts["the"] == 3
    assert "don't" in vocabulary
    assert "drives" not in vocabulary


def test_words_that_are_never_plain_keep_their_form():
    cased = Vocabulary.fit(TEXTS).cased
    assert cased["monday"] == "Monday"
    assert cased["i"] == "I"
    assert "stop" not in cased


def test_words_seen_in_capitals_are_remembered():
    assert "stop" in Vocabulary.fit(TEXTS).capitals


def test_novelty_is_the_share_of_words_seen_once():
    assert Vocabulary({"a": 8, "b": 1, "c": 1}).novelty == 0.2


def test_what_was_frozen_is_equal():
    vocabulary = Vocabulary.fit([*TEXTS, "Größe \ud800 你好"])
    again = Vocabulary.from_document(json.loads(json.dumps(vocabulary.to_document())))
    assert list(again.counts.items()) == list(vocabulary.counts.items())
    assert again.cased == vocabulary.cased
    assert again.capitals == vocabulary.capitals
