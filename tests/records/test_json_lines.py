from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.core.errors import DataError
from seatrial.records.tables import column_names, read_rows, write_rows


@pytest.fixture
def lines(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "a.jsonl"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_types_are_those_that_are_written(lines) -> None:
    path = lines(
        '{"x": "00123"}\n{"x": 7}\n{"x": 7.0}\n{"x": true}\n{"x": null}\n{"x": "2026-01-02"}'
    )
    assert repr(read_rows(path, input="x").inputs) == "['00123', 7, 7.0, True, None, '2026-01-02']"


def test_nested_values_stay_nested(lines) -> None:
    path = lines('{"x": [[1, 2], [3]], "m": [{"role": "user", "content": "hi"}]}')
    assert read_rows(path, input="m").inputs == [[{"role": "user", "content": "hi"}]]
    assert read_rows(path, input="x").inputs == [[[1, 2], [3]]]


def test_a_key_that_a_row_lacks_is_missing_there(lines) -> None:
    path = lines('{"b": 1}\n{"a": 2, "b": 3}\n')
    assert column_names(path) == ["b", "a"]
    assert read_rows(path, input="*").inputs == [{"b": 1, "a": None}, {"b": 3, "a": 2}]


def test_nan_and_infinity_as_python_writes_them_are_missing(lines) -> None:
    assert read_rows(lines('{"x": NaN}\n{"x": -Infinity}\n{"x": 1}'), input="x").inputs == [
        None,
        None,
        1,
    ]


def test_blank_lines_and_a_byte_order_mark_are_passed_over(lines) -> None:
    assert read_rows(lines(b'\xef\xbb\xbf{"x": 1}\r\n\n  \n{"x": 2}\n'), input="x").inputs == [1, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"x": 1}\n{"x": \n', "line 2: not a JSON object"),
        ('{"x": 1}\n[1]\n', "line 2: received list"),
        (b'{"x": "\xff"}', "line 1: not a JSON object"),
        ("[" * 100_000, "line 1: not a JSON object"),
    ],
)
def test_the_line_that_is_wrong_is_named(lines, text, said) -> None:
    with pytest.raises(DataError, match=said):
        read_rows(lines(text), input="x")


def test_a_value_that_json_does_not_know_is_refused_when_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2 cannot be written"):
        write_rows(tmp_path / "a.jsonl", {"x": [1, object()]})
    assert not list(tmp_path.iterdir())
