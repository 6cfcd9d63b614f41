"""A model and rows in memory, written as the folder that the command line and the server take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType
from typing import Any

import msgspec

from seatrial.core.errors import DataError, ModelLoadError, UntrustedCodeError
from seatrial.core.settings import FILE_NAME
from seatrial.models.answers import plain
from seatrial.records.tables import write_rows
from seatrial.trials.folder import task_of
from seatrial.trials.source import Writer, dump_data_only

INPUT_COLUMN = "input"
LABEL_COLUMN = "label"
EVAL_FILE = "eval.jsonl"
PRODUCTION_FILE = "production.jsonl"


def write_project(
    folder: Path,
    *,
    model: Any,
    inputs: Any,
    labels: Any,
    production: Any = None,
    production_labels: Any = None,
    slices: Mapping[str, Sequence[Any]] | None = None,
    name: str = "notebook",
    metric: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    trust: str | None = None,
    now: datetime | None = None,
) -> Path:
    """Write model, rows and ``seatrial.toml``; return the folder.

    Args:
        folder: A new or empty folder.
        model: A fitted scikit-learn estimator, a function of a list of inputs, or an object with
            ``predict``.
        inputs: List, array, Series or DataFrame of eval inputs, n rows.
        labels: The n labels, or the name of a column of ``inputs``.
        production: Inputs as users sent them, or ``(inputs, labels)``.
        production_labels: Their labels; ``None`` entries are allowed.
        slices: Columns to report production accuracy by, one value per production row.
        name: Name of the model.
        metric: As ``[eval] metric``.
        settings: Further sections of ``seatrial.toml`` (``{"budget": {"p99_ms": 50}}``).
        trust: Who trusts the code in the model, where it can only be pickled.
        now: Wall time of that trust; default: now.

    Raises:
        DataError: Rows and labels do not fit together.
        ModelLoadError: The model is none of the accepted kinds.
        UntrustedCodeError: The model carries code and nobody said they trust it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind, eval_columns, eval_labels = _rows(inputs, labels, what="inputs")
    if eval_labels is None:
        raise DataError("labels is None; accepted is one label per input.", hint="Pass labels.")
    document: dict[str, dict[str, Any]] = {
        "model": {"name": name, **_write_model(folder, model, trust, now), "input": kind}
    }
    document["model"]["task"] = task_of(eval_labels)
    columns: Any = INPUT_COLUMN if kind != "record" else list(eval_columns)
    document["eval"] = {"data": EVAL_FILE, "input": columns, "label": LABEL_COLUMN}
    if metric:
        document["eval"]["metric"] = metric
    write_rows(folder / EVAL_FILE, {**eval_columns, LABEL_COLUMN: eval_labels})
    if production is not None:
        document["production"] = _write_production(
            folder, production, production_labels, slices or {}
        )
    for section, keys in (settings or {}).items():
        document[section] = {**document.get(section, {}), **keys}
    (folder / FILE_NAME).write_text(_toml(document), encoding="utf-8")
    return folder


def _write_model(
    folder: Path, model: Any, trust: str | None, now: datetime | None
) -> dict[str, Any]:
    if isinstance(model, FunctionType):
        try:
            writer = Writer(folder)
            returned = writer.add(model)
        except UntrustedCodeError:
            if not trust:
                raise
            return _pickled(folder, model, trust, now)
        (folder / "model.py").write_text(writer.text(returned=returned), encoding="utf-8")
        return {"load": "model:load"}
    estimator = hasattr(model, "get_params") and hasattr(model, "predict")
    if estimator and dump_data_only(model, folder / "model.skops"):
        return {"sklearn": "model.skops"}
    if not (callable(model) or hasattr(model, "predict")):
        raise ModelLoadError(
            f"received {type(model).__name__}; accepted is a fitted estimator, a function of a "
            "list of inputs, or an object with predict.",
            hint="Wrap it: def predict(inputs): return [...]",
        )
    if not trust:
        raise UntrustedCodeError(
            f"a {type(model).__name__} can only be kept as a pickle, which runs code when opened.",
            hint='If you trust it, pass trust="your name"; it is recorded.',
        )
    return _pickled(folder, model, trust, now)


