from __future__ import annotations

import msgspec
import pytest

from seatrial.records.columns import COLUMNS, JSON_COLUMNS, RECORD_COLUMNS
from seatrial.records.record import Record, table

# Design, "Record": every field it names, as the column that holds it.
NAMED_BY_THE_DESIGN = {
    "id", "row", "time", "origin", "release", "variant", "route", "input", "input_digest",
    "descriptors", "output", "confidence", "scores", "status", "error", "cache", "batch_size",
    "admit_ms", "queue_ms", "model_ms", "send_ms", "cost_usd", "key_id", "sampling_probability",
    "rating", "label", "degraded",
}  # fmt: skip


def test_the_record_holds_every_field_of_the_design() -> None:
    assert {row.name for row in table()} >= NAMED_BY_THE_DESIGN


def test_every_field_is_in_the_table_with_a_type_and_a_description() -> None:
    rows = list(table())
    assert [row.name for row in rows] == [f.name for f in msgspec.structs.fields(Record)]
    assert all(row.description and row.type for row in rows)


def test_every_name_that_ends_in_a_unit_has_that_unit() -> None:
    units = {"ms": "ms", "s": "s", "usd": "USD"}
    for row in table():
        suffix = row.name.rpartition("_")[2]
        if suffix in units and "_" in row.name:
            assert row.unit == units[suffix], row.name


def test_every_field_is_a_column_of_the_sealed_file() -> None:
    assert set(RECORD_COLUMNS) <= set(COLUMNS)
    assert set(JSON_COLUMNS) == {"input", "descriptors", "output", "scores", "label", "tags"}


def test_abstained_is_a_status_and_nothing_else(make_record) -> None:
    assert make_record(1, status="abstained").abstained
    assert not make_record(1).abstained


@pytest.mark.parametrize("field", ["origin", "status", "cache", "degraded"])
def test_a_choice_that_is_not_on_the_list_is_refused_when_read(make_record, field) -> None:
    text = msgspec.json.encode(make_record(1, **{field: "nonsense"}))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Record)
