"""How long work tells people where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Whoever wants to know."""

    def stage(self, sentence: str) -> None:
        """A stage begins; the one before it has ended."""
        ...

    def note(self, sentence: str) -> None:
        """Something worth knowing happened within the stage."""
        ...


class Silent:
    """Nobody wants to know."""

    def stage(self, sentence: str) -> None:
        """Say nothing."""

    def note(self, sentence: str) -> None:
        """Say nothing."""
