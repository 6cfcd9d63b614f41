"""The stress suite: families that fit, in an order that can be cut short, and other people's."""

import numpy as np
import pytest

from seatrial.core.errors import DataError, UnknownNameError, UsageError
from seatrial.faults.corruption import Corruption, Family
from seatrial.faults.suite import FAMILIES, family, stress_suite

SAID = [
    "this is a good film , really , and people 's best of the year",
    "don't watch it , it is bad from beginning to end !",
    "one of the better pictures that we have seen in a long while",
]
TEXTS = [f"{SAID[place % 3]} , said viewer{place} of town{place}" for place in range(24)]
ROWS = [{"age": place, "rate": 0.5 * place, "plan": "abc"[place % 3]} for place in range(30)]


@pytest.fixture
def registered():
    """Register entries for one test."""
    names = []

    def register(name, entry):
        FAMILIES.register(name, entry)
        names.append(name)

    yield register
    for name in names:
        del FAMILIES._entries[name]


@pytest.mark.parametrize("corruption", stress_suite("text"), ids=lambda one: one.id)
def test_every_text_corruption_gives_one_text_for_each_the_same_for_the_same_seed(corruption):
    """It keeps count and order, leaves what it got alone, and repeats itself."""
    given = list(TEXTS)
    spoilt = corruption.applied(given, seed=3)
    assert given == TEXTS
    assert len(spoilt) == len(TEXTS)
    assert all(isinstance(text, str) and text for text in spoilt)
    assert spoilt == corruption.applied(given, seed=3)
    assert spoilt != given


@pytest.mark.parametrize("corruption", stress_suite("record"), ids=lambda one: one.id)
def test_every_table_corruption_gives_one_row_for_each_with_the_same_columns(corruption):
    """It changes cells, never columns, and whole numbers stay whole."""
    given = [dict(row) for row in ROWS]
    spoilt = corruption.applied(given, seed=3)
    assert given == ROWS
    assert [list(row) for row in spoilt] == [list(row) for row in ROWS]
    ages = [row["age"] for row in spoilt]
    assert all(isinstance(age, int) or np.isnan(age) for age in ages)


def test_arrays_are_spoilt_like_tables():
    """A row given as a list comes back as a list of the same length."""
    rows = [[float(place), place * 0.3, place % 5] for place in range(30)]
    changed = 0
    for corruption in stress_suite("array"):
        spoilt = corruption.applied(rows, seed=1)
        assert [len(row) for row in spoilt] == [3] * 30
        changed += spoilt != rows
    assert changed >= 10


def test_harder_is_further_from_what_was_asked():
    """Severity changes more of a text."""
    typos = [one for one in stress_suite("text", names=["slips"]) if one.name == "typos"]
    moved = {
        one.severity: sum(a != b for a, b in zip(one.applied(TEXTS, seed=0), TEXTS, strict=True))
        for one in typos
    }
    changed = {
        one.severity: sum(
            a != b
            for before, after in zip(TEXTS, one.applied(TEXTS, seed=0), strict=True)
            for a, b in zip(before.split(), after.split(), strict=True)
        )
        for one in typos
    }
    assert sorted(changed, key=changed.get) == sorted(changed)
    assert moved[0.8] == len(TEXTS)


def test_the_first_part_of_the_suite_holds_every_family():
    """Who has little time tries fewer of each family, not fewer families."""
    suite = stress_suite("text")
    families = {one.family for one in suite}
    assert {one.family for one in suite[: len(families)]} == families


def test_a_family_that_fits_another_kind_is_left_out():
    """Texts have no cells, tables no letters."""
    assert not {one.family for one in stress_suite("text")} & {"cells-missing"}
    assert not {one.family for one in stress_suite("record")} & {"slips"}
    assert stress_suite("image") == ()


def test_a_plain_function_is_a_family_of_its_own(registered):
    """Users extend the suite with a function of inputs, severity and a generator."""

    def shouted(inputs, severity, rng):
        return [text.upper() if rng.random() < severity else text for text in inputs]

    registered("shouting", shouted)
    suite = stress_suite("text", names=["shouting"])
    assert {one.name for one in suite} == {"shouted"}
    assert suite[-1].applied(["abc"] * 50, seed=0).count("ABC") >= 10
    assert "shouting" in {one.family for one in stress_suite("image")}


def test_a_family_that_loses_inputs_is_told_so():
    """A corruption returns one input for each that it got."""
    lossy = Corruption("mine", "lossy", 0.5, lambda inputs, severity, rng: inputs[1:])
    with pytest.raises(DataError, match="returned 2 inputs for 3"):
        lossy.applied(["a", "b", "c"], seed=0)


def test_an_unknown_family_is_named_with_the_known_ones():
    """The message helps to find the right name."""
    with pytest.raises(UnknownNameError, match="slips"):
        stress_suite("text", names=["slip"])


def test_an_entry_that_is_neither_family_nor_function_is_refused(registered):
    """What was received is said."""
    registered("number", 7)
    with pytest.raises(UsageError, match="is a int"):
        family("number")


def test_adding_a_family_leaves_the_others_as_they_were(registered):
    """Each corruption has random choices of its own."""
    before = [one.applied(TEXTS, seed=5) for one in stress_suite("text", names=["slips", "cut"])]
    registered("idle", Family("idle", ("text",), {"same": lambda inputs, severity, rng: inputs}))
    names = ["idle", "slips", "cut"]
    after = [one for one in stress_suite("text", names=names) if one.family != "idle"]
    assert [one.applied(TEXTS, seed=5) for one in after] == before
