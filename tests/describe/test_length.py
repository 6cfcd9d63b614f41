"""Lengths beside the reference."""

import numpy as np

from seatrial.describe.length import Length, words

REFERENCE = [" ".join(["word"] * count) for count in range(5, 26)]


def test_words_are_counted_between_blanks():
    assert words(["one two  three", ""]).tolist() == [3.0, 0.0]


def test_two_letters_of_a_script_without_blanks_count_as_a_word():
    assert words(["你好吗朋友们"]).tolist() == [3.0]


def test_a_length_of_the_reference_is_no_shift():
    length = Length.fit(REFERENCE)
    assert length.intensity(words(REFERENCE)).max() < 0.1


def test_the_longer_a_text_the_stronger_its_intensity():
    found = Length.fit(REFERENCE).intensity(np.array([30.0, 60.0, 200.0, 2_000.0]))
    assert (np.diff(found) > 0).all()
    assert found[2] > 0.5


def test_a_text_far_too_short_is_a_shift_as_well():
    assert Length.fit(REFERENCE).intensity(np.array([1.0]))[0] > 0.5


def test_positions_run_from_the_shortest_to_the_longest():
    length = Length.fit(REFERENCE)
    found = length.position(np.array([1.0, 15.0, 99.0]))
    assert found[0] == 0.0
    assert 0.45 < found[1] < 0.55
    assert found[2] == 1.0


def test_what_was_frozen_gives_equal_numbers():
    length = Length.fit(REFERENCE)
    again = Length.from_document(length.to_document())
    counts = np.arange(0.0, 100.0)
    assert np.array_equal(length.intensity(counts), again.intensity(counts))
    assert np.array_equal(length.position(counts), again.position(counts))
