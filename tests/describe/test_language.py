"""Languages: a posterior, and what the reference knows."""

import numpy as np
import pytest

from seatrial.describe.language import Language, labels, posterior
from seatrial.describe.vocabulary import Vocabulary

GERMAN = "Guten Tag, wo bleibt meine Bestellung? Sie sollte gestern schon hier sein."
FRENCH = "Bonjour, je voudrais savoir où est ma commande, elle devait arriver hier."
HINDI = "bhai mera order abhi tak nahi aaya, kab milega mujhe bata do yaar"


@pytest.fixture(scope="module")
def english(reference):
    return Language.fit(reference, Vocabulary.fit(reference))


def known(language, texts):
    return language.known_mass(posterior(texts), texts)


def test_rows_of_the_posterior_sum_to_one():
    found = posterior([GERMAN, "", "!!!", "ok"])
    assert found.shape == (4, len(labels()))
    assert found.sum(axis=1) == pytest.approx(1.0)


def test_a_sentence_has_one_likely_language():
    found = posterior([GERMAN, FRENCH])
    assert [labels()[index] for index in found.argmax(axis=1)] == ["de", "fr"]
    assert found.max(axis=1).min() > 0.8


def test_a_short_text_has_many():
    assert posterior(["no"]).max() < 0.3
    assert posterior([""]).max() < 0.02


def test_the_reference_knows_the_languages_that_it_holds(english):
    assert english.known == ("en",)


def test_a_reference_of_two_languages_knows_both(reference):
    texts = reference[:60] + [f"{GERMAN} Nummer {number}." for number in range(30)]
    both = Language.fit(texts, Vocabulary.fit(texts))
    assert set(both.known) == {"en", "de"}
    assert known(both, [GERMAN])[0] > 0.9
    assert known(both, [FRENCH])[0] < 0.1


def test_other_languages_are_unknown_in_any_spelling(english):
    assert (known(english, [GERMAN, FRENCH, HINDI]) < 0.2).all()


def test_what_is_too_short_to_say_counts_as_known(english):
    assert (known(english, ["", "ok", "no", "Order 4412?"]) > 0.5).all()


def test_one_or_two_words_of_the_reference_are_known(reference):
    vocabulary = Vocabulary.fit([*reference, "a rare and human thing", "of superior nature"])
    language = Language.fit(reference, vocabulary)
    short = ["rare", "human nature", "superior"]
    assert (known(language, short) > 0.8).all()
    assert known(language, ["nature rara humana"])[0] < known(language, short).min()


def test_one_stray_foreign_text_makes_no_language_of_the_reference(reference):
    texts = [*reference[:200], GERMAN]
    assert Language.fit(texts, Vocabulary.fit(texts)).known == ("en",)


def test_a_reference_without_words_calls_nothing_foreign():
    digits = Language.fit(["123", "456"], Vocabulary({}))
    assert digits.known == ()
    assert known(digits, [GERMAN])[0] == 1.0


def test_what_was_frozen_gives_equal_numbers(english, held_out):
    again = Language.from_document(english.to_document(), english.vocabulary)
    assert np.array_equal(known(english, held_out[:50]), known(again, held_out[:50]))
