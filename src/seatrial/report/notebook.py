"""The same documents in a notebook: an object that shows itself.

The report is shown in a frame with a document of its own, so that neither page can disturb the
other, and what users of the model wrote stays outside the notebook's origin.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.console import Console

from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.report.figures import waterfall_svg
from seatrial.report.html import render_html
from seatrial.report.terminal import render_gap, render_trial

TEXT_CELLS = 100
"""Width of the text that stands in for the page where only text can be shown."""

FRAME = (
    '<iframe title="Sea trial" sandbox="allow-scripts" srcdoc="{document}" '
    'style="width: 100%; height: 46rem; border: 1px solid #8884; border-radius: 6px"></iframe>'
)


@dataclass(frozen=True, repr=False)
class TrialView:
    """A trial that shows itself in a notebook, and as text anywhere else.

    Attributes:
        trial: The judged checklist.
        gap: The gap; ``None``: the one inside the trial.
        evidences: The measurements behind it.
    """

    trial: TrialDocument
    gap: GapDocument | None = None
    evidences: tuple[Evidence, ...] = ()

    def html(self) -> str:
        """Return the whole report as one HTML document."""
        return render_html(self.trial, self.gap, self.evidences)

    def __repr__(self) -> str:
        return _text(lambda console: render_trial(self.trial, self.evidences, console=console))

    def _repr_html_(self) -> str:
        return FRAME.format(document=escape(self.html()))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's signature)
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


@dataclass(frozen=True, repr=False)
class GapView:
    """A gap that shows itself: the waterfall as a still picture, and the ledger as text.

    Attributes:
        gap: The gap, measured or not.
    """

    gap: GapDocument

    def __repr__(self) -> str:
        return _text(lambda console: render_gap(self.gap, console=console))

    def _repr_html_(self) -> str:
        return f"{waterfall_svg(self.gap)}<pre>{escape(repr(self))}</pre>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's signature)
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def _text(render: Callable[[Console], None]) -> str:
    """Return what a renderer prints, without colour or trailing space."""
    written = io.StringIO()
    # Inside a kernel rich would display the text instead of writing it.
    render(Console(file=written, width=TEXT_CELLS, color_system=None, force_jupyter=False))
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())
