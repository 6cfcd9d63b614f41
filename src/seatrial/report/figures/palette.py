"""Colours of all charts: Okabe and Ito (2008), which the colour-blind tell apart.

Each is legible on white and on near-black, and none carries a meaning alone: signs, line styles
and words stand beside them.
"""

from __future__ import annotations

BASE = "#64748b"
LOSS = "#d55e00"
GAIN = "#0072b2"
INK = "#1b1f24"
MUTED = "#5d6673"
GRID = "#e3e6ea"

MIDDLE = "#828b98"
"""A grey between ink and paper, for lines that must show on both."""

SERIES = ("#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")
"""Lines of one chart, in order."""
