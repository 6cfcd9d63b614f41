"""How long work tells people where it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


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


class OneLine:
    """One line under a notebook cell, replaced as the work goes on."""

    def __init__(self) -> None:
        from IPython.display import display

        self._handle: Any = display(_plain(""), raw=True, display_id=True)

    def stage(self, sentence: str) -> None:
        """Show the stage in place of the one before."""
        self._handle.update(_plain(f"{sentence} …"), raw=True)

    def note(self, sentence: str) -> None:
        """Say nothing: the report says it."""

    def end(self) -> None:
        """Take the line away."""
        self._handle.update(_plain(""), raw=True)


@contextmanager
def shown(progress: Progress | None) -> Iterator[Progress]:
    """Yield whoever is told: the one given, one line in a notebook, or nobody."""
    if progress is not None or not in_notebook():
        yield progress or Silent()
        return
    line = OneLine()
    try:
        yield line
    finally:
        line.end()


def in_notebook() -> bool:
    """Say whether a notebook shows what this process displays."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return bool(getattr(shell, "kernel", None))


def _plain(text: str) -> dict[str, str]:
    return {"text/plain": text}
