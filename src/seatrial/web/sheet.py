"""The review sample as a CSV sheet, for people who label in a spreadsheet.

A spreadsheet runs what looks like a formula, so a text that does gets an apostrophe in front,
which is taken off again when the sheet comes back.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from seatrial.core.errors import DataError
from seatrial.records.reviewing import ReviewRow
from seatrial.web.question import TAG_SEPARATOR, UNKNOWN_RIGHT
from seatrial.web.runs import text_of
from seatrial.web.shown import plain
from seatrial.web.transfer import Incoming

ASKED = ("id", "row", "reviewer", "label", "tags", "skipped")
"""Columns that come back."""

SHOWN = ("input", "status", "time", "stratum", "probability", "labelled")
ANSWERS = ("output", "confidence")

WRONG = "(wrong, and nobody knows what would be right)"
"""Stands for :data:`seatrial.web.question.UNKNOWN_RIGHT`, as an empty cell is no label."""

CELL_MAX = 32_000
"""Spreadsheets cut a cell at 32,767 characters, some without saying so."""

FORMULA = re.compile(r"'*[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a text begins that a spreadsheet would run (OWASP, CSV injection), or one guarded already."""

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", flags=re.IGNORECASE)

YES, NO = frozenset({"yes", "true", "1", "x"}), frozenset({"", "no", "false", "0"})

DELIMITERS = ",;\t"


def guarded(text: str) -> str:
    """Return a text as a spreadsheet will not run it.

    >>> guarded("=1+1"), guarded("-1.5"), guarded("it's")
    ("'=1+1", '-1.5', "it's")
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """Take the apostrophe off again.

    >>> unguarded(guarded("=1+1")), unguarded(guarded("'=1+1")), unguarded("'tis")
    ('=1+1', "'=1+1", "'tis")
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def write(file: TextIO, rows: Iterable[ReviewRow], *, answers: bool) -> int:
    """Write rows, one line per label, or one without where nobody has labelled; return how many.

    Args:
        file: Open for writing, without translation of line ends.
        rows: Of the sample.
        answers: Show what the model said, which leads those who label.
    """
    columns = (*ASKED, *SHOWN, *(ANSWERS if answers else ()))
    # Every cell in quotes: a spreadsheet that separates by something else finds no second cell.
    writer = csv.DictWriter(file, columns, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    count = 0
    for row in rows:
        for line in _lines(row):
            writer.writerow({name: guarded(cell) for name, cell in line.items()})
            count += 1
    return count


def _lines(row: ReviewRow) -> Iterator[dict[str, str]]:
    shown = {
        "id": row.id,
        "row": str(row.row),
        "input": _cell(row.input),
        "status": row.status,
        "time": row.time.isoformat(),
        "stratum": row.stratum,
        "probability": repr(row.probability),
        "output": "" if row.output is None else _cell(row.output),
        "confidence": "" if row.confidence is None else repr(row.confidence),
    }
    given = sorted(row.labels.values(), key=lambda one: one.reviewer)
    if not given:
        yield shown
    for one in given:
        label = (
            "" if one.label is None else WRONG if one.label == UNKNOWN_RIGHT else plain(one.label)
        )
        yield {
            **shown,
            "reviewer": one.reviewer,
            "label": label,
            "tags": f"{TAG_SEPARATOR} ".join(one.tags),
            "skipped": "yes" if one.skipped else "",
            "labelled": one.time.isoformat(),
        }


def _cell(value: Any) -> str:
    """Return an input or answer for people to read; characters that cannot be seen are named."""
    if value is None:
        return ""
    text = text_of(plain(value), longest=CELL_MAX)
    cut = f" … {text.cut} more characters" if text.cut else ""
    return "".join(run.text for run in text.runs) + cut


def read(file: TextIO) -> Iterator[Incoming]:
    """Yield every line of a sheet that says something.

    Raises:
        DataError: It is no such sheet, or a cell cannot be read.
    """
    head = file.readline()
    file.seek(0)
    delimiter = max(DELIMITERS, key=head.count)
    csv.field_size_limit(2**31 - 1)
    reader = csv.DictReader(file, delimiter=delimiter, restkey="…", restval="", strict=True)
    missing = [name for name in ASKED[:4] if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"the sheet has no column {', '.join(missing)}; accepted are those that --export "
            f"writes: {', '.join(ASKED)}.",
            hint="Export the sample again, and fill that in.",
        )
    try:
        for line in reader:
            incoming = _incoming(line, f"line {reader.line_num}")
            if incoming is not None:
                yield incoming
    except csv.Error as error:
        raise DataError(f"line {reader.line_num} is not CSV: {error}.") from None


def _incoming(line: dict[str, Any], place: str) -> Incoming | None:
    if "…" in line:
        raise DataError(f"{place} has more cells than there are columns.", hint="Quote its texts.")
    cells = {name: unguarded(line.get(name) or "").strip() for name in ASKED}
    if not (cells["label"] or cells["tags"] or cells["skipped"]):
        return None
    if not cells["row"].isascii() or not cells["row"].isdigit() or len(cells["row"]) > 9:  # noqa: PLR2004
        raise DataError(
            f"{place}: row is {cells['row'][:20]!r}; accepted is a whole number.",
            hint="Leave the columns id and row as they were exported.",
        )
    said = cells["skipped"].lower()
    if said not in YES | NO:
        raise DataError(
            f"{place}: skipped is {said[:20]!r}; accepted is yes, or nothing.", hint="Write yes."
        )
    label = UNKNOWN_RIGHT if cells["label"] == WRONG else cells["label"]
    return Incoming(
        place=place,
        id=cells["id"],
        row=int(cells["row"]),
        reviewer=cells["reviewer"],
        text=label if cells["label"] else None,
        tags=tuple(filter(None, map(str.strip, cells["tags"].split(TAG_SEPARATOR)))),
        skipped=said in YES,
    )
