"""A trace shows what ran once per row, whoever ran it, and nothing of the kind in batched code."""

import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seatrial.core.errors import ModelRaisedError
from seatrial.models.subject import CallableSubject, LineShare, Trace
from seatrial.models.tracing import per_row, row_share, trace_call

WIDTH = 48  # small enough for a matrix product to stay in one thread
WEIGHTS = np.random.default_rng(0).normal(size=(WIDTH, WIDTH)) / WIDTH**0.5
ROWS = [np.random.default_rng(n).normal(size=WIDTH) for n in range(8)]
FEW, MANY = ROWS, ROWS * 6


def deep(x):
    for _ in range(30):
        x = np.tanh(x @ WEIGHTS)
    return x.sum(axis=-1)


def deeper(x):
    """Take long enough that handing a row to a thread is little beside it."""
    return sum(deep(x) for _ in range(8))


def with_for(xs):
    answers = []
    for x in xs:
        answers.append(deep(x))  # noqa: PERF401  (the loop is what is looked for)
    return answers


def with_index(xs):
    return [deep(xs[n]) for n in range(len(xs))]


def with_while(xs):
    answers, n = [], 0
    while n < len(xs):
        answers.append(deep(xs[n]))
        n += 1
    return answers


def with_threads_of_its_own(xs):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(deeper, xs))


LOOPS = {
    "for": with_for,
    "comprehension": lambda xs: [deep(x) for x in xs],
    "generator": lambda xs: list(deep(x) for x in xs),  # noqa: C400  (a generator is meant)
    "map": lambda xs: list(map(deep, xs)),
    "index": with_index,
    "while": with_while,
    "own threads": with_threads_of_its_own,
    "vectorize": lambda xs: np.vectorize(deep, signature="(n)->()")(np.stack(xs)),
    "apply_along_axis": lambda xs: np.apply_along_axis(deep, 1, np.stack(xs)),
    "fromiter": lambda xs: np.fromiter((deep(x) for x in xs), dtype=float),
}


def several_steps(xs):
    x = np.stack(xs)
    for _ in range(200):
        x = np.tanh(x @ WEIGHTS)
    return [float(v) for v in x.sum(axis=1)]


def per_column(xs):
    x = np.stack(xs)
    out = np.zeros(len(xs))
    for column in range(WIDTH):
        out += np.sort(np.tanh(x[:, column : column + 1] * WEIGHTS[column]), axis=1)[:, -1]
    return out


BATCHED = {"layers": several_steps, "columns": per_column}


def shares(predict, *, repeats=3):
    """The share of per-row work, the middle of several traces: this machine may be busy."""
    predict(MANY)
    found = [row_share(trace_call(predict, FEW), trace_call(predict, MANY)) for _ in range(repeats)]
    return sorted(found, key=lambda one: one[0])[repeats // 2]


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_over_rows_holds_most_of_the_call(name):
    share, line = shares(LOOPS[name])
    assert share > 0.5
    assert line.count >= len(MANY) - 1


@pytest.mark.parametrize("name", BATCHED)
def test_batched_code_has_no_such_line_however_long_it_computes(name):
    share, _ = shares(BATCHED[name])
    assert share < 0.2


def test_a_c_function_called_per_row_is_seen_by_the_inputs_it_draws():
    big = np.random.default_rng(0).normal(size=(WIDTH * 100, WIDTH))
    share, line = shares(lambda xs: [v.sum() for v in list(map(big.dot, xs))])
    assert share > 0.5
    assert line.count >= len(MANY) - 1


def test_a_pool_that_ran_before_the_trace_is_seen_by_the_waiting():
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deeper, ROWS))
        share, line = shares(lambda xs: list(pool.map(deeper, xs)))
    assert share > 0.4
    assert line.count >= len(MANY) - 1


def test_a_loop_inside_a_library_is_not_the_models_own():
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["some words about nothing in particular " * 5] * 8
    vectorizer = CountVectorizer().fit(texts)
    predict = lambda xs: vectorizer.transform(xs).sum(axis=1).A1.tolist()  # noqa: E731
    assert row_share(trace_call(predict, texts), trace_call(predict, texts * 6))[0] < 0.2


def test_lines_are_counted_exactly():
    trace = trace_call(with_for, FEW)
    counts = {line.line: line.count for line in trace.lines if line.function == "with_for"}
    first = with_for.__code__.co_firstlineno
    assert counts[first + 1] == 1
    assert counts[first + 3] == len(FEW)
    inner = [line for line in trace.lines if line.function == "deep" and line.what == "line"]
    assert max(line.count for line in inner) >= 30 * len(FEW)


def test_seconds_of_a_line_hold_its_calls_and_own_seconds_do_not():
    trace = trace_call(with_for, FEW)
    call = next(
        line
        for line in trace.lines
        if line.line == with_for.__code__.co_firstlineno + 3 and line.what == "line"
    )
    assert call.own_seconds < 0.5 * call.seconds
    assert sum(line.own_seconds for line in trace.lines if line.what != "draws") <= trace.seconds


def test_the_tracer_that_was_there_is_put_back():
    def mine(frame, event, argument):
        return None

    before = sys.gettrace(), threading.gettrace()
    sys.settrace(mine)
    threading.settrace(mine)
    try:
        trace_call(with_for, FEW)
        after = sys.gettrace(), threading.gettrace()
    finally:
        sys.settrace(before[0])
        threading.settrace(before[1])
    assert after == (mine, mine)