def _pickled(folder: Path, model: Any, trust: str, now: datetime | None) -> dict[str, Any]:
    import cloudpickle

    (folder / "model.pkl").write_bytes(cloudpickle.dumps(model))
    (folder / "model.py").write_text(
        '"""Written by seatrial from a notebook: opens a pickle that somebody trusted."""\n\n'
        "import pickle\nfrom pathlib import Path\n\n\n"
        "def load():\n"
        '    return pickle.loads((Path(__file__).parent / "model.pkl").read_bytes())\n',
        encoding="utf-8",
    )
    day = (now or datetime.now(UTC)).date().isoformat()
    return {"load": "model:load", "trust": f"{trust}, {day}"}


def _write_production(
    folder: Path, production: Any, labels: Any, slices: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    if isinstance(production, tuple) and labels is None and len(production) == 2:  # noqa: PLR2004
        production, labels = production
    _, columns, values = _rows(production, labels, what="production")
    for name, entries in slices.items():
        columns.setdefault(name, _column(entries))
    if values is not None:
        columns[LABEL_COLUMN] = values
    write_rows(folder / PRODUCTION_FILE, columns)
    return {"data": PRODUCTION_FILE, "slices": list(slices)}


def _rows(
    inputs: Any, labels: Any, *, what: str
) -> tuple[str, dict[str, list[Any]], list[Any] | None]:
    """Return kind of input, columns and labels as plain values."""
    if hasattr(inputs, "columns") and hasattr(inputs, "to_dict"):
        columns = {str(name): _column(inputs[name]) for name in inputs.columns}
        if isinstance(labels, str):
            labels = columns.pop(labels, None)
        kind = "record"
    else:
        values = _column(inputs)
        kind = _kind(values, what)
        columns = _records(values) if kind == "record" else {INPUT_COLUMN: values}
    found = None if labels is None else _column(labels)
    count = len(next(iter(columns.values()), []))
    if not count:
        raise DataError(f"{what} holds 0 rows; accepted is at least 1.", hint="Pass some rows.")
    if found is not None and len(found) != count:
        raise DataError(
            f"{what} holds {count} rows and {len(found)} labels; accepted is one label per row.",
            hint="Check that both come from the same split.",
        )
    return kind, columns, found


def _column(values: Any) -> list[Any]:
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    return [_missing(plain(value)) for value in listed]


def _missing(value: Any) -> Any:
    """Turn the NaN and NaT of data frames into a missing value."""
    if value is None or value != value:  # noqa: PLR0124  (NaN is the value unequal to itself)
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _kind(values: Sequence[Any], what: str) -> str:
    known = [value for value in values if value is not None]
    for kind, accepted in (("text", str), ("record", dict), ("array", (list, int, float))):
        if known and all(isinstance(value, accepted) for value in known):
            return kind
    types = sorted({type(value).__name__ for value in known}) or ["nothing"]
    raise DataError(
        f"{what} holds {', '.join(types)}; accepted are texts, records (dicts or a DataFrame) or "
        "arrays of numbers, of one kind.",
        hint="Convert them to one of these.",
    )


def _records(values: Sequence[Mapping[str, Any] | None]) -> dict[str, list[Any]]:
    names = dict.fromkeys(str(name) for value in values for name in value or {})
    return {name: [_missing((value or {}).get(name)) for value in values] for name in names}


def _toml(document: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the document as TOML; JSON scalars and lists of them are TOML too."""
    blocks = []
    for section, keys in document.items():
        lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in keys.items()]
        blocks.append("\n".join([f"[{section}]", *lines]))
    return "# Written by seatrial from a notebook.\n\n" + "\n\n".join(blocks) + "\n"
