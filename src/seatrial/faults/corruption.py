"""One way of spoiling inputs without changing what is right about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np

from seatrial.core.errors import DataError
from seatrial.core.settings import InputKind

Rng = np.random.Generator

Corrupt: TypeAlias = Callable[[Sequence[Any], float, Rng], Sequence[Any]]
"""``corrupt(inputs, severity, rng) -> inputs``: as many as came, in their order, none changed in
place. Severity goes from above 0 (hardly felt) to 1 (as bad as a label survives)."""

SEVERITIES = (0.15, 0.4, 0.8)
"""Tried where a family names none: one that a model should hardly feel, one as production has it,
and one near the worst."""


@dataclass(frozen=True)
class Family:
    """Corruptions of one nature: what a model learns to bear of one, it bears of its sisters.

    Attributes:
        name: As it is called in reports.
        kinds: Inputs that it can spoil.
        variants: Its ways of doing so, by name.
        severities: How hard each is tried.
    """

    name: str
    kinds: tuple[InputKind, ...]
    variants: Mapping[str, Corrupt]
    severities: tuple[float, ...] = SEVERITIES


@dataclass(frozen=True)
class Corruption:
    """One variant of a family at one severity."""

    family: str
    name: str
    severity: float
    corrupt: Corrupt

    @property
    def id(self) -> str:
        """Return its name with its family's and its severity."""
        return f"{self.family}/{self.name} {self.severity:g}"

    def applied(self, inputs: Sequence[Any], *, seed: int) -> list[Any]:
        """Return the inputs, spoilt; the same for the same seed.

        Args:
            inputs: Left as they are.
            seed: With the corruption's own id it decides every random choice.

        Raises:
            DataError: What a plug-in returned are not as many inputs as it got.
        """
        # A corruption of its own stream: one more in the suite changes none of the others.
        rng = np.random.default_rng([seed, crc32(self.id.encode())])
        spoilt = list(self.corrupt(list(inputs), self.severity, rng))
        if len(spoilt) != len(inputs):
            raise DataError(
                f"the stress family {self.family!r} returned {len(spoilt)} inputs for "
                f"{len(inputs)}; accepted is one each.",
                hint=f"Return every input from {self.name!r}, spoilt or not.",
            )
        return spoilt
