from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.core.errors import DataError
from seatrial.records.tables import column_names, read_rows


@pytest.fixture
def cells(tmp_path: Path):
    """Read column ``x`` of a CSV made of these cells, beside a second column."""

    def read(*values: str, **options: object) -> list:
        path = tmp_path / "a.csv"
        path.write_text("n,x\n" + "".join(f"k,{value}\n" for value in values), encoding="utf-8")
        return [row["x"] for row in read_rows(path, input=["x"], **options).inputs]

    return read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (("1", "-2", "30"), [1, -2, 30]),
        (("1", "2.5"), [1.0, 2.5]),
        (("1e3", ".5", "-0.0"), [1000.0, 0.5, -0.0]),
        (("1.0", "2.0"), [1.0, 2.0]),
        ((" 7", "8 "), [7, 8]),
        (("9223372036854775807", "1"), [9223372036854775807, 1]),
        (("true", "False", "TRUE"), [True, False, True]),
    ],
)
def test_a_column_has_the_type_that_all_its_cells_have(cells, written, read) -> None:
    found = cells(*written)
    assert found == read
    assert [type(value) for value in found] == [type(value) for value in read]


@pytest.mark.parametrize(
    "written",
    [
        ("00123", "45"),
        ("+4917012345", "1"),
        ("12345678901234567890", "1"),
        ("1e999", "1"),
        ("0x10", "1"),
        ("1_000", "2"),
        ("1;5", "2"),
        ("inf", "1"),
        ("yes", "no"),
        ("true", "1"),
        ("2026-01-02", "2026-01-03"),
        ("12:30", "13:00"),
        ("5", "six"),
    ],
)
def test_what_would_lose_something_as_a_number_stays_text(cells, written) -> None:
    assert cells(*written) == list(written)


def test_one_odd_cell_at_the_very_end_makes_the_column_text(cells) -> None:
    found = cells(*["7"] * 30_000, "007")
    assert set(found) == {"7", "007"}


@pytest.mark.parametrize("mark", ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"])
def test_marks_of_a_missing_value_are_none_among_numbers(cells, mark) -> None:
    assert cells("1", mark, "3") == [1, None, 3]
    assert cells("1.5", mark) == [1.5, None]
    assert cells("true", mark) == [True, None]


def test_the_same_marks_are_texts_among_texts(cells) -> None:
    assert cells("NaN", "NA", "null", "word") == ["NaN", "NA", "null", "word"]


def test_an_unquoted_empty_cell_is_missing_and_a_quoted_one_is_the_empty_text(cells) -> None:
    assert cells("a", "", '""') == ["a", None, ""]


def test_a_column_of_nothing_but_empty_cells_is_missing_throughout(cells) -> None:
    assert cells("", "") == [None, None]


def test_a_column_named_as_text_keeps_its_digits(cells) -> None:
    assert cells("1", "2", text_columns=["x"]) == ["1", "2"]


def test_an_input_column_of_texts_has_no_missing_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nhello,1\n,0\n")
    assert read_rows(path, input="text", label="label").inputs == ["hello", ""]


def test_quotes_line_breaks_and_delimiters_inside_quotes_belong_to_the_text(cells) -> None:
    assert cells('"a\nb"', '"c ""d"", e"', '5" pipe') == ["a\nb", 'c "d", e', '5" pipe']


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(ending.join(["a,b", "1,x", "2,y", ""]).encode())
    assert read_rows(path, input="*").inputs == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_from_the_header(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(delimiter.join(["text", "label"]) + "\n" + delimiter.join(["a b", "1"]) + "\n")
    assert read_rows(path, input="text", label="label").inputs == ["a b"]


def test_a_tsv_is_split_at_tabs_whatever_its_header_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a,b,c\td\n1\t2\n")
    assert column_names(path) == ["a,b,c", "d"]


def test_a_byte_order_mark_and_spaces_are_no_part_of_a_column_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufefftext, label\né,1\n".encode())
    rows = read_rows(path, input="text", label="label")
    assert (rows.inputs, rows.labels) == (["é"], [1])


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\na\n\nb\n\n")
    assert read_rows(path, input="text").inputs == ["a", "b"]


def test_names_that_differ_in_case_are_different_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Text,text\n1,b\n")
    assert read_rows(path, input="*").inputs == [{"Text": 1, "text": "b"}]


def test_a_name_that_two_columns_share_cannot_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,x,y\n1,2,3\n")
    assert read_rows(path, input="y").inputs == [3]
    with pytest.raises(DataError, match="2 columns named 'x'"):
        read_rows(path, input="x")


def test_a_cell_of_many_megabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"' + "line\n" * 1_000_000 + '",1\n')
    assert len(read_rows(path, input="text").inputs[0]) == 5_000_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"text,label\na,1\nb\n", "line 3.*Expected Number of Columns: 2 Found: 1"),
        (b"text,label\na,1\nb,c,d\n", "line 3.*Expected Number of Columns: 2 Found: 3"),
        (b'text,label\n"a,1\n', "unterminated quote"),
        (b"text,label\n\xe9t\xe9,1\n", "not UTF-8.*Save it as UTF-8"),
        (b"t\xe9xt,label\na,1\n", "not UTF-8"),
        ("text,label\na,1\n".encode("utf-16"), "not UTF-8"),
        (b"\n\na,b\n", "has no header"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, content, said) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as raised:
        read_rows(path, input="text")
    assert "\n" not in str(raised.value)
