"""How unusual a number is beside the reference: nought inside its range, graded outside."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

PRESENT = 0.5
"""Intensity from which a factor counts as present in a row."""

TAIL = 0.01
"""Share of the reference left outside on each side: what one row in a hundred does is usual."""


class Band(Struct, frozen=True):
    """The usual range of one number and the distance beyond it that counts half.

    Attributes:
        low: 1st percentile of the reference.
        high: 99th percentile of the reference.
        half: Distance beyond an edge at which the intensity is 0.5, in the number's unit.
    """

    low: float
    high: float
    half: float

    @classmethod
    def of(cls, values: ArrayLike, *, floor: float) -> Band:
        """Learn the band from reference values; NaN are left out.

        Args:
            values: Reference values, any shape.
            floor: Smallest ``half``, so that a reference without spread has no cliff.

        >>> Band.of(range(101), floor=1.0)
        Band(low=1.0, high=99.0, half=25.0)
        """
        usable = np.asarray(values, dtype=float).ravel()
        usable = usable[np.isfinite(usable)]
        if not usable.size:
            limit = float(np.finfo(float).max)
            return cls(-limit, limit, floor)
        low, first, third, high = np.quantile(usable, [TAIL, 0.25, 0.75, 1.0 - TAIL])
        return cls(float(low), float(high), float(max((third - first) / 2.0, floor)))

    def intensity(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return 0 inside the band, 0.5 at ``half`` beyond an edge, towards 1 far outside.

        Formula: ``d / (d + half)`` with ``d`` the distance beyond the nearer edge. NaN gives 0.

        >>> Band(0.0, 10.0, 5.0).intensity([5.0, 15.0, -5.0, float("nan")])
        array([0. , 0.5, 0.5, 0. ])
        """
        points = np.asarray(values, dtype=float)
        beyond = np.maximum(np.maximum(self.low - points, points - self.high), 0.0)
        beyond = np.nan_to_num(beyond, nan=0.0, posinf=np.finfo(float).max / 4)
        graded: NDArray[np.float64] = beyond / (beyond + self.half)
        return graded


def either(*intensities: ArrayLike) -> NDArray[np.float64]:
    """Combine intensities of several signs of one factor: 1 - (1 - a)(1 - b)...

    >>> either([0.5, 0.0], [0.5, 0.0])
    array([0.75, 0.  ])
    """
    absent = np.ones(np.shape(intensities[0]))
    for part in intensities:
        absent = absent * (1.0 - np.asarray(part, dtype=float))
    return 1.0 - absent
