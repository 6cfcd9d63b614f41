"""Records and arrays, column by column."""

import json

import numpy as np
import pytest

from seatrial.core.errors import DataError, UnknownNameError
from seatrial.describe.describer import describer_for, describer_from
from seatrial.describe.table import TableDescriber, columns_of, with_cell


def people(n, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {
            "age": int(rng.integers(18, 80)),
            "income": float(rng.normal(40_000, 9_000)),
            "country": str(rng.choice(["de", "fr", "it"])),
            "member": bool(rng.integers(2)),
        }
        for _ in range(n)
    ]


@pytest.fixture(scope="module")
def table():
    return TableDescriber.fit(people(600))


def test_there_is_one_factor_per_column(table):
    assert set(table.factor_ids) == {
        "column:age",
        "column:income",
        "column:country",
        "column:member",
    }


def test_quiet_rows_are_quiet(table):
    for values in table.factors(people(2_000, seed=1)).values():
        assert (values >= 0.5).mean() <= 0.015


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("age", None),
        ("age", 400),
        ("age", "forty"),
        ("income", 4e7),
        ("country", "zz"),
        ("country", None),
        ("member", "maybe"),
    ],
)
def test_a_fault_is_found_in_its_column_alone(table, column, cell):
    rows = [{**row, column: cell} for row in people(20, seed=2)]
    found = table.factors(rows)
    assert (found[f"column:{column}"] >= 0.5).all()
    others = [values for name, values in found.items() if name != f"column:{column}"]
    assert max(values.mean() for values in others) < 0.05


def test_a_column_that_is_left_out_is_missing(table):
    rows = [{"age": 40}]
    assert table.factors(rows)["column:income"].tolist() == [1.0]
    assert table.describe(rows)["missing:income"].tolist() == [1.0]


def test_columns_that_the_reference_lacks_are_counted(table):
    assert table.describe([{**people(1)[0], "extra": 1}])["unknown_columns"].tolist() == [1.0]


def test_a_column_is_repaired_where_all_was_meant_clearly(table):
    rows = [{**row, "age": str(row["age"])} for row in people(5)]
    assert table.repair("column:age", rows) == people(5)


def test_a_column_is_not_repaired_by_guessing(table):
    assert table.repair("column:age", [{"age": None}]) is None
    assert table.repair("column:age", [{"age": "31"}, {"age": 900}]) is None


def test_a_typical_value_is_put_in_to_see_whether_the_model_uses_the_column(table):
    rows = [{"age": 900, "country": "de"}, {"age": 30, "country": "fr"}]
    found = table.substitute("column:age", rows)
    assert 18 <= found[0]["age"] < 80
    assert found[1] == rows[1]
    assert rows[0]["age"] == 900
    assert table.substitute("column:age", found) == found


def test_an_unknown_factor_is_an_error(table):
    with pytest.raises(UnknownNameError, match='Did you mean "column:age"'):
        table.repair("column:agee", [])


def test_text_is_no_record():
    with pytest.raises(DataError, match='input = "text"'):
        describer_for("record", ["a text"])


def test_arrays_are_records_of_numbered_columns():
    rows = np.random.default_rng(0).normal(size=(200, 3))
    describer = describer_for("array", list(rows))
    assert describer.factor_ids == ("column:0", "column:1", "column:2")
    odd = [rows[0], np.array([0.0, 99.0, np.nan]), [0.0, 0.0, 0.0]]
    found = describer.factors(odd)
    assert found["column:1"][1] > 0.9
    assert found["column:2"].tolist() == [0.0, 1.0, 0.0]


def test_lists_arrays_records_and_numbers_have_columns():
    assert columns_of([np.array([1, 2]), (3, 4), 5, {"0": 6}]) == {
        "0": [1, 3, 5, 6],
        "1": [2, 4, None, None],
    }


def test_one_cell_is_replaced_in_a_copy():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert with_cell(array, "2", 9.0).tolist() == [[1.0, 2.0], [9.0, 4.0]]
    assert array[1, 0] == 3.0
    assert with_cell((1, 2), "0", 9) == (9, 2)
    assert with_cell(5, "0", 9) == 9


def test_an_input_is_described_alone_as_in_company(table):
    rows = [{**row, "age": None} if at % 3 else row for at, row in enumerate(people(30, seed=3))]
    together = table.factors(rows)
    for at, row in enumerate(rows):
        alone = table.factors([row])
        assert all(alone[name][0] == values[at] for name, values in together.items())


def test_what_was_frozen_gives_equal_numbers(table):
    again = describer_from(json.loads(json.dumps(table.to_document())))
    rows = [*people(50, seed=4), {"age": "x", "country": " DE"}, {}]
    for before, after in ((table.factors, again.factors), (table.describe, again.describe)):
        first, second = before(rows), after(rows)
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
