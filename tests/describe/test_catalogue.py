"""Every descriptor and factor is documented."""

import pytest

from seatrial.describe.catalogue import DESCRIPTORS, FACTORS, pattern
from seatrial.describe.table import TableDescriber

RECORDS = [{"a": 1, "b": "x"}] * 3


def documented(table, kind):
    return {entry.name for entry in table if entry.of == kind}


def test_every_text_descriptor_is_documented_and_every_documented_one_exists(tickets):
    assert set(tickets.describe(["some text"])) == documented(DESCRIPTORS, "text")


def test_every_text_factor_is_documented(tickets):
    assert set(tickets.factors(["some text"])) == documented(FACTORS, "text")
    assert set(tickets.factor_ids) == documented(FACTORS, "text")


def test_every_record_descriptor_and_factor_is_documented():
    table = TableDescriber.fit(RECORDS)
    assert set(map(pattern, table.describe(RECORDS))) == documented(DESCRIPTORS, "record")
    assert set(map(pattern, table.factors(RECORDS))) == documented(FACTORS, "record")


@pytest.mark.parametrize("entry", [*DESCRIPTORS, *FACTORS], ids=lambda entry: entry.name)
def test_each_has_a_unit_and_a_sentence(entry):
    assert entry.unit
    assert entry.meaning[0].isupper()
    assert entry.meaning.endswith(".")


def test_no_name_is_given_twice():
    names = [(entry.of, entry.name) for entry in DESCRIPTORS]
    assert len(set(names)) == len(names)
