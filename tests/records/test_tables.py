from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.core.errors import DataError
from seatrial.records.tables import FORMATS, column_names, read_rows, write_rows

COLUMNS = {"text": ["a", "b", "c"], "age": [1, None, 3], "label": [1, 0, None]}


@pytest.fixture(params=[".parquet", ".jsonl", ".csv"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same three rows in each format."""
    path = tmp_path / f"data{request.param}"
    if request.param == ".csv":
        path.write_text("text,age,label\na,1,1\nb,,0\nc,3,\n")
    else:
        write_rows(path, COLUMNS)
    return path


def test_one_input_column_gives_bare_values(table: Path) -> None:
    rows = read_rows(table, input="text")
    assert rows.inputs == ["a", "b", "c"]
    assert rows.labels is None


def test_several_input_columns_give_records_in_the_order_asked_for(table: Path) -> None:
    rows = read_rows(table, input=["age", "text"])
    assert rows.inputs[0] == {"age": 1, "text": "a"}
    assert list(rows.inputs[0]) == ["age", "text"]


def test_a_list_of_one_column_gives_records_too(table: Path) -> None:
    assert read_rows(table, input=["age"]).inputs[1] == {"age": None}


def test_a_star_takes_every_column_but_the_label(table: Path) -> None:
    rows = read_rows(table, input="*", label="label")
    assert rows.inputs[2] == {"text": "c", "age": 3}


def test_missing_labels_are_none_and_the_others_keep_their_type(table: Path) -> None:
    labels = read_rows(table, input="text", label="label").labels
    assert labels == [1, 0, None]
    assert [type(label) for label in labels[:2]] == [int, int]


def test_slices_stand_beside_the_inputs(table: Path) -> None:
    rows = read_rows(table, input="text", slices=["age"])
    assert rows.columns == {"age": [1, None, 3]}
    assert len(rows) == 3


def test_column_names_come_in_the_order_of_the_file(table: Path) -> None:
    assert column_names(table) == ["text", "age", "label"]


def test_a_missing_column_names_those_there_are_and_the_nearest(table: Path) -> None:
    with pytest.raises(DataError) as raised:
        read_rows(table, input="texd")
    assert "no column 'texd'; columns: text, age, label" in str(raised.value)
    assert 'Did you mean "text"?' in raised.value.hint


@pytest.mark.parametrize("wanted", [{"label": "lable"}, {"slices": ["agee"]}])
def test_label_and_slice_columns_are_checked_as_well(table: Path, wanted: dict) -> None:
    with pytest.raises(DataError, match="has no column"):
        read_rows(table, input="text", **wanted)


def test_labels_that_are_all_missing_are_refused_where_one_is_required(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_rows(path, {"text": ["a", "b"], "label": [None, " "]})
    assert read_rows(path, input="text", label="label").labels == [None, None]
    with pytest.raises(DataError, match="no label in any of its 2 rows"):
        read_rows(path, input="text", label="label", require_labels=True)
    with pytest.raises(DataError, match="no label in any"):
        read_rows(path, input="text", require_labels=True)


def test_whole_numbers_that_a_data_frame_made_floats_for_a_missing_label_are_whole_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.parquet"
    write_rows(path, {"text": ["a", "b"], "label": [1.0, None]})
    assert repr(read_rows(path, input="text", label="label").labels) == "[1, None]"


def test_labels_of_a_regression_stay_floats(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_rows(path, {"x": [1, 2], "y": [1.0, 2.0]})
    assert repr(read_rows(path, input="x", label="y").labels) == "[1.0, 2.0]"


def test_a_missing_file_suggests_the_nearest_one(tmp_path: Path) -> None:
    write_rows(tmp_path / "eval.jsonl", {"text": ["a"]})
    with pytest.raises(DataError) as raised:
        read_rows(tmp_path / "evil.jsonl", input="text")
    assert "is not there" in str(raised.value)
    assert 'Did you mean "eval.jsonl"?' in raised.value.hint


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        read_rows(tmp_path / "no" / "a.csv", input="text")


def test_a_folder_is_not_a_data_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_rows(tmp_path / "a.csv", input="text")


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        read_rows(tmp_path / "a.xlsx", input="text")
    assert all(ending in str(raised.value) for ending in FORMATS)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.touch()
    with pytest.raises(DataError, match="is empty"):
        read_rows(path, input="text")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n")
    write_rows(tmp_path / "a.parquet", {"text": []})
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(DataError, match="holds no rows"):
            read_rows(tmp_path / name, input="text")


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.csv"])
def test_a_file_of_garbage_is_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\xff\xfe garbage \x80" * 50)
    with pytest.raises(DataError, match=r"cannot be read|not a JSON object"):
        read_rows(tmp_path / name, input="text")


def test_a_star_over_nothing_but_the_label_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", {"label": [1]})
    with pytest.raises(DataError, match="names no column beside the label"):
        read_rows(tmp_path / "a.jsonl", input="*", label="label")


@pytest.mark.parametrize("name", ["we[i]rd*?.parquet", "day=1.csv", "it's; .jsonl"])
def test_odd_file_names_are_names_not_patterns(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "year=2026"
    folder.mkdir()
    path = folder / name
    if path.suffix == ".csv":
        path.write_text("text\na\n")
    else:
        write_rows(path, {"text": ["a"]})
    assert read_rows(path, input="*").inputs == [{"text": "a"}]


def test_writing_replaces_a_file_whole_or_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_rows(path, {"x": [1]})
    with pytest.raises(DataError, match="mixes"):
        write_rows(path, {"x": [1, "a"]})
    assert read_rows(path, input="x").inputs == [1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.parquet"]


def test_writing_takes_columns_of_one_length_in_a_known_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one length"):
        write_rows(tmp_path / "a.parquet", {"x": [1], "y": []})
    with pytest.raises(DataError, match=r"\.parquet, \.pq, \.jsonl, \.ndjson"):
        write_rows(tmp_path / "a.csv", {"x": [1]})


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_writing_into_a_new_folder_makes_it(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"a{ending}"
    write_rows(path, {"x": [[1.5, 2.0], [3.0, 4.0]], 'odd "name"': ["é", None]})
    rows = read_rows(path, input="*")
    assert rows.inputs == [
        {"x": [1.5, 2.0], 'odd "name"': "é"},
        {"x": [3.0, 4.0], 'odd "name"': None},
    ]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
COLUMN = st.one_of(
    st.lists(st.one_of(st.none(), TEXTS), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=3, max_size=3),
    st.lists(
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=3,
        max_size=3,
    ),
)


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
@settings(max_examples=20, deadline=None)
@given(column=COLUMN)
def test_what_is_written_is_read_back_value_and_type(
    tmp_path_factory: pytest.TempPathFactory, ending: str, column: list
) -> None:
    path = tmp_path_factory.mktemp("rows") / f"a{ending}"
    write_rows(path, {"x": column})
    found = read_rows(path, input="x").inputs
    assert found == column
    assert [type(value) for value in found] == [type(value) for value in column]
    for value, written in zip(found, column, strict=True):
        if isinstance(written, float):
            assert math.copysign(1, value) == math.copysign(1, written)


@pytest.mark.slow
def test_a_million_rows_are_read_in_the_memory_that_their_values_take(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("id,text,label\n")
        file.writelines(f"{n},some text number {n},{n % 2}\n" for n in range(1_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = read_rows(path, input="text", label="label")
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(rows) == 1_000_000
    assert rows.labels[-1] == 1
    assert grown_mib < 600
