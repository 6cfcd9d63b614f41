"""Inputs that kill workers are answered with an error and get no further worker.

An input that was in two batches whose worker died is quarantined. Company is weak evidence:
two deaths are enough if the input was alone in one of them, else it takes three.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

KILLS_ALONE = 2
"""Deaths that quarantine an input which was alone in one of the batches."""

KILLS_IN_COMPANY = 3
"""Deaths that quarantine an input which always had company."""

SUSPECTS_MAX = 10_000
"""Inputs remembered; the one whose last death is oldest is forgotten first."""

FORGET_S = 3600.0
"""An input is tried again after so long: the cause may have been the machine."""


class _Suspect:
    __slots__ = ("alone", "kills", "until_s")

    def __init__(self) -> None:
        self.kills = 0
        self.alone = False
        self.until_s = 0.0

    @property
    def guilty(self) -> bool:
        return self.kills >= (KILLS_ALONE if self.alone else KILLS_IN_COMPANY)


class Quarantine:
    """Remembers which inputs were with a worker that died.

    Only digests are kept. While nothing is suspected, ``if quarantine`` is false and no digest need
    be computed.

    >>> quarantine = Quarantine()
    >>> quarantine.killed(0.0, [b"a", b"b"])
    >>> quarantine.killed(1.0, [b"a"])
    >>> quarantine.holds(2.0, b"a"), quarantine.holds(2.0, b"b")
    (True, False)
    """

    def __init__(self) -> None:
        self._suspects: OrderedDict[bytes, _Suspect] = OrderedDict()

    def __len__(self) -> int:
        return len(self._suspects)

    def killed(self, now_s: float, digests: Collection[bytes]) -> None:
        """A worker died or hung with these inputs."""
        inputs = set(digests)
        for digest in inputs:
            suspect = self._suspects.setdefault(digest, _Suspect())
            if suspect.until_s <= now_s:
                suspect.kills, suspect.alone = 0, False
            suspect.kills += 1
            suspect.alone = suspect.alone or len(inputs) == 1
            suspect.until_s = now_s + FORGET_S
            self._suspects.move_to_end(digest)
        while len(self._suspects) > SUSPECTS_MAX:
            self._suspects.popitem(last=False)

    def answered(self, digest: bytes) -> None:
        """An input was answered: it is innocent."""
        self._suspects.pop(digest, None)

    def holds(self, now_s: float, digest: bytes) -> bool:
        """Say whether an input is quarantined."""
        self._forget(now_s)
        suspect = self._suspects.get(digest)
        return suspect is not None and suspect.guilty

    def quarantined(self, now_s: float) -> int:
        """Return how many inputs are quarantined."""
        self._forget(now_s)
        return sum(suspect.guilty for suspect in self._suspects.values())

    def _forget(self, now_s: float) -> None:
        while self._suspects:
            digest, oldest = next(iter(self._suspects.items()))
            if oldest.until_s > now_s:
                return
            del self._suspects[digest]
