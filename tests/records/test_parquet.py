from __future__ import annotations

import math
from pathlib import Path

import pytest

from seatrial.core.errors import DataError
from seatrial.records import engine
from seatrial.records.tables import read_rows, write_rows


@pytest.fixture
def selected(tmp_path: Path):
    """Read back what one SELECT writes."""

    def read(sql: str) -> list:
        path = tmp_path / "a.parquet"
        with engine.connection() as db:
            db.execute(f"COPY ({sql}) TO {engine.text(str(path))} (FORMAT parquet)")
        return read_rows(path, input="x").inputs

    return read


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2.50::DECIMAL(5, 2)", 2.5),
        ("2::DECIMAL(5, 0)", 2),
        (
            "170141183460469231731687303715884105727::HUGEINT::VARCHAR",
            "170141183460469231731687303715884105727",
        ),
        ("DATE '2026-01-02'", "2026-01-02"),
        ("TIMESTAMP '2026-01-02 03:04:05.5'", "2026-01-02T03:04:05.500000"),
        ("TIMESTAMPTZ '2026-01-02 03:04:05+02'", "2026-01-02T01:04:05.000000Z"),
        ("TIME '03:04:05'", "03:04:05"),
        ("'\\x00\\xff'::BLOB", "AP8="),
        ("uuid '00000000-0000-0000-0000-000000000001'", "00000000-0000-0000-0000-000000000001"),
        ("'NaN'::DOUBLE", None),
        ("NULL::INTEGER", None),
        ("true", True),
        ("7::TINYINT", 7),
        ("[1.5, 2.5]", [1.5, 2.5]),
        ("[[1, 2], [3]]", [[1, 2], [3]]),
        ("[1, 2]::INTEGER[2]", [1, 2]),
        ("{'a': 1, 'b': DATE '2026-01-02'}", {"a": 1, "b": "2026-01-02"}),
        ("[{'role': 'user', 'content': 'hi'}]", [{"role": "user", "content": "hi"}]),
        ("MAP {'k': 2.5::DECIMAL(3, 1)}", {"k": 2.5}),
        ("'00123'", "00123"),
    ],
)
def test_every_type_becomes_plain(selected, expression, expected) -> None:
    found = selected(f"SELECT {expression} AS x")[0]
    assert found == expected
    assert type(found) is type(expected)


def test_an_array_keeps_its_nan_so_that_it_stays_an_array_of_numbers(selected) -> None:
    found = selected("SELECT [1.0, 'NaN'::DOUBLE] AS x")[0]
    assert math.isnan(found[1])


def test_rows_keep_their_order_over_many_row_groups(selected) -> None:
    assert selected("SELECT i AS x FROM range(300000) t(i)") == list(range(300_000))


def test_a_truncated_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_rows(path, {"x": list(range(1000))})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"a\.parquet cannot be read"):
        read_rows(path, input="x")


@pytest.mark.parametrize("column", [[1, "a"], [True, 1], [{"a": 1}], [[1], "a"], [[1], [[1]]]])
def test_a_column_that_parquet_cannot_hold_says_what_can(tmp_path: Path, column: list) -> None:
    with pytest.raises(DataError, match=r"Write a \.jsonl file instead"):
        write_rows(tmp_path / "a.parquet", {"x": column})


def test_whole_numbers_and_floats_together_are_floats(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.parquet", {"x": [1, 2.5], "y": [[1], [2.5]]})
    assert read_rows(tmp_path / "a.parquet", input="x").inputs == [1.0, 2.5]
    assert read_rows(tmp_path / "a.parquet", input="y").inputs == [[1.0], [2.5]]
