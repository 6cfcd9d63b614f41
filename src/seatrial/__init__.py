"""Puts a machine-learning model through its trial before launch, and explains every point lost.

Names are imported when they are first used, so that ``import seatrial`` costs nothing:

>>> import seatrial
>>> seatrial.Answer("refund", confidence=0.9)
Answer(output='refund', confidence=0.9, scores=None)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seatrial._version import __version__

if TYPE_CHECKING:
    from seatrial.core.errors import SeatrialError, UntrustedCodeError
    from seatrial.evidence.documents import Evidence
    from seatrial.evidence.findings import TrialDocument
    from seatrial.evidence.gap import GapDocument
    from seatrial.models.answers import Answer
    from seatrial.models.subject import Subject
    from seatrial.trials.notebook import NotebookTrial, trial

__all__ = [
    "Answer",
    "Evidence",
    "GapDocument",
    "NotebookTrial",
    "SeatrialError",
    "Subject",
    "TrialDocument",
    "UntrustedCodeError",
    "__version__",
    "trial",
]

_PLACES = {
    "Answer": "seatrial.models.answers",
    "Evidence": "seatrial.evidence.documents",
    "GapDocument": "seatrial.evidence.gap",
    "NotebookTrial": "seatrial.trials.notebook",
    "SeatrialError": "seatrial.core.errors",
    "Subject": "seatrial.models.subject",
    "TrialDocument": "seatrial.evidence.findings",
    "UntrustedCodeError": "seatrial.core.errors",
    "trial": "seatrial.trials.notebook",
}


if not TYPE_CHECKING:  # type checkers then know a name that does not exist

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used (PEP 562)."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        value = getattr(importlib.import_module(_PLACES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names, for completion in a notebook."""
    return sorted(__all__)
