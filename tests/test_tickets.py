"""The example data keeps what its README says of it."""

import json
import re
from collections import Counter
from itertools import combinations, product
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples" / "tickets"
LABELS = {"delivery", "refund", "billing", "account", "technical", "product"}
LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "pl", "ja"}
FORMS = {"plain", "chat", "thread", "html", "typos", "lookalike"}
NEAR = 0.5
"""Jaccard similarity of 5-character pieces from which two messages count as near-duplicates."""
SHARED_WORDS = 8
"""Two messages of different files never share this many words in a row."""


def rows(name):
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def splits():
    return {name: rows(name) for name in ("train", "eval", "production")}


def words(text):
    return re.sub(r"\W+", " ", text.lower()).split()


def pieces(text):
    joined = " ".join(words(text))
    return frozenset(joined[at : at + 5] for at in range(max(len(joined) - 4, 1)))


def similarity(one, two):
    if min(len(one), len(two)) < NEAR * max(len(one), len(two)):
        return 0.0
    shared = len(one & two)
    return shared / (len(one) + len(two) - shared)


def test_there_are_as_many_rows_as_promised(splits):
    assert len(splits["train"]) + len(splits["eval"]) >= 1000
    assert len(splits["eval"]) >= 500
    assert len(splits["production"]) >= 1000


def test_every_row_has_a_text_and_a_known_label(splits):
    for row in (row for split in splits.values() for row in split):
        assert row["text"].strip()
        assert row["label"] in LABELS


def test_labels_are_spread_about_evenly(splits):
    for split in splits.values():
        counts = Counter(row["label"] for row in split)
        assert min(counts.values()) > 0.8 * max(counts.values())


def test_production_holds_eight_languages_and_every_form(splits):
    production = splits["production"]
    assert {row["language"] for row in production} == LANGUAGES
    assert {row["form"] for row in production} == FORMS
    assert min(Counter(row["form"] for row in production).values()) >= 50
    assert min(Counter(row["language"] for row in production).values()) >= 40


def test_clean_splits_are_plain_ascii_english_but_for_a_few_characters(splits):
    for row in splits["train"] + splits["eval"]:
        odd = sum(ord(char) > 127 for char in row["text"])
        assert odd <= 3, row["text"]
        assert "<" not in row["text"]


def test_no_two_messages_are_near_duplicates(splits):
    cut = {name: [pieces(row["text"]) for row in split] for name, split in splits.items()}
    for split in cut.values():
        assert not [pair for pair in combinations(split, 2) if similarity(*pair) > NEAR]
    for one, two in combinations(cut.values(), 2):
        assert not [pair for pair in product(one, two) if similarity(*pair) > NEAR]


def test_no_long_phrase_stands_in_two_splits(splits):
    def phrases(split):
        found = set()
        for row in split:
            said = words(row["text"])
            found.update(
                tuple(said[at : at + SHARED_WORDS]) for at in range(len(said) - SHARED_WORDS + 1)
            )
        return found

    by_split = {name: phrases(split) for name, split in splits.items()}
    for one, two in combinations(by_split, 2):
        assert not by_split[one] & by_split[two], (one, two)
