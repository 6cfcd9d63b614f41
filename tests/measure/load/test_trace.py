import numpy as np
import pytest

from seatrial.core.errors import DataError, UsageError
from seatrial.measure.load.trace import matched, size_column, time_column, trace_of


def test_times_may_be_numbers_or_texts_and_in_any_order():
    trace = trace_of(["2023-11-16 18:15:46.6805900", "2023-11-16 18:15:46.18059"], [7, None])
    assert trace.arrivals_s == pytest.approx([0.0, 0.5])
    assert trace.sizes.tolist() == [7.0, 7.0]
    assert trace_of(["3.5", 1]).arrivals_s.tolist() == [0.0, 2.5]


def test_a_rate_keeps_the_bursts():
    trace = trace_of([0.0, 0.1, 0.2, 10.0]).at_rate(3.0)
    assert trace.mean_per_s == pytest.approx(3.0)
    assert np.diff(trace.arrivals_s) == pytest.approx([0.01, 0.01, 0.98])


def test_a_trace_can_be_cut():
    trace = trace_of([0, 1, 2, 3], [1, 2, 3, 4]).until(2.0)
    assert trace.arrivals_s.tolist() == [0.0, 1.0]
    assert trace.sizes.tolist() == [1.0, 2.0]


def test_columns_are_known_by_the_names_that_traces_use():
    assert time_column(["id", "TIMESTAMP"]) == "TIMESTAMP"
    assert size_column(["timestamp", "output_tokens", "input_tokens"]) == "input_tokens"
    assert size_column(["timestamp"]) is None
    with pytest.raises(DataError, match="no column 'timestamp'; columns: id"):
        time_column(["id"])
    with pytest.raises(DataError, match="no column 'words'"):
        size_column(["timestamp"], wanted="words")


@pytest.mark.parametrize("wrong", [None, "soon", float("nan"), []])
def test_a_time_that_cannot_be_read_is_named_by_its_row(wrong):
    with pytest.raises(DataError, match="row 1 of the trace has the time"):
        trace_of([0.0, wrong])


def test_sizes_that_cannot_be_read_are_refused():
    with pytest.raises(DataError, match="row 0 of the trace has the size 'big'"):
        trace_of([0.0], ["big"])
    with pytest.raises(DataError, match="no row of the trace has a size"):
        trace_of([0.0], [None])


def test_a_trace_of_one_moment_has_no_rate():
    with pytest.raises(UsageError, match="one moment"):
        trace_of([4.0, 4.0]).at_rate(10)


def test_large_requests_get_large_bodies_and_all_bodies_are_used_equally():
    rng = np.random.default_rng(2)
    sizes, lengths = rng.lognormal(6, 1, 1000), rng.permutation(np.arange(50) * 10)
    chosen = matched(sizes, lengths.tolist(), rng=rng)
    assert set(np.bincount(chosen).tolist()) == {20}
    order = np.argsort(sizes)
    assert np.all(np.diff(lengths[chosen][order]) >= 0)


def test_requests_of_one_size_use_every_body():
    chosen = matched(np.full(90, 5.0), [1, 2, 3], rng=np.random.default_rng(0))
    assert np.bincount(chosen).tolist() == [30, 30, 30]
    assert chosen.tolist() != sorted(chosen.tolist())


def test_real_traces_keep_their_bursts(real_data):
    from seatrial.trials.loadplan import trace_in

    trace = trace_in(real_data / "traffic_azure_llm_code.parquet")
    assert len(trace.arrivals_s) == len(trace.sizes) == 8819
    gaps = np.diff(trace.arrivals_s)
    # A Poisson process has 1; this one comes in bursts.
    assert gaps.std() / gaps.mean() > 3
