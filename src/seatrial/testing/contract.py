"""The contract of adapters: checks that every registered one passes, ours and anybody else's.

An adapter joins by being registered in :data:`seatrial.core.plugins.adapters` together with an
:class:`AdapterExample` under the same name in :data:`examples`, which builds small real models for
it. The test that walks the registry fails for an adapter without an example.

    for check in checks():
        check.run(examples.get("onnx"), folder)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from seatrial.core import plugins
from seatrial.core.errors import (
    ModelRaisedError,
    NonFiniteOutputError,
    OutputContractError,
    SeatrialError,
)
from seatrial.core.registry import Registry
from seatrial.models.answers import Answer
from seatrial.models.subject import Subject
from seatrial.testing.models import Behaviour


class AdapterExample(Struct, frozen=True, kw_only=True):
    """Small models of one runtime, built through its adapter.

    Attributes:
        build: Makes the model in an empty folder, opens it through the adapter and yields the
            subject. The model doubles a number, and on its poison does what the behaviour says.
        wrap: Turns a number into an input of this model; an answer's output is a number.
        poison: The number that breaks the broken ones.
    """

    build: Callable[[Path, Behaviour], AbstractContextManager[Subject]]
    wrap: Callable[[float], Any]
    poison: float = -1.0


examples: Registry[AdapterExample] = Registry(
    "adapter example",
    group="seatrial.adapter_examples",
    builtin={
        "load": "seatrial.testing.adapter_examples:LOAD",
        "sklearn": "seatrial.testing.adapter_examples:SKLEARN",
        "onnx": "seatrial.testing.adapter_examples:ONNX",
        "url": "seatrial.testing.adapter_examples:URL",
    },
)
"""One example per adapter, by the adapter's name."""

NUMBERS: Final = (3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0)
ODD: Final[tuple[Any, ...]] = (None, "", "text", 7, float("nan"), [], {}, [[]], {"a": object()})
"""Inputs that hardly any model was made for."""


class Check(Struct, frozen=True):
    """One promise of the contract, by name."""

    name: str
    run: Callable[[AdapterExample, Path], None]


def checks() -> Iterator[Check]:
    """Yield every check; each raises :class:`AssertionError` where the promise is broken."""
    for function in _CHECKS:
        yield Check(function.__name__, function)


def without_example() -> list[str]:
    """Return the registered adapters that nobody gave an example; there should be none."""
    return [name for name in plugins.adapters if name not in examples]


def keeps_the_order_of_inputs(example: AdapterExample, folder: Path) -> None:
    """Answers come in the order of the inputs, whatever that is."""
    with example.build(folder, "healthy") as subject:
        for numbers in (NUMBERS, NUMBERS[::-1]):
            found = _outputs(subject, example, numbers)
            _require(_close(found, [2 * n for n in numbers]), f"{numbers} gave {found}")


def answers_once_per_input(example: AdapterExample, folder: Path) -> None:
    """Batches of any size have one answer each, in our shape."""
    with example.build(folder, "healthy") as subject:
        for size in (1, 2, 3, len(NUMBERS)):
            answers = subject.answer([example.wrap(n) for n in NUMBERS[:size]]).answers
            _require(len(answers) == size, f"{size} inputs gave {len(answers)} answers")
            _require(all(isinstance(one, Answer) for one in answers), f"received {answers}")


def answers_an_empty_batch_with_nothing(example: AdapterExample, folder: Path) -> None:
    """No inputs, no answers, no error."""
    with example.build(folder, "healthy") as subject:
        _require(subject.answer([]).answers == [], "an empty batch was answered")


def answers_alone_as_in_company(example: AdapterExample, folder: Path) -> None:
    """One input by itself gets the answer that it gets among others, of the same type."""
    with example.build(folder, "healthy") as subject:
        together = _outputs(subject, example, NUMBERS)
        alone = [_outputs(subject, example, [number])[0] for number in NUMBERS]
        _require(_close(alone, together), f"alone {alone}, together {together}")
        types = [type(one) for one in alone], [type(one) for one in together]
        _require(types[0] == types[1], f"alone {types[0]}, together {types[1]}")


def answers_in_plain_values(example: AdapterExample, folder: Path) -> None:
    """Outputs are values that JSON knows, not a runtime's own."""
    with example.build(folder, "healthy") as subject:
        for output in _outputs(subject, example, NUMBERS):
            _require(type(output) in {bool, int, float, str, list, dict}, f"{type(output)}")


