from __future__ import annotations

import pytest

from seatrial.records import conversion, engine
from seatrial.records.conversion import to_parquet


@pytest.mark.parametrize("part_bytes", [1, 40, 100, 10_000])
def test_rows_come_out_in_order_whatever_they_are_divided_into(
    tmp_path, monkeypatch, part_bytes
) -> None:
    """Files of no more than so many bytes, but for rows that are longer."""
    monkeypatch.setattr(conversion, "PART_BYTES", part_bytes)
    monkeypatch.setattr(conversion, "GROUP_ROWS", 2_048)
    rows = [b'{"id": "%d", "position": %d}\n' % (n, n) for n in range(20)]
    rows[7] = b'{"id": "7", "position": 7, "input": "%b"}\n' % (b"x" * 5_000)
    assert to_parquet(iter(rows), tmp_path / "out.parquet") == 20
    with engine.connection() as db:
        found = db.execute(
            f"SELECT id, length(input) FROM read_parquet({engine.path(tmp_path / 'out.parquet')})"
        ).fetchall()
    assert [row[0] for row in found] == [str(n) for n in range(20)]
    assert found[7][1] == 5_000


def test_a_segment_without_rows_becomes_a_file_without_rows(tmp_path) -> None:
    assert to_parquet([], tmp_path / "out.parquet") == 0


def test_what_duckdb_cannot_do_is_an_error_of_the_operating_system(tmp_path) -> None:
    with pytest.raises(OSError, match="no-such-folder"):
        to_parquet([b'{"id": "1"}\n'], tmp_path / "no-such-folder" / "out.parquet")
