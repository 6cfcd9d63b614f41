from __future__ import annotations

import hashlib

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.core.errors import UsageError
from seatrial.records.drawing import (
    BANDS,
    Cell,
    Past,
    Plan,
    band_names,
    cells,
    common_chance,
    later_chance,
    lot_sql,
    stratum_sql,
)

DAY = {"2026-01-01": 10}
CELLS = st.lists(
    st.builds(
        Cell,
        st.just("a"),
        first=st.booleans(),
        rows=st.integers(1, 1_000),
        chance=st.floats(0, 1),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    "fields",
    [
        {"first_share": 1.1},
        {"first_share": -0.1},
        {"per_day": -1},
        {"size": -1},
        {"first_rows": -5},
    ],
)
def test_a_plan_that_means_nothing_is_refused(fields) -> None:
    with pytest.raises(UsageError, match="accepted is 0"):
        Plan(**fields)


def test_the_first_rows_have_their_share_and_later_ones_that_of_a_day() -> None:
    plan = Plan(first_share=0.01, per_day=5)
    decided = cells(
        plan, {("a", True): 40, ("a", False): 60}, past=Past(), days={"2026-01-01": 100}
    )
    assert {cell.first: cell.chance for cell in decided} == {True: 0.01, False: 0.05}


def test_a_day_is_expected_to_be_like_the_last_seven() -> None:
    days = {f"2026-01-{day:02d}": 1_000 if day <= 3 else 100 for day in range(1, 11)}
    assert later_chance(Plan(per_day=10), days, "2026-01-11") == pytest.approx(0.1)
    assert later_chance(Plan(per_day=10), days, "2026-01-03") == pytest.approx(0.01)
    assert later_chance(Plan(per_day=10_000), days, "2026-01-11") == 1.0


def test_a_rare_stratum_is_drawn_from_until_enough_can_be_expected() -> None:
    plan = Plan(stratum_least=10)
    first = cells(plan, {("rare", True): 6}, past=Past(), days=DAY)
    assert first[0].chance == 1.0
    second = cells(plan, {("rare", True): 100}, past=Past(expected={"rare": 6.0}), days=DAY)
    assert second[0].chance == pytest.approx(0.04)
    third = cells(plan, {("rare", True): 100}, past=Past(expected={"rare": 10.0}), days=DAY)
    assert third[0].chance == 0.01


@settings(deadline=None)
@given(CELLS, st.integers(0, 5_000))
def test_the_common_chance_makes_the_size_expected(decided, size) -> None:
    common = common_chance(decided, size)
    expected = sum(cell.rows * max(cell.chance, common) for cell in decided)
    already = sum(cell.rows * cell.chance for cell in decided)
    total = sum(cell.rows for cell in decided)
    assert expected == pytest.approx(min(max(size, already), total), abs=1e-6 * total)


def test_lots_are_uniform_and_anybody_can_make_them_again() -> None:
    with duckdb.connect() as db:
        rows = db.execute(
            f'SELECT id, "row", {lot_sql(7)} FROM '
            "(SELECT 'r' || i AS id, i % 3 AS \"row\" FROM range(20000) t(i))"
        ).fetchall()
    lots = np.array([lot for *_, lot in rows])
    counts, _ = np.histogram(lots, bins=20, range=(0, 1))
    assert counts.sum() == 20_000
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 43.8  # chi-square, 19 degrees, 0.1 %
    id_, row, lot = rows[5]
    digest = hashlib.md5(f"7\x1f{id_}\x1f{row}".encode(), usedforsecurity=False).digest()
    assert lot == (int.from_bytes(digest[:8], "little") >> 11) / 2**53


def test_every_confidence_has_its_band() -> None:
    values = [None, 0.0, 0.49, *BANDS, 1.0]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE t (status VARCHAR, confidence DOUBLE, descriptors VARCHAR)")
        db.executemany("INSERT INTO t VALUES ('failed', ?, NULL)", [[value] for value in values])
        found = [row[0] for row in db.execute(f"SELECT {stratum_sql()} FROM t").fetchall()]
    names = band_names()
    wanted = ["no confidence", names[0], names[0], *names[1:], names[-1]]
    assert found == [f"failed / language untold / {name}" for name in wanted]


def test_descriptors_that_are_no_json_are_as_if_there_were_none() -> None:
    with duckdb.connect() as db:
        found = db.execute(
            f"SELECT {stratum_sql()} FROM (SELECT 'answered' AS status, 0.6 AS confidence, "
            '\'{"language_known": "much"}\' AS descriptors)'
        ).fetchone()
    assert found == ("answered / language untold / 0.5 to 0.7",)
