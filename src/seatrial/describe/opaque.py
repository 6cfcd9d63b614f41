"""Inputs that nothing here can describe: images, conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import UnknownNameError


class OpaqueDescriber:
    """Names no factor, so that the whole drop stands as remainder instead of a guess."""

    why = "inputs of this kind cannot be described: no factor is looked for"
    factor_ids: tuple[str, ...] = ()

    @classmethod
    def fit(cls, inputs: Sequence[Any]) -> Self:
        """Learn nothing."""
        del inputs
        return cls()

    def describe(self, inputs: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return no descriptor."""
        del inputs
        return {}

    def factors(self, inputs: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Return no factor."""
        del inputs
        return {}

    def repair(self, factor: str, inputs: Sequence[Any]) -> list[Any] | None:
        """Refuse: there is no factor to undo."""
        del inputs
        raise UnknownNameError.of("factor", factor, ())

    def to_document(self) -> dict[str, Any]:
        """Return the kind alone."""
        return {"kind": "image"}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return a describer that describes nothing."""
        del document
        return cls()
