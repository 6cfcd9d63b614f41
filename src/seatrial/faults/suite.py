"""The stress suite: every family that fits an input kind, ours and other people's.

Others add theirs through an entry point of the group ``seatrial.stress``, by
``FAMILIES.register``, or by naming a ``module:callable``. An entry is a
:class:`~seatrial.faults.corruption.Family`, or a plain function ``(inputs, severity, rng) ->
inputs``, which makes a family of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from seatrial.core.errors import UsageError
from seatrial.core.registry import Registry
from seatrial.core.settings import InputKind
from seatrial.faults.corruption import Corruption, Family

FAMILIES: Registry[Any] = Registry(
    "stress family",
    group="seatrial.stress",
    builtin={
        "case": "seatrial.faults.letters:CASE",
        "punctuation": "seatrial.faults.letters:PUNCTUATION",
        "look-alikes": "seatrial.faults.letters:LOOKALIKES",
        "spacing": "seatrial.faults.letters:SPACING",
        "slips": "seatrial.faults.slips:SLIPS",
        "chat": "seatrial.faults.slips:CHAT",
        "social": "seatrial.faults.wrapping:SOCIAL",
        "wrapping": "seatrial.faults.wrapping:WRAPPING",
        "cut": "seatrial.faults.lengths:CUT",
        "padding": "seatrial.faults.lengths:PADDING",
        "words-lost": "seatrial.faults.words:LOST",
        "words-unknown": "seatrial.faults.words:UNKNOWN",
        "distraction": "seatrial.faults.words:DISTRACTION",
        "words-moved": "seatrial.faults.words:MOVED",
        "cells-missing": "seatrial.faults.cells:MISSING",
        "cells-noisy": "seatrial.faults.cells:NOISY",
        "cells-moved": "seatrial.faults.cells:MOVED",
        "cells-coarse": "seatrial.faults.cells:COARSE",
        "cells-mixed": "seatrial.faults.cells:MIXED",
        "categories-unseen": "seatrial.faults.cells:UNSEEN",
    },
)
"""Name to family, imported when it is chosen."""


def stress_suite(kind: InputKind, *, names: Sequence[str] | None = None) -> tuple[Corruption, ...]:
    """Return the corruptions that fit inputs of one kind.

    They are ordered so that any first part of them holds all families about alike: who has little
    time tries fewer of each, not fewer families.

    Args:
        kind: As in ``[model] input``.
        names: Families to use; default: all that fit.

    Raises:
        UnknownNameError: There is no such family.
        UsageError: An entry is neither a family nor callable.

    >>> [one.id for one in stress_suite("text", names=["case"])][:2]
    ['case/upper 0.4', 'case/title 0.4']
    """
    chosen = [family(name) for name in (FAMILIES.names() if names is None else names)]
    rounds = [_members(one) for one in chosen if kind in one.kinds]
    longest = max((len(members) for members in rounds), default=0)
    return tuple(
        members[turn] for turn in range(longest) for members in rounds if turn < len(members)
    )


def family(name: str) -> Family:
    """Return the family of that name; a plain function becomes one.

    Raises:
        UnknownNameError: There is no such family.
        UsageError: The entry is neither a family nor callable.
    """
    entry = FAMILIES.get(name)
    if isinstance(entry, Family):
        return entry
    if not callable(entry):
        raise UsageError(
            f"the stress family {name!r} is a {type(entry).__name__}; accepted is a Family or a "
            "function (inputs, severity, rng) -> inputs.",
            hint="See docs for the stress suite.",
        )
    return Family(name, get_args(InputKind), {getattr(entry, "__name__", name): entry})


def _members(family: Family) -> list[Corruption]:
    """Return a family's corruptions, the middle severities of every variant first."""
    hardness = sorted(family.severities, key=lambda one: abs(one - MIDDLE))
    return [
        Corruption(family.name, name, severity, corrupt)
        for severity in hardness
        for name, corrupt in family.variants.items()
    ]


MIDDLE = 0.45
"""Severity nearest to which is tried first: what production is like more often than the worst."""
