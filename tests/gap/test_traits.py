"""What rows may have in common is read from columns, descriptors, factors and words."""

import numpy as np
import pytest

from seatrial.gap.traits import LEAST_ROWS, traits

N = 60


def said(inputs, **given):
    """Return the traits by everything that is said of them."""
    fields = {"columns": {}, "descriptors": {}, "intensity": {}, **given}
    return {says: one for one in traits(inputs, **fields) for says in (one.says, *one.also)}


def test_a_category_is_a_trait_and_many_numbers_are_split_at_quantiles():
    records = [{"country": "fr" if row % 3 else "de", "age": row + 0.5} for row in range(N)]
    found = said(records)
    assert found["country = de"].rows.sum() == N / 3
    assert "age <= 29.5" in found
    assert "age > 29.5" in found


def test_few_distinct_numbers_are_values():
    found = said([{"floors": row % 3} for row in range(N)])
    assert set(found) == {"floors = 0", "floors = 1", "floors = 2"}


def test_missing_cells_are_a_trait():
    found = said([{"age": None if row < 20 else float(row)} for row in range(N)])
    assert found["age is missing"].rows[:20].all()


def test_words_are_traits_when_they_are_there_and_when_a_usual_one_is_not():
    texts = ["please send the refund" if row % 2 else "where is it" for row in range(N)]
    found = said(texts)
    assert found['has "please"'].rows.sum() == N / 2
    assert found['has "please"'] is found['has "refund"']
    assert (found['lacks "please"'].rows == ~found['has "please"'].rows).all()


def test_a_chat_is_known_by_what_its_user_said_last():
    chats = [
        [{"role": "user", "content": "refund" if row < 20 else "parcel"}, {"role": "assistant"}]
        for row in range(N)
    ]
    assert said(chats)['has "refund"'].rows.sum() == 20


def test_prose_in_a_table_is_read_word_by_word():
    records = [{"note": f"note {row} says {'late' if row < 20 else 'early'}"} for row in range(N)]
    assert 'has "late" in note' in said(records)


def test_descriptors_and_factors_are_traits():
    words = np.arange(N, dtype=float)
    wrappings = np.array(["html+links" if row < 15 else "" for row in range(N)], dtype=object)
    found = said(
        [""] * N,
        descriptors={"words": words, "wrappings": wrappings, "characters": words},
        intensity={"format": np.where(words < 15, 0.9, 0.0)},
    )
    assert found["wrapped in html"].rows.sum() == 15
    assert found["wrapped in html"] is found["wrapped in links"]
    assert found["wrapped in html"] is found["format unlike the eval set"]
    assert not any("characters" in name for name in found)


@pytest.mark.parametrize("rows", [LEAST_ROWS - 1, N - LEAST_ROWS + 1])
def test_a_trait_of_too_few_rows_or_of_nearly_all_is_none(rows):
    assert said([""] * N, columns={"kind": ["a"] * rows + ["b"] * (N - rows)}) == {}


def test_arrays_are_columns_by_place():
    assert "0 = 1" in said([[float(row % 2), 3.0] for row in range(N)])
