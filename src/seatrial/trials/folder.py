"""What ``seatrial init`` finds out by looking: model, data files, columns, task."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.core.errors import SettingsError
from seatrial.records.tables import FORMATS, column_names, read_rows
from seatrial.stats.scores import ACCURACY
from seatrial.trials.datafile import CLASSES_MAX, DataFile, look_at

DATA_FREE = {".skops": "sklearn", ".onnx": "onnx"}
CODE_BEARING = {".pkl": "sklearn", ".pickle": "sklearn", ".joblib": "sklearn"}
EVAL_WORDS = ("eval", "test", "valid", "dev", "holdout")
PRODUCTION_WORDS = ("production", "prod", "live", "users", "traffic")
TRAIN_WORDS = ("train",)
NAME_MAX = 64
USUAL = "model.py"
"""A load() in a file of this name was written for the purpose, whatever model files lie beside."""


class Proposal(Struct, frozen=True, kw_only=True):
    """What was found in a folder; empty strings where nothing was."""

    name: str
    adapter: str
    location: str
    code_bearing: bool
    eval_data: str
    production_data: str
    input: str
    columns: str | list[str]
    label: str
    task: str
    metric: str
    slices: list[str]
    notes: list[str]


def look(folder: Path) -> Proposal:
    """Look at what is in a folder.

    Raises:
        SettingsError: There is no model in it.
    """
    adapter, location, code = _model(folder)
    notes: list[str] = []
    eval_data, production = _data_files(folder, notes)
    data = DataFile(
        input="text", columns="text", label="label", task="classification", metric=ACCURACY
    )
    slices: list[str] = []
    if eval_data:
        data = look_at(folder / eval_data)
        notes += data.notes
    if eval_data and production:
        slices = _slices(folder / production, data.columns, data.label, folder / eval_data)
    return Proposal(
        name=_name(folder),
        adapter=adapter,
        location=location,
        code_bearing=code,
        eval_data=eval_data,
        production_data=production,
        input=data.input,
        columns=data.columns,
        label=data.label,
        task=data.task,
        metric=data.metric,
        slices=slices,
        notes=notes,
    )


def render(found: Proposal) -> str:
    """Return the ``seatrial.toml`` for a proposal, with a comment beside each choice."""
    quote = _toml
    lines = [
        "# Written by `seatrial init` from what it found here. Every key: docs/settings.md",
        "",
        "[model]",
        f"name = {quote(found.name)}",
        f"{found.adapter} = {quote(found.location)}",
    ]
    if found.code_bearing:
        lines += [
            "# Opening a pickle runs the code in it. If you trust this file, say who and when:",
            '# trust = "your name, 2026-01-31"',
        ]
    lines += [
        _said(f"input = {quote(found.input)}", "text | record | array | image | chat"),
        _said(f"task = {quote(found.task)}", "classification | regression | generation"),
        "",
        _said("[eval]", "the labelled rows that the model was chosen by"),
        f"data = {quote(found.eval_data)}" if found.eval_data else '# data = "eval.csv"',
    ]
    if isinstance(found.columns, list):
        lines.append("# In the order of training, where the model knows no names.")
    lines += [f"input = {quote(found.columns)}", f"label = {quote(found.label)}"]
    if found.task == "regression":
        lines.append(_said(f"metric = {quote(found.metric)}", "this close to the label is right"))
    lines += ["", _said("[production]", "what users really sent; labels may be missing")]
    if found.production_data:
        lines.append(f"data = {quote(found.production_data)}")
    else:
        lines.append('# data = "production.csv"    # without it: the log of `seatrial serve`')
    if found.slices:
        lines.append(f"slices = {quote(found.slices)}")
    lines += [
        "",
        _said("[budget]", "what is not set here is measured but not judged"),
        "# p50_ms = 20",
        "# p95_ms = 50",
        "# p99_ms = 200",
        "# first_request_ms = 200",
        "# gap_points = 5.0           # how far production may fall below eval",
        "# variant_accuracy_points = 1.0",
        "# calibration_error = 0.05",
        "",
        _said("[target]", "the machine it will run on"),
        "# cores = 2",
        "# memory_gib = 4",
        "",
    ]
    return "\n".join(lines)


def _said(line: str, comment: str) -> str:
    return f"{line:<28} # {comment}"


def _model(folder: Path) -> tuple[str, str, bool]:
    """Return adapter, location and whether it carries code; formats that carry none come first."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    written = [
        ("load", f"{Path(USUAL).stem}:{_loader(path)}")
        for path in files
        if path.name == USUAL and _loader(path)
    ]
    data_free = [(DATA_FREE[path.suffix], path.name) for path in files if path.suffix in DATA_FREE]
    loaders = [("load", f"{path.stem}:{_loader(path)}") for path in files if _loader(path)]
    pickles = [
        (CODE_BEARING[path.suffix], path.name) for path in files if path.suffix in CODE_BEARING
    ]
    for found, code in ((written, False), (data_free, False), (loaders, False), (pickles, True)):
        if found:
            return *found[0], code
    raise SettingsError(
        f"{folder} holds no model; looked for {', '.join([*DATA_FREE, *CODE_BEARING])} files and "
        "Python files that define load().",
        hint="Put the model there, or write a model.py with `def load()` that returns it.",
    )


def _loader(path: Path) -> str:
    """Return the name of the loading function that a Python file defines, without running it."""
    if path.suffix != ".py":
        return ""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return ""
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return next((name for name in ("load", "load_model") if name in defined), "")


def _data_files(folder: Path, notes: list[str]) -> tuple[str, str]:
    files = sorted(path.name for path in folder.iterdir() if path.suffix in FORMATS)
    eval_data = _first(files, EVAL_WORDS)
    production = _first(files, PRODUCTION_WORDS)
    rest = [
        name
        for name in files
        if name not in {eval_data, production} and not _first([name], TRAIN_WORDS)
    ]
    if not eval_data and rest:
        eval_data = rest[0]
        notes.append(f"took {eval_data} for the eval set: no file name says eval or test")
    if not eval_data:
        notes.append("found no eval file: set [eval] data")
    return eval_data, production


def _first(names: Sequence[str], words: Sequence[str]) -> str:
    for word in words:
        for name in names:
            if re.search(rf"(^|[^a-z]){word}", name.lower()):
                return name
    return ""


def _slices(production: Path, columns: str | list[str], label: str, eval_path: Path) -> list[str]:
    known = {label, *column_names(eval_path)}
    known.update([columns] if isinstance(columns, str) else columns)
    extra = [name for name in column_names(production) if name not in known]
    if not extra:
        return []
    rows = read_rows(production, input=extra)
    return [name for name in extra if len({repr(row[name]) for row in rows.inputs}) <= CLASSES_MAX]


def _name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")
    return name[:NAME_MAX] or "model"


def _toml(value: Any) -> str:
    """Return a TOML value; JSON strings and lists of them are TOML too."""
    return msgspec.json.encode(value).decode()
