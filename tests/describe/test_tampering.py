"""Tampering undone towards the reference."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import json

import pytest

from seatrial.describe.tampering import Tampering
from seatrial.describe.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def tampering(reference):
    return Tampering.fit(reference, Vocabulary.fit(reference))


def mended(tampering, text):
    return tampering.reworded(tampering.unveiled(text))


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("I want a r3fund n0w", "I want a refund now"),
        ("my p@ssw0rd", "my password"),
        ("pl3ase s3nd m0ney b4ck", "please send money back"),
        ("baIance", "balance"),
        ("lnvoice", "invoice"),
        ("my r.e.f.u.n.d please", "my refund please"),
        ("the la mp is broken", "the lamp is broken"),
        ("Refnud TEH order", "Refund TEH order"),
        ("WHERE IS TEH ORDER", "WHERE IS THE ORDER"),
        ("my gіft саrd", "my gift card"),
    ],
)
def test_disguised_broken_and_mistyped_words_are_read(tampering, sent, meant):
    assert mended(tampering, sent) == meant


@pytest.mark.parametrize(
    "text",
    [
        "order 4412 came at 5pm on the 3rd, 2x4 planks, 10kg",
        "write to refnud@shop.example or see https://x.y/teh",
        "ask Mr Teh about @teh and #teh",
        "model HL-3309 and B2B, mp3, 4K",
        "<b class='teh'>ok</b> doesn&rsquo;t",
        "two  blanks   stay where they are",
        "",
    ],
)
def test_numbers_names_addresses_and_tags_stay(tampering, text):
    assert mended(tampering, text) == text


def test_mending_twice_changes_nothing_more(tampering, production):
    for row in production:
        once = mended(tampering, row["text"])
        assert mended(tampering, once) == once


def test_a_reference_that_is_full_of_something_keeps_it():
    texts = ["the ｗｉｄｅ letters are here"] * 30
    tampering = Tampering.fit(texts, Vocabulary.fit(texts))
    assert tampering.habits == {"uncover"}
    assert tampering.unveiled(texts[0]) == texts[0]


def test_what_was_frozen_mends_alike(tampering, production):
    document = json.loads(json.dumps(tampering.to_document()))
    again = Tampering.from_document(document, tampering.vocabulary)
    for row in production[:100]:
        assert mended(again, row["text"]) == mended(tampering, row["text"])
