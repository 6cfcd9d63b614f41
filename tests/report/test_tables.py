from hypothesis import given
from hypothesis import strategies as st

from seatrial.report.tables import (
    Column,
    Table,
    blocks,
    cell,
    slices_table,
    table_of,
    values_table,
    variants_table,
)

names = st.text("abcde", min_size=1, max_size=12)


def test_a_figure_that_was_not_measured_is_unknown_and_says_why(evidences):
    rows = values_table(evidences[0].values).rows
    assert ("bytes per row", "unknown", "", "", "memory did not move") in rows


def test_rows_with_different_columns_share_one_table():
    table = table_of([{"a": 1, "b": "x"}, {"b": "y", "c_ms": 2.5}])
    assert [column.heading for column in table.columns] == ["a", "b", "c, ms"]
    assert table.rows == (("1", "x", ""), ("", "y", "2.5"))
    assert [column.numeric for column in table.columns] == [True, False, True]


def test_a_long_table_says_how_much_is_left_out():
    table = table_of([{"row": index} for index in range(75)], shown=60)
    assert (len(table.rows), table.left_out) == (60, 15)


def test_cells_of_any_kind_are_text():
    assert cell(None) == ""
    assert cell(value=True) == "yes"
    assert cell({"alone": "a", "n": [1]}) == '{"alone": "a", "n": [1]}'
    assert cell("line\nbreak") == "line break"
    assert cell(float("nan")) == "unknown"


def test_losers_among_variants_are_named_as_such(evidences):
    table = variants_table(evidences[2].table("variants"))
    results = {row[0]: row[-1] for row in table.rows}
    assert results["pruned"] == "not faster, less accurate"
    assert results["onnx-fp32"] == "faster, perhaps less accurate"
    assert results["onnx-int8"].startswith("not applicable: the file has no int8 operator")


def test_slices_of_one_column_stand_together_the_largest_first(gap):
    rows = slices_table(gap.slices).rows
    assert [row[:2] for row in rows] == [
        ("language", "en"),
        ("language", "de"),
        ("language", "es"),
        ("language", "tr"),
        ("length", "long"),
        ("length", "short"),
    ]


def test_thousands_of_slices_keep_the_largest(gap):
    import msgspec

    many = [
        msgspec.structs.replace(gap.slices[0], value=str(index), share=index / 5000)
        for index in range(5000)
    ]
    table = slices_table(many, shown=10)
    assert table.left_out == 4990
    assert table.rows[0][1] == "4999"


@given(
    st.lists(names, min_size=1, max_size=12, unique=True),
    st.integers(min_value=1, max_value=120),
)
def test_a_table_broken_for_a_terminal_loses_no_column(headings, width):
    table = Table(
        columns=tuple(Column(heading=name, numeric=False) for name in headings),
        rows=(tuple(headings),),
    )
    parts = list(blocks(table, width))
    kept = [column.heading for part in parts for column in part.columns[1:]]
    assert kept == headings[1:]
    assert all(part.columns[0].heading == headings[0] for part in parts)
    assert all(part.rows[0] == tuple(c.heading for c in part.columns) for part in parts)
