"""Turns a plain-Python notebook (``# %%`` cells) into an ``.ipynb``: NOTEBOOK.py [OUT.ipynb]."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

CELL = re.compile(r"^# %%(?P<rest>.*)$", flags=re.MULTILINE)


def notebook_of(text: str) -> NotebookNode:
    """Return the notebook that a file in the percent format describes.

    A cell begins at ``# %%``, a text cell at ``# %% [markdown]`` with its text in comments. What
    stands above the first cell is left out.

    >>> [cell.source for cell in notebook_of("# %% [markdown]" + chr(10) + "# Hello").cells]
    ['Hello']
    """
    marks = list(CELL.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    cells = []
    for number, (mark, end) in enumerate(zip(marks, ends, strict=True)):
        source = text[mark.end() : end].strip()
        if "[markdown]" in mark["rest"]:
            prose = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
            cells.append(v4.new_markdown_cell(prose, id=f"cell-{number}"))
        else:
            cells.append(v4.new_code_cell(source, id=f"cell-{number}"))
    return v4.new_notebook(cells=cells)


def main(source: str, target: str = "") -> None:
    """Write the notebook beside its source, or where it is wanted."""
    path = Path(source)
    written = Path(target) if target else path.with_suffix(".ipynb")
    nbformat.write(notebook_of(path.read_text(encoding="utf-8")), written)
    print(written)


if __name__ == "__main__":
    main(*sys.argv[1:])
