"""The one face that everything under test has: a callable here, a process there, a URL anywhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from seatrial.core.errors import ModelRaisedError, SeatrialError
from seatrial.models.answers import Answer, normalise

TEXT_MAX = 2_000
"""Most characters that are passed on of what an exception says: some quote all of their input."""


class Model(Protocol):
    """What a user's ``load()`` returns, at the least."""

    def predict(self, inputs: list[Any]) -> Sequence[Any]:
        """Answer a batch, one answer per input."""
        ...


class Batch(Struct, frozen=True):
    """The answers of one call and what it took.

    Attributes:
        answers: One per input, in order.
        elapsed_s: Seconds the model itself ran; for a URL, the round trip.
        rss_bytes: Resident memory of the model's process after the call; ``None`` from outside.
        cpu_s: CPU seconds that the process spent on it, all threads together; ``None`` from
            outside.
    """

    answers: list[Answer]
    elapsed_s: float
    rss_bytes: int | None = None
    cpu_s: float | None = None


class LineShare(Struct, frozen=True):
    """How often one line of Python ran during a traced call, and the seconds spent in it.

    Attributes:
        file: Where it is.
        line: Number of the line; of a function, its first.
        count: How often it ran.
        seconds: Time spent in it, calls and C code included.
        own_seconds: The same without inner calls that have rows of their own here; summing these
            counts nothing twice.
        function: Qualified name of the function that it belongs to.
        what: ``line``; ``function`` for one of a library, entered from the model's own code; or
            ``draws`` for a line that took inputs one by one from the list.
    """

    file: str
    line: int
    count: int
    seconds: float
    own_seconds: float = 0.0
    function: str = ""
    what: Literal["line", "function", "draws"] = "line"


class Trace(Struct, frozen=True):
    """What was seen inside one call, line by line (it runs slower than an untraced one).

    Attributes:
        rows: How many inputs the call had.
        seconds: How long the traced call took.
        lines: Every Python line that ran, most seconds first. Seconds of a line include the C
            code and the calls that it made.
        peak_bytes: Most memory that Python and NumPy held at once for this call; ``None`` where
            watching it took too long.
        complete: Whether every event was seen; counts are lower bounds where it is false.
    """

    rows: int
    seconds: float
    lines: list[LineShare]
    peak_bytes: int | None = None
    complete: bool = True


@runtime_checkable
class Subject(Protocol):
    """What detectors, experiments and the server see of a model.

    ``visible`` says whether the inside can be looked at (memory, traces); a URL's cannot.
    ``takes_batches`` says whether one call may carry several inputs.
    """

    takes_batches: bool
    visible: bool

    def answer(self, inputs: list[Any]) -> Batch:
        """Answer a batch.

        Raises:
            ModelError: The model raised or broke its output contract.
        """
        ...

    def trace(self, inputs: list[Any]) -> Trace | None:
        """Run one call under observation; ``None`` where the inside cannot be seen."""
        ...

    def size(self, value: Any) -> int:
        """Return the cost of one input in the model's own unit (characters, tokens, cells)."""
        ...

    def variants(self) -> Mapping[str, Subject]:
        """Return cheaper versions of the same model that it brings itself, by name."""
        ...

    def close(self) -> None:
        """Let go of whatever the model holds; called once."""
        ...


class CallableSubject:
    """A Python callable in this process: ``predict(inputs) -> answers``.

    Args:
        predict: Called with a list of inputs.
        size: Cost of one input; default :func:`natural_size`.
        variants: Cheaper versions by name.
        close: Called once at the end.

    >>> CallableSubject(lambda xs: [x * 2 for x in xs]).answer([1, 2]).answers[1].output
    4
    """

    takes_batches = True
    visible = True

    def __init__(
        self,
        predict: Callable[[list[Any]], Any],
        *,
        size: Callable[[Any], int] | None = None,
        variants: Callable[[], Mapping[str, Any]] | None = None,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._predict = predict
        self._size = size or natural_size
        self._variants = variants
        self._close = close

    @property
    def model(self) -> Any:
        """The object whose method answers; ``None`` for a plain function."""
        return getattr(self._predict, "__self__", None)

    def answer(self, inputs: list[Any]) -> Batch:
        """Answer a batch; see :class:`Subject`."""
        if not inputs:
            return Batch([], 0.0)
        started, used = time.perf_counter(), time.process_time()
        raw = call(self._predict, inputs)
        cpu_s = time.process_time() - used
        elapsed = time.perf_counter() - started
        return Batch(normalise(raw, expected=len(inputs)), elapsed, cpu_s=cpu_s)

    def trace(self, inputs: list[Any]) -> Trace | None:
        """Run one call under observation."""
        from seatrial.models.tracing import trace_call

        return trace_call(self._predict, inputs)

    def size(self, value: Any) -> int:
        """Return the cost of one input, at least 1."""
        return max(int(call(self._size, value)), 1)

    def variants(self) -> Mapping[str, Subject]:
        """Return the variants that the model brings."""
        found = self._variants() if self._variants else {}
        return {name: subject_of(model) for name, model in found.items()}

    def close(self) -> None:
        """Call the model's own ``close``, once."""
        close, self._close = self._close, None
        if close:
            close()


def subject_of(model: Any) -> Subject:
    """Give a model object or a plain function the face of a :class:`Subject`.

    Args:
        model: A ``Subject``, an object with ``predict``, or a callable on a list of inputs.

    Raises:
        ModelLoadError: It is none of these.
    """
    from seatrial.core.errors import ModelLoadError

    if isinstance(model, Subject):
        return model
    predict = getattr(model, "predict", None)
    if callable(predict):
        return CallableSubject(
            predict,
            size=getattr(model, "size", None),
            variants=getattr(model, "variants", None),
            close=getattr(model, "close", None),
        )
    if callable(model):
        return CallableSubject(model)
    raise ModelLoadError(
        f"received {type(model).__name__}; accepted is an object with predict(inputs) or a "
        "function of a list of inputs.",
        hint="Return such an object from load().",
    )


def call(predict: Callable[[Any], Any], inputs: Any) -> Any:
    """Call user code and translate whatever it raises.

    Raises:
        ModelRaisedError: With the type and text of what was raised, without its traceback.
    """
    try:
        return predict(inputs)
    except SeatrialError:
        raise
    except Exception as error:
        raise ModelRaisedError(
            f"the model raised {type(error).__name__}: {text_of(error)}",
            hint="Run the same rows through predict in a notebook.",
            details={
                "raised": type(error).__name__,
                "rows": len(inputs) if isinstance(inputs, list) else 1,
            },
        ) from error


def text_of(error: BaseException) -> str:
    r"""Return what an exception of user code says, fit to be sent: bounded and valid UTF-8.

    >>> text_of(ValueError("bad row")), text_of(ValueError("\ud800"))
    ('bad row', '?')
    """
    try:
        text = str(error)
    except Exception as unprintable:  # noqa: BLE001  (edge: its own method raised)
        return f"(its text cannot be had: {type(unprintable).__name__})"
    if len(text) > TEXT_MAX:
        text = f"{text[:TEXT_MAX]}…"
    return text.encode("utf-8", "replace").decode()


def natural_size(value: Any) -> int:
    """Return the size that most costs follow: characters, items or cells, at least 1.

    >>> natural_size("hello"), natural_size([1, 2]), natural_size(7)
    (5, 2, 1)
    """
    if isinstance(value, (str, bytes, list, tuple, dict)):
        return max(len(value), 1)
    np = sys.modules.get("numpy")
    if np is not None and isinstance(value, np.ndarray):
        return max(int(value.size), 1)
    return 1
