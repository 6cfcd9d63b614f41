"""Nobody gets an answer that was made for something else, and nobody is forgotten."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seatrial.core.errors import (
    CallerGoneError,
    DeadlineExceededError,
    InputError,
    ModelRaisedError,
    OverloadedError,
    WorkerLostError,
)
from seatrial.models.answers import Answer
from seatrial.serve.cache import (
    ANY,
    FRESH,
    PRIVATE,
    AnswerCache,
    Flights,
    is_shared,
    key_of,
    wish_of,
)

RELEASE = "tickets@" + "a" * 64
DIFFERENT = [
    1,
    1.0,
    True,
    "1",
    b"1",
    [1],
    {"1": 1},
    {"a": 1},
    {"a": 1.0},
    {"a": "1"},
    {"a": None},
    {},
    [],
    "",
    b"",
    None,
    0,
    False,
    0.0,
    -0.0,
    [[1], [2]],
    [[1, 2]],
    [1, 2],
    ["1, 2"],
    2**70,
    -(2**70),
    2**70 + 1,
    str(2**70),
    f"{2**70:x}".encode(),
    [2**70],
    "\ud800",
    "\ud801",
    {"a": 2**70, "b": 1},
    {"a": 1, "b": 2**70},
    np.array([1, 2]),
    np.array([1, 2], dtype=np.float64),
    np.array([1, 2], dtype=np.int32),
    np.array([[1, 2]]),
    np.array([1, 2]).tobytes(),
    np.array(["1", "2"]),
    np.array(["1", "2"], dtype=object),
    np.float32(1),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)


def reordered(value):
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(list(value))}
    return [reordered(held) for held in value] if isinstance(value, list) else value


def exactly(value):
    """What a value is, types and signs included, for comparing."""
    if isinstance(value, dict):
        return ("dict", sorted((name, exactly(held)) for name, held in value.items()))
    if isinstance(value, list):
        return ("list", [exactly(held) for held in value])
    return (type(value).__name__, repr(value))


def key(value, **changed):
    told = {"release": RELEASE, "variant": "original", "value": value, **changed}
    return key_of(**told)


def test_different_inputs_have_different_keys():
    keys = [key(value) for value in DIFFERENT]
    assert len(set(keys)) == len(DIFFERENT)


@given(json_values)
def test_the_order_of_names_in_an_object_does_not_count(value):
    assert key(value) == key(reordered(value))


@given(json_values, json_values)
def test_keys_are_equal_only_where_inputs_are(one, other):
    assert (key(one) == key(other)) == (exactly(one) == exactly(other))


def test_whatever_makes_an_answer_is_in_its_key():
    told = [
        key("a"),
        key("a", release="tickets@" + "b" * 64),
        key("a", variant="int8"),
        key("a", parameters={"temperature": 0}),
        key("a", parameters={"temperature": 1}),
        key_of("ab", "c", "a"),
        key_of("a", "bc", "a"),
    ]
    assert len(set(told)) == len(told)
    assert key("a", parameters={"x": 1, "y": 2}) == key("a", parameters={"y": 2, "x": 1})


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        (None, ANY),
        (b"", ANY),
        (b"max-age=60", ANY),
        (b"no-cache", FRESH),
        (b"max-age=0", FRESH),
        (b"max-age=60, No-Cache", FRESH),
        (b"no-cache,no-store", PRIVATE),
        (b"no-store", PRIVATE),
    ],
)
def test_a_caller_says_what_it_allows(header, wish):
    assert wish_of(header) == wish


def test_an_input_too_deep_to_have_a_canonical_form_is_refused():
    """Whether its levels are walked by the encoder or, for a huge number in it, by us."""
    for inner in (1, 10**30):
        deep = inner
        for _ in range(5000):
            deep = [deep]
        with pytest.raises(InputError, match="nested too deeply"):
            key_of("m@1", "original", deep)


def test_what_was_put_is_returned():
    cache = AnswerCache(10_000)
    answer = Answer("billing", 0.9, {"billing": 0.9})
    assert cache.get(b"a", now_s=0) is None
    assert cache.put(b"a", answer, now_s=0)
    assert cache.get(b"a", now_s=1e9) is answer
    assert (cache.evictions, len(cache)) == (0, 1)


def test_the_answer_used_longest_ago_makes_room():
    cache = AnswerCache(3_000)
    number = 0
    while not cache.evictions:
        cache.put(b"%d" % number, Answer("x" * 100), now_s=0)
        cache.get(b"0", now_s=0)
        number += 1
    assert cache.get(b"0", now_s=0) is not None
    assert cache.get(b"1", now_s=0) is None
    assert cache.bytes_held <= 3_000


def test_answers_expire_where_they_are_told_to():
    cache = AnswerCache(10_000, ttl_s=60)
    cache.put(b"a", Answer("x"), now_s=100)
    assert cache.get(b"a", now_s=159.9) is not None
    assert cache.get(b"a", now_s=160) is None
    assert (cache.evictions, len(cache), cache.bytes_held) == (0, 0, 0)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(float("nan")),
        Answer(float("inf")),
        Answer([1.0, [float("-inf")]]),
        Answer({"a": float("nan")}),
        Answer("x", float("nan")),
        Answer("x", 0.5, {"x": float("nan")}),
        Answer(object()),
        Answer(np.zeros(3)),
        Answer("x" * 20_000),
    ],
)
def test_what_must_not_be_kept_is_not(answer):
    cache = AnswerCache(10_000)
    cache.put(b"other", Answer("y"), now_s=0)
    assert not cache.put(b"a", answer, now_s=0)
    assert cache.get(b"a", now_s=0) is None
    assert cache.get(b"other", now_s=0) is not None, "a refused answer displaces nothing"
    assert cache.evictions == 0


def test_no_room_means_no_cache():
    cache = AnswerCache(0)
    assert not cache.put(b"a", Answer("x"), now_s=0)
    assert cache.get(b"a", now_s=0) is None


@pytest.mark.parametrize("entries", [2_000, 5_600])
def test_the_memory_that_is_counted_is_not_less_than_what_is_taken(entries):
    """Also just after tables were doubled, and after everything was displaced once."""

    def fill():
        cache = AnswerCache(entries * 990)
        for number in range(2 * entries):
            answer = Answer(f"billing-{number}", number / 7, {"billing": number / 7, "other": 0.5})
            cache.put(key(str(number)), answer, now_s=0)
        return cache

    fill()
    tracemalloc.start()
    try:
        cache = fill()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.evictions > 0
    assert taken <= cache.bytes_held <= 2 * taken


def test_a_flight_that_began_before_a_release_swap_lands_under_the_old_key():
    cache, flights = AnswerCache(10_000), Flights()
    old, new = key("a"), key("a", release="tickets@" + "b" * 64)
    assert flights.join(old, "before")
    assert flights.join(new, "after"), "the new release answers for itself"
    assert flights.land(old) == ["before"]
    cache.put(old, Answer("old"), now_s=0)
    assert cache.get(new, now_s=0) is None
    assert flights.leader(new) == "after"


def test_a_thousand_askers_are_one_flight():
    flights = Flights()
    leads = [flights.join(b"k", number) for number in range(1000)]
    assert leads == [True] + [False] * 999
    assert flights.land(b"k") == list(range(1000))
    assert flights.land(b"k") == []


def test_when_the_leader_leaves_the_next_takes_over():
    flights = Flights()
    for asker in ("a", "b", "c"):
        flights.join(b"k", asker)
    assert flights.leave([(b"k", "a")]) == [(b"k", "b")]
    assert flights.leave([(b"k", "c")]) == []
    assert flights.land(b"k") == ["b"]


def test_the_rows_of_one_request_do_not_inherit_from_each_other():
    flights = Flights()
    for asker in ("a0", "a1", "b0"):
        flights.join(b"k", asker)
    flights.join(b"l", "a2")
    gone = [(b"k", "a0"), (b"k", "a1"), (b"l", "a2"), (b"unknown", "a3")]
    assert flights.leave(gone) == [(b"k", "b0")]
    assert len(flights) == 1


def test_only_what_is_wrong_with_the_row_is_wrong_for_all():
    assert is_shared(ModelRaisedError("bad row"))
    assert is_shared(WorkerLostError("poison"))
    assert is_shared(OverloadedError("full"))
    assert not is_shared(CallerGoneError("gone"))
    assert not is_shared(DeadlineExceededError("late"))


class FlightsMachine(RuleBasedStateMachine):
    """A shell that obeys the flights, and a model beside it that counts.

    Every asker is settled once or left; for every key with askers exactly one row runs.
    """

    def __init__(self):
        super().__init__()
        self.flights = Flights()
        self.running = {}
        self.open = {}
        self.settled = []
        self.numbered = 0

    @rule(keys=st.lists(st.sampled_from([b"k", b"l", b"m"]), min_size=1, max_size=4))
    def arrive(self, keys):
        self.numbered += 1
        rows = [(key, (self.numbered, row)) for row, key in enumerate(keys)]
        for key, asker in rows:
            if self.flights.join(key, asker):
                assert key not in self.running
                self.running[key] = asker
        self.open[self.numbered] = rows

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data):
        """Answered or failed by its own fault: for the flights it is the same."""
        key = data.draw(st.sampled_from(sorted(self.running)))
        landed = self.flights.land(key)
        assert landed[0] == self.running.pop(key)
        self.settled += landed
        for number, row in landed:
            self.open[number] = [at for at in self.open[number] if at[1] != (number, row)]

    @precondition(lambda self: any(self.open.values()))
    @rule(data=st.data())
    def depart(self, data):
        number = data.draw(st.sampled_from([at for at, rows in self.open.items() if rows]))
        gone = self.open.pop(number)
        for key, asker in gone:
            if self.running.get(key) == asker:
                del self.running[key]
        for key, heir in self.flights.leave(gone):
            assert key not in self.running
            assert heir[0] != number
            self.running[key] = heir

    @invariant()
    def whoever_waits_is_waited_for(self):
        waiting = [at for rows in self.open.values() for at in rows]
        assert set(self.running) == {key for key, _ in waiting}
        assert all((key, asker) in waiting for key, asker in self.running.items())
        assert all(self.flights.leader(key) == asker for key, asker in self.running.items())

    @invariant()
    def nobody_is_settled_twice(self):
        assert len(self.settled) == len(set(self.settled))


TestFlights = FlightsMachine.TestCase
TestFlights.settings = settings(max_examples=60, stateful_step_count=30)
