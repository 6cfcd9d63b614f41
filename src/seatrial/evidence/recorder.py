"""Collects one measurement while it runs and freezes it at the end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from seatrial.core.clock import SYSTEM, Clock
from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.machine import Machine, describe


class Conditions(Struct, frozen=True, kw_only=True):
    """What holds for every measurement of one trial.

    Attributes:
        release: Digest of what is measured.
        machine: Where it is measured.
        seed: Seed of every random choice.
        clock: Where time comes from.
    """

    release: str
    machine: Machine
    seed: int = 0
    clock: Any = SYSTEM


def conditions(release: str, *, seed: int = 0, clock: Clock = SYSTEM) -> Conditions:
    """Return the conditions of this machine, now."""
    return Conditions(release=release, machine=describe(), seed=seed, clock=clock)


class Recorder:
    """Collects the figures of one measurement.

    Args:
        kind: Which measurement.
        at: Conditions it runs under.
        settings: What it was told.
    """

    def __init__(
        self, kind: str, *, at: Conditions, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.kind = kind
        self.cut_short = False
        self._at = at
        self._settings = dict(settings or {})
        self._values: list[Value] = []
        self._tables: dict[str, tuple[dict[str, Any], ...]] = {}
        self._criticisms: list[str] = []
        self._started = at.clock.utc().isoformat(timespec="seconds")
        self._started_s = at.clock.now_s()

    def setting(self, name: str, value: Any) -> None:
        """Add a setting that was chosen while measuring."""
        self._settings[name] = value

    def value(self, name: str, value: float | None, unit: str = "", **details: Any) -> None:
        """Add a figure; ``details`` are the other fields of :class:`Value`.

        One that is not finite is unknown: no comparison with a budget may take it for a good one.
        """
        if value is not None and not math.isfinite(value):
            details["note"] = details.get("note") or f"what was measured is no number: {value}"
            value = None
        self._values.append(
            Value(name=name, value=None if value is None else float(value), unit=unit, **details)
        )

    def table(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Set the rows of a table."""
        self._tables[name] = tuple(
            {key: encodable(value) for key, value in row.items()} for row in rows
        )

    def criticise(self, sentence: str) -> None:
        """Say what is weak about these figures; the same sentence counts once."""
        if sentence not in self._criticisms:
            self._criticisms.append(sentence)

    def cut(self, sentence: str) -> None:
        """Say what the time budget left out."""
        self.cut_short = True
        self.criticise(sentence)

    def finish(self) -> Evidence:
        """Freeze what was collected."""
        return Evidence(
            kind=self.kind,
            release=self._at.release,
            machine=self._at.machine,
            started=self._started,
            duration_s=round(self._at.clock.now_s() - self._started_s, 3),
            seed=self._at.seed,
            settings=self._settings,
            values=tuple(self._values),
            tables=self._tables,
            criticisms=tuple(self._criticisms),
            cut_short=self.cut_short,
        )


def encodable(value: Any) -> Any:
    r"""Return the value with what UTF-8 cannot hold made visible: users send lone surrogates.

    >>> encodable("ok"), encodable("a" + chr(0xD800))
    ('ok', 'a\\ud800')
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {encodable(key): encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encodable(item) for item in value]
    return value