def test_the_tracer_is_put_back_when_the_model_raises():
    before = sys.gettrace()
    with pytest.raises(ModelRaisedError, match="ZeroDivisionError"):
        trace_call(lambda xs: [x / 0 for x in xs], [1])
    assert sys.gettrace() is before


def test_exceptions_inside_leave_the_accounts_straight():
    def careful(x):
        try:
            return 1 / x
        except ZeroDivisionError:
            return 0.0

    trace = trace_call(lambda xs: [careful(x) for x in xs], [0, 1] * 10)
    assert sum(line.own_seconds for line in trace.lines if line.what != "draws") <= trace.seconds
    assert per_row(trace)


def test_watching_stops_after_its_events_and_says_so():
    def endless(xs):
        return [sum(n for n in range(2000)) for _ in xs]

    assert trace_call(endless, [0] * 4).complete
    cut = trace_call(endless, [0] * 4, events_max=1000)
    assert not cut.complete
    assert sum(line.count for line in cut.lines) <= 1000


def test_the_peak_of_memory_grows_with_what_a_call_holds():
    small = trace_call(lambda xs: np.zeros((len(xs), 1000)).sum(axis=1), [0] * 4)
    large = trace_call(lambda xs: np.zeros((len(xs), 1000)).sum(axis=1), [0] * 40)
    assert large.peak_bytes - small.peak_bytes == pytest.approx(36 * 8000, rel=0.05)


def test_memory_is_not_watched_for_longer_than_the_limit(monkeypatch):
    monkeypatch.setattr("seatrial.models.tracing.PEAK_MAX_S", 0.0)
    released = threading.Event()

    def predict(xs):
        while tracemalloc.is_tracing() and not released.is_set():
            released.wait(0.001)
        return xs

    assert trace_call(predict, [1]).peak_bytes is None
    assert not tracemalloc.is_tracing()


def test_memory_that_somebody_watches_already_goes_on_being_watched():
    tracemalloc.start()
    try:
        assert trace_call(lambda xs: np.zeros(1000) + xs[0], [1] * 1000).peak_bytes >= 8000
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_model_sees_a_list_of_the_same_inputs():
    seen = []

    def predict(xs):
        seen.append((isinstance(xs, list), list(xs), xs[0], len(xs), xs[::-1]))
        return xs

    trace_call(predict, ["a", "b"])
    assert seen == [(True, ["a", "b"], "a", 2, ["b", "a"])] * 2


def test_a_subject_traces_its_own_function():
    assert CallableSubject(with_for).trace(FEW).rows == len(FEW)


def line(count, seconds, *, number=1, what="line", own=None, function="f"):
    own = seconds if own is None else own
    return LineShare("m.py", number, count, seconds, own, function, what)


def trace(rows, *lines, seconds=1.0):
    return Trace(rows, seconds, list(lines))


def test_the_share_sums_lines_that_grow_with_the_rows():
    small = trace(8, line(8, 0.2), line(8, 0.2, number=2), line(1, 0.6, number=3))
    large = trace(64, line(64, 0.4), line(64, 0.3, number=2), line(1, 0.3, number=3))
    assert row_share(small, large) == (pytest.approx(0.7), large.lines[0])


def test_a_line_that_does_not_grow_with_the_rows_does_not_count():
    assert row_share(trace(8, line(200, 0.9)), trace(64, line(200, 0.9))) == (0.0, None)


def test_a_loop_is_still_seen_where_watching_stopped_early():
    def slow(xs):
        answers = []
        for n in range(len(xs)):
            total = xs[n]
            for _ in range(300):
                total += 1
            answers.append(total)
        return answers

    small = trace_call(slow, [0] * 8)
    large = trace_call(slow, [0] * 64, events_max=15_000)
    assert (small.complete, large.complete) == (True, False)
    assert row_share(small, large)[0] > 0.9


def test_a_loop_of_fixed_length_is_none_where_watching_stopped_early():
    def layers(xs):
        total = 0
        for _ in range(2000):
            total += 1
        return [total] * len(xs)

    large = trace_call(layers, [0] * 64, events_max=1000)
    assert row_share(trace_call(layers, [0] * 8), large) == (0.0, None)


def test_inner_seconds_are_not_counted_twice():
    small = trace(8, line(8, 0.9, own=0.05), line(8, 0.8, number=2, function="g"))
    large = trace(64, line(64, 0.9, own=0.05), line(64, 0.8, number=2, function="g"))
    assert row_share(small, large)[0] == pytest.approx(0.9)


def test_work_that_only_some_rows_need_counts_with_the_line_that_calls_it():
    def some(count):
        return line(count, 0.85, number=9, function="heavy")

    small = trace(8, line(8, 0.9, own=0.05), some(4))
    assert row_share(small, trace(64, line(64, 0.9, own=0.05), some(32)))[0] == pytest.approx(0.9)


def test_a_drawing_line_counts_where_it_holds_more_than_all_others():
    small = trace(8, line(8, 0.8, what="draws"), line(8, 0.1, number=2))
    large = trace(64, line(64, 0.8, what="draws"), line(64, 0.1, number=2))
    assert row_share(small, large) == (pytest.approx(0.8), large.lines[0])
