"""The mean change of score with factors undone: forecast for all rows, mended by labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.gap.forecast import GAIN_SD, Forecast

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Changes:
    """Mean change of score in each view (a world, and fates that are undone).

    The forecast's mean over all rows is known well, but may be off; what labelled rows say beyond
    it is right on average, but known badly. The two are weighed by their variances (Fay and Herriot
    1979): with many labels theirs alone counts.

    Args:
        gain: Expected change of each described row, shape (n, views).
        rest: Change beyond that in the labelled rows, shape (labelled, views).
        known: Described rows that the forecast covers, shape (n,).
        trust: What the labelled rows' word counts, per view.
        error: Standard deviation of what is left unknown beside resampling, per view and factor,
            shape (factors, views).
    """

    gain: Floats
    rest: Floats
    known: NDArray[np.bool_]
    trust: Floats
    error: Floats

    @classmethod
    def of(
        cls,
        forecast: Forecast,
        actual: Floats,
        reached: Floats,
        *,
        views: list[int],
        worlds: tuple[int, ...],
        labelled: NDArray[np.intp],
        post: Floats,
        production: Floats,
    ) -> Changes:
        """Weigh forecast and labels.

        Args:
            forecast: Of all described rows.
            actual: Change of score of the labelled rows, shape (labelled, views).
            reached: 0 where a row's fate keeps any answer from its user, shape (n, views).
            views: Column of ``worlds`` of each view.
            worlds: Sets of factors, as bits.
            labelled: Which described rows are labelled.
            post: What each labelled row counts; sums to 1.
            production: How many production rows each described row stands for.
        """
        gain = forecast.gain[:, views] * reached
        rest = actual - gain[labelled]
        noise = (forecast.noise[:, views] * reached)[labelled]
        weights = production * forecast.known
        changed = weights @ (forecast.changed[:, views] * reached) / weights.sum()
        # Labels of all rows leave nothing to chance.
        unseen = max(0.0, 1.0 - labelled.size / production.sum())
        expected = unseen * (np.square(post) @ noise)
        seen = unseen * (np.square(post) @ np.square(rest - post @ rest))
        prior = np.square(GAIN_SD * changed)
        noisy = np.maximum(expected, seen)
        total = prior + noisy
        trust = np.divide(prior, total, out=np.ones_like(total), where=total > 0)
        left = (1.0 - trust) ** 2 * prior + trust**2 * np.maximum(expected - seen, 0.0)
        return cls(gain, rest, forecast.known, trust, _by_factor(np.sqrt(left), views, worlds))

    def mean(self, post: Floats, production: Floats, *, pull: Floats | None = None) -> Floats:
        """Return the mean change per view.

        Args:
            post: What each labelled row counts; sums to 1.
            production: What each described row counts.
            pull: Per factor, how many standard errors its forecast is off; default: 0.
        """
        weights = production * self.known
        mean = weights @ self.gain / weights.sum() + self.trust * (post @ self.rest)
        return np.asarray(mean if pull is None else mean + pull @ self.error)

    @property
    def factors(self) -> int:
        """How many factors are undone."""
        return len(self.error)


def _by_factor(error: Floats, views: list[int], worlds: tuple[int, ...]) -> Floats:
    """Share each view's error among its factors: those of two worlds with one in common agree."""
    factors = max(worlds).bit_length()
    inside = np.array([[worlds[v] >> f & 1 for v in views] for f in range(factors)], dtype=float)
    shares = inside.reshape(factors, len(views))
    return np.asarray(shares * error / np.sqrt(np.maximum(shares.sum(axis=0), 1.0)))
