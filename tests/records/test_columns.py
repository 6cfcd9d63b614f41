from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.records import columns, lines
from seatrial.records.descriptions import Descriptions
from seatrial.records.log import LogWriter
from seatrial.records.query import Log
from seatrial.records.sealing import seal

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def bodies_of(*records) -> list[bytes]:
    return lines.read(b"".join(map(lines.encode, records))).bodies


def test_values_of_any_shape_become_json_text_and_the_rest_stays(make_record) -> None:
    (row,) = columns.flat_rows(bodies_of(make_record(1, input={"a": 1}, row=3)), segment="s")
    flat = json.loads(row)
    assert flat["input"] == '{"a":1}'
    assert flat["row"] == 3
    assert (flat["segment"], flat["position"]) == ("s", 0)
    assert flat["label"] is None


def test_descriptors_are_added_to_requests_with_an_input(make_record) -> None:
    seen = []

    def describe(inputs):
        seen.append(len(inputs))
        return [{"length": np.int64(len(value))} if value != "skip" else None for value in inputs]

    given_records = [make_record(n, input=f"a{n:04d}") for n in range(1500)]
    given_records += [make_record(1500, input=None), make_record(1501, input="skip")]
    flat = [
        json.loads(row)
        for row in columns.flat_rows(
            bodies_of(*given_records), segment="s", descriptions=Descriptions(describe)
        )
    ]
    assert seen == [1000, 501]
    assert flat[0]["descriptors"] == '{"length":5}'
    assert flat[1500]["descriptors"] is None
    assert flat[1501]["descriptors"] is None


@settings(max_examples=10, deadline=None)
@given(values=st.lists(JSON, min_size=1, max_size=5))
def test_any_json_value_survives_log_sealing_and_query(tmp_path_factory, values) -> None:
    from datetime import UTC, datetime

    from seatrial.records.record import Record

    folder = tmp_path_factory.mktemp("log")
    with LogWriter(folder) as writer:
        writer.append(
            Record(
                id="r",
                row=row,
                time=datetime(2026, 1, 1, tzinfo=UTC),
                origin="user",
                release="m",
                status="answered",
                input=value,
            )
            for row, value in enumerate(values)
        )
    before = Log(folder).production_rows().inputs
    assert seal(folder).rows == len(values)
    after = Log(folder).production_rows().inputs
    assert before == after == values
    assert [type(value) for value in after] == [type(value) for value in values]


@pytest.mark.parametrize("name", columns.RECORD_COLUMNS)
def test_every_field_comes_back_from_the_sealed_file(tmp_path, make_record, name) -> None:
    filled = {
        "row": 2,
        "monotonic_s": 1.5,
        "variant": "int8",
        "route": "/v2",
        "input_digest": "d",
        "descriptors": {"length": 1},
        "confidence": 0.5,
        "scores": {"yes": 0.5},
        "error": "model-error",
        "degraded": "variant",
        "cache": "hit",
        "batch_size": 8,
        "admit_ms": 0.1,
        "queue_ms": 0.2,
        "model_ms": 0.3,
        "send_ms": 0.4,
        "total_ms": 1.0,
        "cost_usd": 0.01,
        "key_id": "k",
        "sampling_probability": 0.25,
        "rating": 4.0,
        "label": "no",
    }
    record = make_record(1, **filled)
    with LogWriter(tmp_path) as writer:
        writer.append([record])
    seal(tmp_path)
    (found,) = Log(tmp_path).rows(columns=(name,)).column(name)
    expected = getattr(record, name)
    assert found == (expected.replace(tzinfo=None) if name == "time" else expected)
