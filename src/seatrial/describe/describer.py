"""The face of every describer, and the door that picks one by kind of input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import DataError
from seatrial.core.settings import InputKind


class Describer(Protocol):
    """What inputs look like beside a frozen reference (the eval set).

    A row has a factor from 0.5 on (:data:`seatrial.describe.band.PRESENT`). Each row is
    described on its own: alone, in a batch, offline and online it gets the same numbers.
    """

    @classmethod
    def fit(cls, inputs: Sequence[Any]) -> Self:
        """Learn the reference; nothing is learnt afterwards."""
        ...

    @property
    def factor_ids(self) -> tuple[str, ...]:
        """Ids of the ledger factors that :meth:`factors` returns, in its order."""
        ...

    def describe(self, inputs: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return descriptors (see :mod:`seatrial.describe.catalogue`), each of shape (n,)."""
        ...

    def factors(self, inputs: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Return the intensity in [0, 1] of each factor, each of shape (n,)."""
        ...

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Return the inputs with one factor undone; ``None`` where it cannot be undone.

        Rows without the factor come back equal. Repairing twice changes nothing more.

        Raises:
            UnknownNameError: The describer knows no such factor.
        """
        ...

    def to_document(self) -> dict[str, Any]:
        """Return the frozen reference as JSON-able data; see :func:`describer_from`."""
        ...

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return the describer that was frozen: equal numbers for equal inputs."""
        ...


def describer_for(kind: InputKind, reference_inputs: Sequence[Any]) -> Describer:
    """Fit the describer for a kind of input.

    Args:
        kind: As in ``[model] input``.
        reference_inputs: Inputs of the eval set.

    Raises:
        DataError: The reference is empty, or its inputs are not of that kind.

    >>> reference = ["the film is good", "the film is bad", "a fine film , really"]
    >>> describer = describer_for("text", reference)
    >>> describer.repair("format", ["<p>the film is good</p>"])
    ['the film is good']
    """
    if not len(reference_inputs):
        raise DataError(
            "the reference holds 0 inputs; accepted is at least 1.",
            hint="Point [eval] data at a file with rows.",
        )
    return _class_of(kind).fit(reference_inputs)


def describer_from(document: dict[str, Any]) -> Describer:
    """Return the describer frozen by :meth:`Describer.to_document`."""
    return _class_of(document["kind"]).from_document(document)


def _class_of(kind: str) -> type[Describer]:
    if kind == "text":
        from seatrial.describe.text import TextDescriber

        return TextDescriber
    if kind in {"record", "array"}:
        from seatrial.describe.table import TableDescriber

        return TableDescriber
    from seatrial.describe.opaque import OpaqueDescriber

    return OpaqueDescriber