def translates_what_the_model_raises(example: AdapterExample, folder: Path) -> None:
    """A model that raises is named, with what it raised, and goes on answering afterwards."""
    with example.build(folder, "raises") as subject:
        poisoned = [example.wrap(n) for n in (1.0, example.poison, 2.0)]
        error = _raised(ModelRaisedError, lambda: subject.answer(poisoned))
        _require(bool(error.message and error.hint), "no message or no hint")
        _require(_close(_outputs(subject, example, [3.0]), [6.0]), "it does not go on")


def refuses_too_few_answers(example: AdapterExample, folder: Path) -> None:
    """A model that drops a row is named."""
    with example.build(folder, "too-few") as subject:
        _raised(OutputContractError, lambda: subject.answer([example.wrap(n) for n in NUMBERS]))


def names_the_row_that_is_not_finite(example: AdapterExample, folder: Path) -> None:
    """NaN is no answer; the error says in which row."""
    with example.build(folder, "nan") as subject:
        poisoned = [example.wrap(n) for n in (1.0, 2.0, example.poison, 3.0)]
        error = _raised(NonFiniteOutputError, lambda: subject.answer(poisoned))
        _require(error.details.get("row") == 2, f"details {error.details}")  # noqa: PLR2004


def leaks_no_foreign_exception(example: AdapterExample, folder: Path) -> None:
    """Whatever is sent, there is an answer or one of our own errors, and it goes on answering."""
    with example.build(folder, "healthy") as subject:
        for odd in ODD:
            for batch in ([odd], [example.wrap(1.0), odd]):
                try:
                    subject.answer(batch)
                except SeatrialError as error:
                    _require(bool(error.message), f"{odd!r} gave an error without a message")
        _require(_close(_outputs(subject, example, [3.0]), [6.0]), "it does not go on")


def measures_time_and_size(example: AdapterExample, folder: Path) -> None:
    """A call says how long it took, an input what it costs."""
    with example.build(folder, "healthy") as subject:
        inputs = [example.wrap(n) for n in NUMBERS]
        elapsed = subject.answer(inputs).elapsed_s
        _require(math.isfinite(elapsed) and elapsed >= 0.0, f"elapsed {elapsed}")
        sizes = [subject.size(value) for value in inputs]
        _require(all(type(size) is int and size >= 1 for size in sizes), f"sizes {sizes}")


def traces_what_it_says_is_visible(example: AdapterExample, folder: Path) -> None:
    """The inside is shown where it is visible, and nowhere else."""
    with example.build(folder, "healthy") as subject:
        trace = subject.trace([example.wrap(n) for n in NUMBERS])
        _require((trace is not None) == subject.visible, f"visible {subject.visible}: {trace}")
        if trace is not None:
            _require(trace.rows == len(NUMBERS), f"{trace.rows} rows")


def brings_variants_that_answer(example: AdapterExample, folder: Path) -> None:
    """Whatever variants a model brings are subjects too."""
    with example.build(folder, "healthy") as subject:
        for name, variant in subject.variants().items():
            found = variant.answer([example.wrap(n) for n in NUMBERS]).answers
            _require(len(found) == len(NUMBERS), f"variant {name}")


def closes_as_often_as_asked(example: AdapterExample, folder: Path) -> None:
    """Closing twice is closing once."""
    with example.build(folder, "healthy") as subject:
        subject.close()
        subject.close()


_CHECKS: Final = (
    keeps_the_order_of_inputs,
    answers_once_per_input,
    answers_an_empty_batch_with_nothing,
    answers_alone_as_in_company,
    answers_in_plain_values,
    translates_what_the_model_raises,
    refuses_too_few_answers,
    names_the_row_that_is_not_finite,
    leaks_no_foreign_exception,
    measures_time_and_size,
    traces_what_it_says_is_visible,
    brings_variants_that_answer,
    closes_as_often_as_asked,
)


def _outputs(subject: Subject, example: AdapterExample, numbers: Any) -> list[Any]:
    return [one.output for one in subject.answer([example.wrap(n) for n in numbers]).answers]


def _close(found: list[Any], expected: list[Any]) -> bool:
    return len(found) == len(expected) and all(
        math.isclose(a, b, rel_tol=1e-5) for a, b in zip(found, expected, strict=True)
    )


def _raised(kind: type[SeatrialError], action: Callable[[], Any]) -> SeatrialError:
    try:
        answer = action()
    except kind as error:
        return error
    except SeatrialError as error:
        raise AssertionError(f"expected {kind.__name__}, got {error!r}") from error
    raise AssertionError(f"expected {kind.__name__}, got the answer {answer!r}")


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001  (reads as an assertion)
    if not condition:
        raise AssertionError(otherwise)
