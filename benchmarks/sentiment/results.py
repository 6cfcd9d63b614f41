"""The results in README.md: one marked section per script, written by the script itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from seatrial.evidence.machine import Machine
from seatrial.evidence.machine import describe as describe_machine

README = Path(__file__).parent / "README.md"


def put(section: str, text: str, *, readme: Path = README) -> None:
    """Replace one section, between its marks.

    Raises:
        ValueError: The page has no such section.
    """
    first, last = f"<!-- {section}: written by the script -->", f"<!-- end of {section} -->"
    page = readme.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"{readme} has no section {section!r}")
    readme.write_text(pattern.sub(lambda _: f"{first}\n\n{text}\n\n{last}", page), encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; every column but the first is set to the right."""
    rule = ["---", *("---:" for _ in head[1:])]
    lines = [head, rule, *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def conditions(machine: Machine | None = None) -> str:
    """Return the machine and the versions in one sentence."""
    found = machine or describe_machine()
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    return f"{found.summary()}; {versions}"
