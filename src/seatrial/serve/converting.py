"""DuckDB in a process of its own: ``python -m seatrial.serve.converting PARTS TARGET``.

What it takes for a segment it gives back only when it ends, and the keeper stays small.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from seatrial.models.lifeline import die_with_parent
from seatrial.records.conversion import Parts, divide, from_parts, scratch_for
from seatrial.serve.attendant import Attendant

PARTS = "parts.json"
COUNT = "count"


def main(arguments: list[str] | None = None) -> int:
    """Convert the parts in a folder, and write down how many rows there were."""
    parser = argparse.ArgumentParser(prog="seatrial.serve.converting")
    parser.add_argument("parts", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--lifeline", type=int, help="pipe that ends with the keeper")
    options = parser.parse_args(arguments)
    if options.lifeline is not None:
        die_with_parent(options.lifeline)
    files, longest = msgspec.json.decode(
        (options.parts / PARTS).read_bytes(), type=tuple[list[str], int]
    )
    try:
        rows = from_parts(Parts([options.parts / name for name in files], longest), options.target)
        (options.parts / COUNT).write_text(str(rows))
    except OSError as error:
        print(error, file=sys.stderr)  # noqa: T201  (for the log of the server)
        return 1
    return 0


def to_parquet_apart(rows: Iterable[bytes], target: Path) -> int:
    """Write flat rows to a Parquet file, with DuckDB in another process; return how many.

    Raises:
        OSError: It could not; standard error says why.
    """
    with scratch_for(target) as folder:
        parts = divide(rows, folder)
        told = ([file.name for file in parts.files], parts.longest_bytes)
        (folder / PARTS).write_bytes(msgspec.json.encode(told))
        converting = Attendant("seatrial.serve.converting", [str(folder), str(target)])
        try:
            status = converting.process.wait()
        finally:
            converting.kill()
        if status:
            raise OSError(0, f"the conversion to Parquet ended with {status}")
        return int((folder / COUNT).read_text())


if __name__ == "__main__":
    sys.exit(main())
