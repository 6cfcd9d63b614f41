from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.serve.warmup import sizes


@given(st.integers(1, 5_000))
def test_every_power_of_two_and_the_largest_batch_is_run(rows_max):
    """One row comes first and twice, nothing exceeds the largest."""
    made = list(sizes(rows_max))
    assert made[:1] == [1]
    assert made.count(1) == (2 if rows_max >= 1 else 1)
    assert made == sorted(made)
    assert made[-1] == rows_max
    assert {2**n for n in range(13) if 2**n <= rows_max} <= set(made)
