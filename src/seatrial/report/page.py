"""A terminal page: titles, lines and tables in characters that this terminal has."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from seatrial.report.tables import Table, blocks

INDENT = 2
PLAIN = str.maketrans({"✓": "+", "✗": "x", "…": "...", "−": "-", "×": "x", "→": "->"})  # noqa: RUF001  (these are what is replaced)
"""What a terminal without Unicode gets instead."""


class Page:
    """Prints to one console; the only place that knows what this terminal can show.

    Args:
        console: Where to print.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.plain = console.options.ascii_only

    def text(self, text: str, style: str = "") -> Text:
        """Return text that is never read as markup, in characters this terminal has."""
        if self.plain:
            text = text.translate(PLAIN).encode("ascii", "backslashreplace").decode("ascii")
        return Text(text, style=style)

    def show(self, content: Grid) -> None:
        """Print a grid, a little indented."""
        self.console.print(Padding(content, (0, 0, 0, INDENT)))

    def say(self, text: str, style: str = "dim") -> None:
        """Print a line."""
        self.console.print(self.text(text, style))

    def title(self, text: str) -> None:
        """Print what this page is about."""
        self.say(text, "bold")

    def heading(self, text: str) -> None:
        """Print a heading with air above it."""
        self.blank()
        self.say(text, "bold")

    def blank(self) -> None:
        """Print an empty line."""
        self.console.print()

    def tables(self, table: Table) -> None:
        """Print a table of texts, broken into several where the terminal is too narrow."""
        for index, block in enumerate(blocks(table, self.console.width - INDENT)):
            if index:
                self.blank()
            self.show(self._table(block))
        if table.left_out:
            self.say(f"  {table.left_out} more rows are left out.")

    def _table(self, table: Table) -> Grid:
        grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for column in table.columns:
            grid.add_column(
                self.text(column.heading),
                justify="right" if column.numeric else "left",
                overflow="fold",
                no_wrap=column.numeric,
            )
        for row in table.rows:
            grid.add_row(*(self.text(content) for content in row))
        return grid
