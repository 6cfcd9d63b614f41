"""Rates that change while a load runs: ramps, spikes and steps, written in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from seatrial.core.errors import UsageError
from seatrial.measure.load.arrivals import FloatArray

SECONDS: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
PIECE: Final = re.compile(
    rf"(?P<start>{NUMBER})\s*(?:(?:->|→)\s*(?P<end>{NUMBER})\s*)?:\s*"
    rf"(?P<length>{NUMBER})\s*(?P<unit>ms|s|min|m|h)"
)
EXAMPLE = "10:30s, 10->100:1s, 100:60s, 100->10:1s, 10:30s"


@dataclass(frozen=True)
class Piece:
    """A stretch of time in which the rate stays, or changes evenly.

    Attributes:
        start_per_s: Rate at its beginning.
        end_per_s: Rate at its end.
        duration_s: How long it lasts.
    """

    start_per_s: float
    end_per_s: float
    duration_s: float

    @property
    def requests(self) -> float:
        """Arrivals expected in it."""
        return (self.start_per_s + self.end_per_s) / 2 * self.duration_s


@dataclass(frozen=True)
class Shape:
    """A rate over time, piece after piece.

    >>> parse_shape("10:30s, 10->100:1s, 100:60s").duration_s
    91.0
    """

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        if any(
            piece.duration_s <= 0 or min(piece.start_per_s, piece.end_per_s) < 0
            for piece in self.pieces
        ):
            raise UsageError(
                f"received the shape {self}; accepted are rates of 0 or more and durations above "
                "0.",
                hint=f"For example: {EXAMPLE}",
            )
        if not sum(piece.requests for piece in self.pieces) > 0:
            raise UsageError(
                f"the shape {self} sends nothing; accepted is one with a rate above 0.",
                hint=f"For example: {EXAMPLE}",
            )

    @property
    def duration_s(self) -> float:
        """Length of all pieces."""
        return sum(piece.duration_s for piece in self.pieces)

    @property
    def mean_per_s(self) -> float:
        """Mean rate over all pieces."""
        return sum(piece.requests for piece in self.pieces) / self.duration_s

    def __str__(self) -> str:
        """Write it as :func:`parse_shape` reads it."""
        return ", ".join(
            f"{piece.start_per_s:g}"
            + ("" if piece.end_per_s == piece.start_per_s else f"->{piece.end_per_s:g}")
            + f":{piece.duration_s:g}s"
            for piece in self.pieces
        )

    def arrivals(self, *, rng: np.random.Generator) -> FloatArray:
        """Draw Poisson arrivals whose rate follows the shape.

        Given their number, arrivals are independent with a density proportional to the rate, so
        they are drawn by inverting the integral of the rate exactly (Devroye, Non-Uniform Random
        Variate Generation, 1986, chapter VI.1.3): nothing is thrown away, as thinning would.

        Args:
            rng: Source of randomness; the same seed gives the same arrivals.

        Returns:
            Shape (n,), seconds from the start, sorted; n itself is random.
        """
        total = sum(piece.requests for piece in self.pieces)
        return self.moments(np.sort(rng.uniform(0.0, total, rng.poisson(total))))

    def even(self) -> FloatArray:
        """Return arrivals without chance: the k-th is due when k requests are expected.

        >>> parse_shape("2:1s, 4:1s").even()
        array([0.  , 0.5 , 1.  , 1.25, 1.5 , 1.75])
        """
        total = sum(piece.requests for piece in self.pieces)
        return self.moments(np.arange(np.ceil(total * (1 - 1e-12)), dtype=np.float64))

    def moments(self, counts: FloatArray) -> FloatArray:
        """Return when so many requests are expected: the inverse of the integral of the rate.

        Args:
            counts: Shape (n,), each from 0 to the number expected in all.
        """
        expected = np.array([piece.requests for piece in self.pieces])
        ends = np.cumsum(expected)
        # A piece in which nothing is sent is never chosen: its end equals its beginning.
        which = np.minimum(np.searchsorted(ends, counts, side="right"), len(ends) - 1)
        starts_s = np.concatenate([[0.0], np.cumsum([p.duration_s for p in self.pieces])])
        first = np.array([piece.start_per_s for piece in self.pieces])[which]
        last = np.array([piece.end_per_s for piece in self.pieces])[which]
        length_s = np.array([piece.duration_s for piece in self.pieces])[which]
        inside = counts - (ends - expected)[which]
        # a t + (b - a) t^2 / (2 d) = n, in the form that also holds for a = b and for a = 0.
        slope = (last - first) / length_s
        root = np.sqrt(np.maximum(first**2 + 2 * slope * inside, 0.0))
        within_s = np.where(inside > 0, 2 * inside / np.maximum(first + root, 1e-300), 0.0)
        moments: FloatArray = starts_s[which] + np.minimum(within_s, length_s)
        return moments

    def rate_at(self, moment_s: float) -> float:
        """Return the rate at a moment; 0.0 outside the shape."""
        for piece in self.pieces:
            if 0 <= moment_s < piece.duration_s:
                share = moment_s / piece.duration_s
                return piece.start_per_s + share * (piece.end_per_s - piece.start_per_s)
            moment_s -= piece.duration_s
        return 0.0


def parse_shape(text: str) -> Shape:
    """Read a shape: pieces of ``RATE:DURATION`` or ``FROM->TO:DURATION``, comma separated.

    Durations are in ``ms``, ``s``, ``m`` or ``h``; rates in requests per second.

    Raises:
        UsageError: It cannot be read, or sends nothing.

    >>> parse_shape("10:30s, 10->100:500ms, 0:1m").pieces[1]
    Piece(start_per_s=10.0, end_per_s=100.0, duration_s=0.5)
    """
    pieces = []
    for part in text.split(","):
        found = PIECE.fullmatch(part.strip())
        if found is None:
            raise UsageError(
                f"received the shape {text!r}, in which {part.strip()!r} is no piece; accepted is "
                "RATE:DURATION or FROM->TO:DURATION, comma separated, or one of "
                f"{', '.join(NAMED)}.",
                hint=f"For example: {EXAMPLE}",
            )
        start = float(found["start"])
        end = start if found["end"] is None else float(found["end"])
        pieces.append(Piece(start, end, float(found["length"]) * SECONDS[found["unit"]]))
    return Shape(tuple(pieces))


def steady(rate_per_s: float, duration_s: float) -> Shape:
    """Return one rate that stays."""
    return Shape((Piece(rate_per_s, rate_per_s, duration_s),))


def ramp(rate_per_s: float, duration_s: float, *, factor: float) -> Shape:
    """Return a rate that grows evenly from ``rate_per_s`` to ``factor`` times that."""
    return Shape((Piece(rate_per_s, factor * rate_per_s, duration_s),))


def spike(
    rate_per_s: float, duration_s: float, *, factor: float, ramp_s: float, hold_s: float
) -> Shape:
    """Return a rate that jumps to ``factor`` times itself in the middle, and comes back.

    Args:
        rate_per_s: Before and after.
        duration_s: Of the whole; what spike and ramps leave is split evenly before and after.
        factor: Height of the spike.
        ramp_s: From the rate to its height, and back.
        hold_s: How long it stays there.

    Raises:
        UsageError: The spike does not fit into the duration.

    >>> str(spike(10, 30, factor=10, ramp_s=1, hold_s=8))
    '10:10s, 10->100:1s, 100:8s, 100->10:1s, 10:10s'
    """
    around_s = (duration_s - hold_s - 2 * ramp_s) / 2
    if around_s <= 0:
        raise UsageError(
            f"a spike of {hold_s:g} s with two ramps of {ramp_s:g} s does not fit into "
            f"{duration_s:g} s.",
            hint=f"Load for longer than {hold_s + 2 * ramp_s:g} s (--duration).",
        )
    high = factor * rate_per_s
    pieces = [
        Piece(rate_per_s, rate_per_s, around_s),
        Piece(rate_per_s, high, ramp_s),
        Piece(high, high, hold_s),
        Piece(high, rate_per_s, ramp_s),
        Piece(rate_per_s, rate_per_s, around_s),
    ]
    return Shape(tuple(piece for piece in pieces if piece.duration_s > 0))


def steps(rate_per_s: float, duration_s: float, *, factor: float, count: int) -> Shape:
    """Return ``count`` rates of equal length, evenly from ``rate_per_s`` to ``factor`` times it.

    >>> str(steps(10, 40, factor=4, count=4))
    '10:10s, 20:10s, 30:10s, 40:10s'
    """
    rates = np.linspace(rate_per_s, factor * rate_per_s, max(count, 1)).tolist()
    return Shape(tuple(Piece(rate, rate, duration_s / len(rates)) for rate in rates))


NAMED = ("constant", "ramp", "spike", "steps")
"""Shapes that have a name; any other is written out."""
