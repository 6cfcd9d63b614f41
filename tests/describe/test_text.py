"""Texts beside a reference of real writing: the five factors and their repair."""

# ruff: noqa: RUF001 - characters that look alike are what is tested

import json

import numpy as np
import pytest

from seatrial.describe.describer import describer_from

PRESENT = 0.5
UNDONE = ("format", "tampering")


@pytest.fixture(scope="module")
def found(tickets, production):
    """Share of rows with each factor, by language and form."""
    intensities = tickets.factors([row["text"] for row in production])

    def share(factor, *, form, languages):
        rows = [
            at
            for at, row in enumerate(production)
            if row["form"] == form and (row["language"] in languages)
        ]
        assert len(rows) >= 40
        return float((intensities[factor][rows] >= PRESENT).mean())

    return share


OTHERS = {"de", "fr", "es", "it", "pt", "pl", "ja"}


@pytest.mark.parametrize(
    ("form", "factor"),
    [
        ("html", "format"),
        ("thread", "format"),
        ("chat", "format"),
        ("typos", "tampering"),
        ("lookalike", "tampering"),
        ("thread", "length"),
    ],
)
def test_what_users_did_to_their_messages_is_found(found, form, factor):
    assert found(factor, form=form, languages={"en"}) >= 0.95


def test_messages_in_other_languages_are_found(found):
    assert found("language", form="plain", languages=OTHERS) >= 0.98


@pytest.mark.parametrize("factor", ["language", "domain", "format", "tampering"])
def test_plain_english_messages_raise_nothing(found, factor):
    assert found(factor, form="plain", languages={"en"}) <= 0.03


@pytest.mark.parametrize("form", ["html", "thread", "typos", "lookalike"])
def test_a_message_in_another_form_is_in_no_other_language(found, form):
    assert found("language", form=form, languages={"en"}) <= 0.02


def test_messages_in_other_languages_are_not_called_far_or_tampered(found):
    for factor in ("domain", "tampering"):
        assert found(factor, form="plain", languages=OTHERS) <= 0.02


@pytest.mark.parametrize("factor", ["language", "domain", "length", "format", "tampering"])
def test_held_out_clean_messages_raise_at_most_two_in_a_hundred(tickets, held_out, factor):
    assert (tickets.factors(held_out)[factor] >= PRESENT).mean() <= 0.02


@pytest.mark.parametrize("factor", UNDONE)
def test_repairs_leave_the_reference_alone(tickets, reference, factor):
    changed = [
        before != after
        for before, after in zip(reference, tickets.repair(factor, reference), strict=True)
    ]
    assert np.mean(changed) <= 0.01


@pytest.mark.parametrize("factor", UNDONE)
def test_repairing_twice_changes_nothing_more(tickets, production, factor):
    once = tickets.repair(factor, [row["text"] for row in production])
    assert tickets.repair(factor, once) == once


def test_a_row_without_the_factor_comes_back_equal(tickets, production):
    texts = [row["text"] for row in production]
    intensities = tickets.factors(texts)
    for factor in UNDONE:
        repaired = tickets.repair(factor, texts)
        untouched = np.flatnonzero(intensities[factor] == 0.0)
        assert all(repaired[at] == texts[at] for at in untouched)


def test_foreign_text_is_unwrapped_but_its_words_stay(tickets, production):
    texts = [row["text"] for row in production if row["language"] in OTHERS]
    mended = tickets.repair("tampering", texts)
    assert np.mean([a != b for a, b in zip(texts, mended, strict=True)]) <= 0.02
    german = "<p>WO BLEIBT mein Pakett? Ich wrate seit Tagen auf die Lieferung.</p>"
    assert tickets.repair("format", [german]) == [
        "WO BLEIBT mein Pakett? Ich wrate seit Tagen auf die Lieferung."
    ]


def test_what_cannot_be_undone_is_not(tickets):
    for factor in ("language", "domain", "length"):
        assert tickets.repair(factor, ["Guten Tag"]) is None


def test_factors_are_undone_one_after_another_in_any_order(tickets):
    sent = "<p>whеre is teh &#112;arcel</p>"
    one = tickets.repair("tampering", tickets.repair("format", [sent]))
    other = tickets.repair("format", tickets.repair("tampering", [sent]))
    assert one == other == ["Where is the parcel."]


def test_an_input_is_described_alone_as_in_company(tickets, production):
    texts = [row["text"] for row in production[:60]]
    together = tickets.factors(texts)
    for at, text in enumerate(texts):
        alone = tickets.factors([text])
        assert all(alone[name][0] == values[at] for name, values in together.items())


def test_the_frozen_reference_gives_equal_numbers_and_repairs(tickets, production):
    document = json.dumps(tickets.to_document(), allow_nan=False)
    assert len(document) < 2_000_000
    again = describer_from(json.loads(document))
    texts = [row["text"] for row in production[:200]]
    for before, after in ((tickets.factors, again.factors), (tickets.describe, again.describe)):
        first, second = before(texts), after(texts)
        assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(again.repair(f, texts) == tickets.repair(f, texts) for f in UNDONE)


def test_descriptors_say_what_a_text_is_wrapped_in(tickets):
    found = tickets.describe(['{"text": "<p>Where is my order?</p>"}', "Where is my order?"])
    assert found["wrappings"].tolist() == ["html+json", ""]
    assert found["words"].tolist() == [4.0, 4.0]
    assert found["language"][1] == "en"


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "\ud800 lone",
        "<" * 3_000,
        "<!--" * 3_000,
        "<style>" * 2_000,
        "@" * 5_000,
        "*a " * 2_000,
        "{" * 5_000,
        "a.b." * 2_000,
        "0lI1" * 2_000,
        "> \n" * 2_000,
        "😀" * 2_000,
        "\u0301" * 2_000,
        "a" * 60_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_whatever_is_sent_is_described(tickets, text):
    for values in tickets.factors([text]).values():
        assert 0.0 <= values[0] <= 1.0
    for factor in UNDONE:
        assert len(tickets.repair(factor, [text])) == 1


def test_a_text_longer_than_is_read_is_not_repaired(tickets):
    text = "<p>word</p> " * 10_000
    assert tickets.repair("format", [text]) == [text]
