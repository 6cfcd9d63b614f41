"""Real data sets: false alarms on quiet rows, and what is found in shifted ones."""

import duckdb
import numpy as np
import pytest

from seatrial.describe.describer import describer_for


@pytest.fixture(scope="module")
def texts(real_data):
    def read(name, where="true", limit=600):
        query = (
            f"select text from '{real_data}/{name}.parquet' where {where} "
            f"order by hash(text) limit {limit}"
        )
        return [row[0] for row in duckdb.sql(query).fetchall()]

    return read


@pytest.fixture(scope="module")
def reviews(texts):
    return describer_for("text", texts("sentiment_sst2", "split = 'train'", 10_000))


def present(describer, rows):
    return {name: float((v >= 0.5).mean()) for name, v in describer.factors(rows).items()}


def test_clean_reviews_raise_few_false_alarms(reviews, texts):
    found = present(reviews, texts("sentiment_sst2", "split = 'test'", 1_000))
    assert found["language"] <= 0.01
    assert found["format"] <= 0.02
    assert found["tampering"] <= 0.02
    assert found["length"] <= 0.02
    assert found["domain"] <= 0.06


@pytest.mark.parametrize("language", ["ar", "de", "es", "fr", "it", "pt"])
def test_tweets_in_another_language_are_unknown(reviews, texts, language):
    rows = texts("sentiment_tweets_multilingual", f"language = '{language}'", 300)
    found = present(reviews, rows)
    assert found["language"] >= 0.9
    assert found["tampering"] <= 0.03


def test_romanised_hindi_is_unknown_though_no_identifier_knows_it(reviews, texts):
    """About three in ten of these tweets are English, whatever the data set says."""
    rows = texts("sentiment_tweets_multilingual", "language = 'hi'", 400)
    assert 0.55 <= present(reviews, rows)["language"] <= 0.8


def test_english_tweets_are_known_but_in_another_form(reviews, texts):
    found = present(reviews, texts("sentiment_tweets_en", limit=600))
    assert found["language"] <= 0.03
    assert found["format"] >= 0.95
    assert found["domain"] >= 0.2


def test_long_reviews_are_longer(reviews, texts):
    assert present(reviews, texts("sentiment_long_reviews", limit=200))["length"] >= 0.8


def test_raw_reviews_are_set_as_the_reference_is(reviews, texts):
    rows = texts("sentiment_sst2", "split = 'test'", 400)
    raw = [f"<p>{row[0].upper()}{row[1:]}.</p>".replace(" n't", "n't") for row in rows]
    restored = reviews.repair("format", raw)
    assert np.mean([a == b for a, b in zip(rows, restored, strict=True)]) >= 0.95
