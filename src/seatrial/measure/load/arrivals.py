"""When requests are due: seconds from the start of a load, decided before it begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.core.errors import UsageError

FloatArray = NDArray[np.float64]


def poisson(rate_per_s: float, *, duration_s: float, rng: np.random.Generator) -> FloatArray:
    """Return the arrivals of many independent users: a Poisson process.

    Given their number, the arrivals of a Poisson process are independent and uniform over the
    interval (Kingman, Poisson Processes, 1993, section 2.4), which is how they are drawn.

    Args:
        rate_per_s: Mean arrivals per second.
        duration_s: Length of the interval.
        rng: Source of randomness; the same seed gives the same arrivals.

    Returns:
        Shape (n,), seconds in [0, ``duration_s``), sorted; n itself is random.

    Raises:
        UsageError: Rate or duration is not positive.

    >>> len(poisson(100.0, duration_s=10.0, rng=np.random.default_rng(0)))
    1012
    """
    _positive("rate", rate_per_s, "requests/s")
    _positive("duration", duration_s, "seconds")
    count = rng.poisson(rate_per_s * duration_s)
    return np.sort(rng.uniform(0.0, duration_s, count))


def constant(rate_per_s: float, *, duration_s: float) -> FloatArray:
    """Return evenly spaced arrivals, the first at zero.

    Raises:
        UsageError: Rate or duration is not positive.

    >>> constant(2.0, duration_s=2.0)
    array([0. , 0.5, 1. , 1.5])
    """
    _positive("rate", rate_per_s, "requests/s")
    _positive("duration", duration_s, "seconds")
    # A hair below the product: 0.1 * 30 is 3.0000000000000004 and would give a fourth arrival.
    count = int(np.ceil(rate_per_s * duration_s * (1 - 1e-12)))
    return np.arange(count) / rate_per_s


def replayed(timestamps: ArrayLike, *, speed: float = 1.0) -> FloatArray:
    """Return the arrivals of recorded traffic, its first request at zero.

    Args:
        timestamps: Shape (n,), in any order: seconds as numbers, or NumPy ``datetime64``.
        speed: 2.0 replays twice as fast.

    Raises:
        UsageError: The speed is not positive, or a timestamp is missing or not finite.

    >>> replayed([30.0, 10.0, 20.0], speed=10.0)
    array([0., 1., 2.])
    """
    _positive("speed", speed, "times")
    given = np.asarray(timestamps)
    if given.dtype.kind == "M":
        missing = np.isnat(given)
        seconds = given.astype("datetime64[us]").astype(np.int64) / 1e6
    else:
        seconds = given.astype(np.float64)
        missing = ~np.isfinite(seconds)
    if missing.any():
        raise UsageError(
            f"timestamp {int(np.argmax(missing))} of the trace is missing or not finite.",
            hint="Drop the rows without a time.",
        )
    if len(seconds) == 0:
        return seconds.astype(np.float64)
    ordered: FloatArray = np.sort(seconds).astype(np.float64)
    since_first: FloatArray = (ordered - ordered[0]) / speed
    return since_first


def _positive(what: str, value: float, unit: str) -> None:
    if not (np.isfinite(value) and value > 0):
        raise UsageError(
            f"the {what} is {value:g}; accepted is a finite number of {unit} above 0.",
            hint=f"Give a positive {what}.",
        )
