"""Every registered adapter keeps the contract, none is left out, and the checks can fail."""

from contextlib import contextmanager

import pytest

from seatrial.core import plugins
from seatrial.core.errors import ModelRaisedError
from seatrial.models.answers import Answer
from seatrial.models.subject import Batch, CallableSubject
from seatrial.testing import contract
from seatrial.testing.models import BrokenModel

CHECKS = list(contract.checks())


def test_every_registered_adapter_has_an_example():
    assert contract.without_example() == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("adapter", list(plugins.adapters))
def test_an_adapter_keeps_the_contract(adapter, check, tmp_path):
    check.run(contract.examples.get(adapter), tmp_path)


def test_an_adapter_registered_without_an_example_is_noticed(monkeypatch):
    entries = {**plugins.adapters._entries, "quantum": "nowhere:open_model"}
    monkeypatch.setattr(plugins.adapters, "_entries", entries)
    assert contract.without_example() == ["quantum"]


class Sound(CallableSubject):
    """Keeps the contract; the classes below each break one promise of it."""

    def __init__(self, behaviour):
        super().__init__(BrokenModel(behaviour, poison=-1.0).predict)


class Reversing(Sound):
    def answer(self, inputs):
        return Batch(super().answer(inputs).answers[::-1], 0.0)


class Dropping(Sound):
    def answer(self, inputs):
        return Batch(super().answer(inputs).answers[:2], 0.0)


class Unwilling(Sound):
    def answer(self, inputs):
        if not inputs:
            raise ModelRaisedError("nothing to do")
        return super().answer(inputs)


class Sociable(Sound):
    def answer(self, inputs):
        found = super().answer(inputs).answers
        return Batch([Answer(one.output + len(inputs) - 1) for one in found], 0.0)


class Wordy(Sound):
    def answer(self, inputs):
        found = super().answer(inputs).answers
        return Batch([Answer(complex(one.output)) for one in found], 0.0)


class Leaking(Sound):
    def answer(self, inputs):
        return Batch([Answer(2 * value) for value in inputs], 1 / (0 if None in inputs else 1))


class Raw(Sound):
    def answer(self, inputs):
        return Batch([Answer(one) for one in self._predict(inputs)], 0.0)


class Timeless(Sound):
    def answer(self, inputs):
        return Batch(super().answer(inputs).answers, float("nan"))


class Opaque(Sound):
    visible = False


class Mute(Sound):
    def variants(self):
        return {"mute": CallableSubject(lambda xs: xs, close=None), "half": Dropping("healthy")}


class Once(Sound):
    def close(self):
        if self._close == "closed":
            raise RuntimeError("closed already")
        self._close = "closed"


BROKEN = {
    "keeps_the_order_of_inputs": Reversing,
    "answers_once_per_input": Dropping,
    "answers_an_empty_batch_with_nothing": Unwilling,
    "answers_alone_as_in_company": Sociable,
    "answers_in_plain_values": Wordy,
    "translates_what_the_model_raises": Raw,
    "refuses_too_few_answers": Raw,
    "names_the_row_that_is_not_finite": Raw,
    "leaks_no_foreign_exception": Leaking,
    "measures_time_and_size": Timeless,
    "traces_what_it_says_is_visible": Opaque,
    "brings_variants_that_answer": Mute,
    "closes_as_often_as_asked": Once,
}


def example(kind):
    @contextmanager
    def build(folder, behaviour):
        yield kind(behaviour)

    return contract.AdapterExample(build=build, wrap=lambda number: number)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_sound_subject_passes(check, tmp_path):
    check.run(example(Sound), tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_subject_that_breaks_a_promise_fails_its_check(check, tmp_path):
    with pytest.raises(Exception):  # noqa: B017, PT011  (a foreign exception is a failure too)
        check.run(example(BROKEN[check.name]), tmp_path)
