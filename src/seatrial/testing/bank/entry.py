"""What one entry of the bank is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from seatrial.core.settings import BudgetSettings

Model = Any
"""Whatever :func:`seatrial.models.subject.subject_of` accepts."""

Twin = Literal["sick", "healthy"]
Door = Literal["callable", "url"]
Form = Literal["labels", "scores", "numbers"]
FORMS: tuple[Form, ...] = ("labels", "scores", "numbers")


class Parameters(Struct, frozen=True, kw_only=True):
    """One draw from the parameter space of an entry.

    Attributes:
        seed: Of weights and inputs.
        style: Which of the entry's ways of being sick.
        form: What answers look like.
        width: Numbers a row, or of an embedding.
        hidden: Numbers in between.
        classes: Classes to choose from.
        limit: Batch size at which something happens, where that applies.
        dtype: Of the arithmetic.
        rows: How many inputs there are.
    """

    seed: int
    style: str
    form: Form = "scores"
    width: int = 16
    hidden: int = 32
    classes: int = 3
    limit: int = 0
    dtype: str = "float32"
    rows: int = 160

    def rng(self, salt: int = 0) -> np.random.Generator:
        """Return the generator of these parameters; ``salt`` keeps weights and inputs apart."""
        return np.random.default_rng([self.seed, salt])


class Traffic(Struct, frozen=True, kw_only=True):
    """What users sent, where the failure is one of traffic.

    Attributes:
        inputs: Requests.
        labels: What is right; ``None`` where nobody said.
        probabilities: With which each row came into the labelled sample; ``None``: all alike.
    """

    inputs: list[Any]
    labels: list[Any]
    probabilities: list[float] | None = None


class Failure(Struct, frozen=True, kw_only=True):
    """One planted failure and its healthy twin.

    Attributes:
        id: Its id in the failure bank.
        family: Whose twins share the measurement.
        evidence: The kind of evidence in which it shows.
        draw: Returns parameters for a seed; neighbouring seeds go through all styles.
        sick: Returns the model that has the failure.
        healthy: Returns the same model without it.
        inputs: Returns rows to measure with.
        labels: Returns their labels, where the failure is one of accuracy.
        notebook: Returns the model in process, where sick and healthy are services of it.
        budget: Returns the budget that is broken, where the failure is one of a budget.
        production: Returns what users sent to a twin, where the failure is one of traffic.
        through: Which doors a detector can find it through.
    """

    id: str
    family: str
    evidence: str
    draw: Callable[[int], Parameters]
    sick: Callable[[Parameters], Model]
    healthy: Callable[[Parameters], Model]
    inputs: Callable[[Parameters], list[Any]]
    labels: Callable[[Parameters], list[Any]] | None = None
    notebook: Callable[[Parameters], Model] | None = None
    budget: Callable[[Parameters], BudgetSettings] | None = None
    production: Callable[[Parameters, Twin], Traffic] | None = None
    through: frozenset[Door] = frozenset({"callable", "url"})
