"""A few inputs of the eval set to warm workers with, mostly read in a process of their own.

Reading them takes DuckDB, which the front never loads, unless they are JSON lines; what was read is
kept beside the log, so that the next start finds it.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from seatrial.core import digests
from seatrial.core.errors import SeatrialError
from seatrial.core.settings import EvalSettings
from seatrial.serve.attendant import Attendant

READ_LIMIT_S = 60.0
"""Longest wait for a large eval file; warm-up goes on without after it."""

READ_HERE_BYTES = 4 * 2**20
"""JSON lines up to here are read in less time than a process takes to start."""

JSON_LINES = frozenset({".jsonl", ".ndjson"})


async def samples(folder: Path, eval_set: EvalSettings, *, count: int) -> list[Any]:
    """Return up to ``count`` inputs of the eval set, evenly spread over it.

    Raises:
        SeatrialError: The eval set cannot be read as configured.
    """
    data = folder / eval_set.data
    if not eval_set.data or not data.is_file():
        return []
    kept = folder / ".seatrial" / "control" / f"samples-{_key(data, eval_set, count)}.json"
    try:
        return list(msgspec.json.decode(kept.read_bytes(), type=list[Any]))
    except (OSError, msgspec.DecodeError):
        pass
    here = data.suffix.lower() in JSON_LINES and data.stat().st_size <= READ_HERE_BYTES
    read = spread if here else _read
    found = await asyncio.get_running_loop().run_in_executor(None, read, folder, eval_set, count)
    kept.parent.mkdir(parents=True, exist_ok=True)
    for old in kept.parent.glob("samples-*.json"):
        old.unlink(missing_ok=True)
    temporary = kept.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.encode(found))
    temporary.replace(kept)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the inputs as JSON on standard output: what the process of :func:`samples` does."""
    from seatrial.models.lifeline import die_with_parent

    parser = argparse.ArgumentParser(prog="seatrial.serve.samples")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--eval", required=True, help="the [eval] section as JSON")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--lifeline", type=int, required=True, help="pipe that ends with us")
    options = parser.parse_args(arguments)
    die_with_parent(options.lifeline)
    eval_set = msgspec.json.decode(options.eval, type=EvalSettings)
    try:
        found = spread(options.folder, eval_set, options.count)
    except SeatrialError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


def spread(folder: Path, eval_set: EvalSettings, count: int) -> list[Any]:
    """Read up to ``count`` inputs in this process, evenly spread over the eval set.

    Raises:
        DataError: It cannot be read as configured.
    """
    from seatrial.records.tables import read_rows

    rows = read_rows(folder / eval_set.data, input=eval_set.input, label=eval_set.label)
    step = max(len(rows) // count, 1)
    return rows.inputs[::step][:count]


def _read(folder: Path, eval_set: EvalSettings, count: int) -> list[Any]:
    told = msgspec.json.encode(eval_set).decode()
    arguments = [str(folder), "--eval", told, "--count", str(count)]
    reader = Attendant("seatrial.serve.samples", arguments, output=subprocess.PIPE)
    try:
        output, _ = reader.process.communicate(timeout=READ_LIMIT_S)
        return list(msgspec.json.decode(output, type=list[Any]))
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        raise SeatrialError(f"{eval_set.data} could not be read to warm up with.") from None
    finally:
        reader.kill()


def _key(data: Path, eval_set: EvalSettings, count: int) -> str:
    stat = data.stat()
    told = [eval_set.data, eval_set.input, count, stat.st_size, stat.st_mtime_ns]
    return digests.abbreviated(digests.of_document(told))


if __name__ == "__main__":
    sys.exit(main())
