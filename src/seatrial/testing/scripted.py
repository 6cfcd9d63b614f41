"""A subject whose time and memory follow a script, so that measuring it gives the same anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seatrial.core.errors import ModelRaisedError
from seatrial.models.answers import normalise
from seatrial.models.subject import Batch, LineShare, Subject, Trace, call, natural_size
from seatrial.testing.clock import ManualClock


def echo(inputs: list[Any]) -> list[Any]:
    """Answer every input with itself."""
    return list(inputs)


class ScriptedSubject:
    """Answers with a function; says that it took, and moves a clock by, what the script says.

    Args:
        predict: Answers a batch.
        seconds: Time of a call, by number of rows.
        peak_bytes: Most memory held in a call, by number of rows; ``None``: cannot be seen.
        lines: What a trace shows, by number of rows.
        clock: Moved by every call.
        rows_max: More rows than this are refused.

    >>> clock = ManualClock()
    >>> subject = ScriptedSubject(seconds=lambda rows: 0.5 * rows, clock=clock)
    >>> subject.answer(["a", "b"]).elapsed_s, clock.now_s()
    (1.0, 1.0)
    """

    def __init__(
        self,
        predict: Callable[[list[Any]], Any] = echo,
        *,
        seconds: Callable[[int], float] = lambda rows: 1e-3 + 1e-5 * rows,
        peak_bytes: Callable[[int], int] | None = None,
        lines: Callable[[int], list[LineShare]] = lambda _: [],
        clock: ManualClock | None = None,
        rows_max: int | None = None,
    ) -> None:
        self.takes_batches = True
        self.visible = peak_bytes is not None
        self.calls: list[int] = []
        """Rows of every call, in order."""
        self._predict = predict
        self._seconds = seconds
        self._peak_bytes = peak_bytes
        self._lines = lines
        self._clock = clock
        self._rows_max = rows_max

    def answer(self, inputs: list[Any]) -> Batch:
        """Answer a batch."""
        self.calls.append(len(inputs))
        if self._rows_max is not None and len(inputs) > self._rows_max:
            raise ModelRaisedError(
                f"the model raised ValueError: at most {self._rows_max} rows",
                details={"raised": "ValueError"},
            )
        elapsed_s = self._seconds(len(inputs))
        if self._clock is not None:
            self._clock.advance(elapsed_s)
        raw = call(self._predict, inputs)
        return Batch(normalise(raw, expected=len(inputs)), elapsed_s)

    def trace(self, inputs: list[Any]) -> Trace | None:
        """Return what the script says of a call."""
        if self._peak_bytes is None:
            return None
        rows = len(inputs)
        seconds = self._seconds(rows)
        return Trace(rows, seconds, self._lines(rows), self._peak_bytes(rows))

    def size(self, value: Any) -> int:
        """Return the natural size of an input."""
        return natural_size(value)

    def variants(self) -> Mapping[str, Subject]:
        """Return nothing."""
        return {}

    def close(self) -> None:
        """Nothing is held."""
