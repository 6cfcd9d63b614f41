import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core.errors import UsageError
from seatrial.measure.load.shapes import Piece, Shape, parse_shape, ramp, spike, steady, steps

PIECES = st.lists(
    st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(0.1, 20)), min_size=1, max_size=6
).filter(lambda pieces: sum((a + b) * d for a, b, d in pieces) > 1)


def integral(shape, until_s):
    total = 0.0
    for piece in shape.pieces:
        inside = min(max(until_s, 0.0), piece.duration_s)
        slope = (piece.end_per_s - piece.start_per_s) / piece.duration_s
        total += piece.start_per_s * inside + slope * inside**2 / 2
        until_s -= piece.duration_s
    return total


def test_a_spike_is_written_in_one_line():
    shape = parse_shape("10:30s, 10->100:1s, 100:1m, 100 -> 10:500ms")
    assert shape.pieces == (
        Piece(10, 10, 30),
        Piece(10, 100, 1),
        Piece(100, 100, 60),
        Piece(100, 10, 0.5),
    )


@given(PIECES)
def test_a_shape_is_read_as_it_is_written(pieces):
    rounded = Shape(tuple(Piece(round(a, 2), round(b, 2), round(d, 2)) for a, b, d in pieces))
    assert parse_shape(str(rounded)) == rounded


@given(PIECES)
def test_the_kth_even_arrival_comes_when_k_requests_are_expected(pieces):
    shape = Shape(tuple(Piece(*piece) for piece in pieces))
    moments = shape.even()
    assert np.all(np.diff(moments) >= -1e-9)
    expected = [integral(shape, moment) for moment in moments.tolist()]
    assert expected == pytest.approx(np.arange(len(moments)), abs=1e-5)


def test_poisson_arrivals_follow_the_rate():
    shape = parse_shape("20:100s, 20->200:100s, 0:50s, 200:100s")
    arrivals = shape.arrivals(rng=np.random.default_rng(4))
    counts = np.histogram(arrivals, bins=[0, 100, 150, 200, 250, 350])[0]
    expected = np.array([2000, 50 * 65, 50 * 155, 0, 20_000])
    assert np.all(np.abs(counts - expected) <= 5 * np.sqrt(expected))
    again = shape.arrivals(rng=np.random.default_rng(4))
    assert np.array_equal(arrivals, again)


def test_a_steady_shape_is_a_poisson_process():
    gaps = np.diff(steady(200.0, 100.0).arrivals(rng=np.random.default_rng(1)))
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.03)
    assert gaps.std() == pytest.approx(1 / 200, rel=0.03)


def test_the_rate_at_a_moment_is_that_of_its_piece():
    shape = parse_shape("10:2s, 10->30:2s")
    assert [shape.rate_at(t) for t in (-1, 0, 1.9, 3, 4)] == [0, 10, 10, 20, 0]


def test_named_shapes_are_pieces():
    assert str(spike(5, 20, factor=10, ramp_s=0, hold_s=10)) == "5:5s, 50:10s, 5:5s"
    assert str(ramp(5, 20, factor=2)) == "5->10:20s"
    assert str(steps(10, 30, factor=3, count=3)) == "10:10s, 20:10s, 30:10s"
    assert steady(5, 20).mean_per_s == 5


@pytest.mark.parametrize(
    "text", ["", "10", "10:30", "10s:30s", "10->:1s", "0:10s", "5:0s", "10:1s;20:1s", "-1:5s"]
)
def test_what_is_no_shape_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="100:60s"):
        parse_shape(text)


def test_a_spike_that_does_not_fit_says_how_long_it_takes():
    with pytest.raises(UsageError, match="longer than 62 s"):
        spike(10, 20, factor=10, ramp_s=1, hold_s=60)
