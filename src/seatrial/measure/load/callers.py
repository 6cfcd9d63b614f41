"""Who asks: many callers with their own keys and their own share of the traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seatrial.core.errors import DataError, UsageError

CALLER: Final = "X-Caller"
"""By which callers without keys are told apart."""


@dataclass(frozen=True)
class Caller:
    """One caller.

    Attributes:
        name: By which reports call it; never its key.
        weight: Its share of the requests, relative to the others.
        headers: What every request of its carries; kept out of any print.
    """

    name: str
    weight: float = 1.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse_callers(text: str) -> tuple[Caller, ...]:
    """Read callers without keys: a number of equal ones, or ``NAME=WEIGHT`` comma separated.

    Each sends its name in the header ``X-Caller``.

    Raises:
        UsageError: It is neither.

    >>> [(one.name, one.weight) for one in parse_callers("greedy=10, modest=1")]
    [('greedy', 10.0), ('modest', 1.0)]
    >>> len(parse_callers("3"))
    3
    """
    if text.strip().isdecimal():
        named = [(f"caller-{number + 1}", 1.0) for number in range(int(text))]
    else:
        named = []
        for part in text.split(","):
            name, _, weight = part.partition("=")
            named.append((name.strip(), _weight(weight or "1", text)))
    if not named or not all(name and name.isascii() and name.isprintable() for name, _ in named):
        raise _malformed(text)
    return tuple(Caller(name, weight, {CALLER: name}) for name, weight in named)


def read_keys(path: Path) -> tuple[Caller, ...]:
    """Read callers from a file of API keys, one per line: ``KEY``, ``NAME KEY`` or with a weight.

    Empty lines and those that begin with ``#`` are skipped. A key goes out as a bearer token and
    is never shown.

    Raises:
        DataError: The file cannot be read, or holds no key.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"{path} cannot be read; accepted is a text file with one key per line."
        ) from None
    callers: list[Caller] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 3 or not line.isascii():  # noqa: PLR2004  (name, key, weight)
            raise DataError(
                f"line {number} of {path.name} has {len(words)} words; accepted is KEY, NAME KEY "
                "or NAME KEY WEIGHT in ASCII."
            )
        name = words[0] if len(words) > 1 else f"caller-{len(callers) + 1}"
        weight = _weight(words[2], f"line {number} of {path.name}") if words[2:] else 1.0
        key = words[min(1, len(words) - 1)]
        callers.append(Caller(name, weight, {"Authorization": f"Bearer {key}"}))
    if not callers:
        raise DataError(f"{path.name} holds no key.", hint="One per line: NAME KEY WEIGHT")
    return tuple(callers)


def drawn(callers: Sequence[Caller], count: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return who makes each request, drawn by weight, shape (count,)."""
    weights = np.array([caller.weight for caller in callers])
    return rng.choice(len(callers), size=count, p=weights / weights.sum())


def _weight(text: str, received: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not (np.isfinite(weight) and weight > 0):
        raise _malformed(received)
    return weight


def _malformed(received: str) -> UsageError:
    return UsageError(
        f"received the callers {received!r}; accepted is a number, or NAME=WEIGHT comma separated, "
        "weights above 0.",
        hint="For example: greedy=10,modest=1",
    )
