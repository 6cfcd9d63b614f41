"""How a model in memory is kept in a folder: as data, as source, or as a trusted pickle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from seatrial.core.errors import ModelLoadError, UntrustedCodeError
from seatrial.models.estimator import is_estimator
from seatrial.trials.modules import pickled_by_value
from seatrial.trials.rows import INPUT_COLUMN, PlainRows
from seatrial.trials.source import HEADER, Writer, dump_data_only

TRIED_ROWS = 2
"""Rows a function is called with to see which form of inputs it takes."""


class Handed(NamedTuple):
    """How inputs are handed to a model that does not take lists of them."""

    library: str
    inputs: str

    def expression(self, model: str) -> str:
        """Return the Python text of a function of a list that calls the model."""
        return f"lambda inputs: {model}({self.inputs})"


def keep_model(
    folder: Path,
    model: Any,
    *,
    rows: PlainRows,
    inputs: Any,
    trust: str | None,
    now: datetime | None = None,
) -> dict[str, str]:
    """Write a model into a folder; return the keys of ``[model]`` that open it.

    Estimators are kept as skops, functions as source, both without trust where they hold no more
    than data and source; anything else is a pickle that somebody has to trust.

    Args:
        folder: Where its files go.
        model: A fitted estimator, a function, or an object with ``predict``.
        rows: Inputs as plain values.
        inputs: The same as they were given.
        trust: Who trusts the code in it.
        now: Wall time of that trust; default: now.

    Raises:
        ModelLoadError: The model is none of the accepted kinds.
        UntrustedCodeError: It carries code and nobody said they trust it.
    """
    if is_estimator(model):
        # A search answers with the best it found; what it tried besides holds code now and then.
        for kept in (model, getattr(model, "best_estimator_", None)):
            if kept is not None and dump_data_only(kept, folder / "model.skops") is not None:
                return {"sklearn": "model.skops"}
        return _pickled(folder, model, None, trust, now)
    if not (callable(model) or callable(getattr(model, "predict", None))):
        raise ModelLoadError(
            f"received {type(model).__name__}; accepted is a fitted estimator, a function of a "
            "list of inputs, or an object with predict.",
            hint="Wrap it: def predict(inputs): return [...]",
        )
    handed = _handed(model, rows, inputs)
    if not isinstance(model, FunctionType):
        return _pickled(folder, model, handed, trust, now)
    writer = Writer(folder)
    try:
        name = writer.add(model)
    except UntrustedCodeError:
        if not trust:
            raise
        return _pickled(folder, model, handed, trust, now)
    text = (
        writer.text(returned=handed.expression(name), needed=handed.library)
        if handed
        else writer.text(returned=name)
    )
    (folder / "model.py").write_text(text, encoding="utf-8")
    return {"load": f"model:{writer.loader}"}


def _handed(model: Any, rows: PlainRows, inputs: Any) -> Handed | None:
    """Return how to hand inputs over; ``None``: as a list, as the server does.

    A model of a notebook that fails on a list, but not on the data frame, array or series that it
    was written for, is given that.
    """
    if rows.form == "list":
        return None
    names, few = list(rows.inputs), range(min(TRIED_ROWS, len(rows)))
    listed: list[Any] = [{name: rows.inputs[name][row] for name in names} for row in few]
    if rows.kind != "record":
        listed = rows.inputs[INPUT_COLUMN][: len(few)]
    predict = model if callable(model) else model.predict
    if _answers(predict, listed) or not _answers(predict, inputs[: len(few)]):
        return None
    columns = "seatrial.models.columns"
    return {
        "frame": Handed(columns, f"{columns}.data_frame(inputs, {names!r})"),
        "array": Handed(columns, f"{columns}.array(inputs)"),
        "series": Handed("pandas", "pandas.Series(inputs)"),
    }[rows.form]


def _answers(predict: Any, inputs: Any) -> bool:
    try:
        return len(predict(inputs)) == len(inputs)
    except Exception:  # noqa: BLE001  (user code fails in any way; the trial says how)
        return False


def _pickled(
    folder: Path, model: Any, handed: Handed | None, trust: str | None, now: datetime | None
) -> dict[str, str]:
    import cloudpickle

    if not trust:
        raise UntrustedCodeError(
            f"a {type(model).__name__} can only be kept as a pickle, which runs code when opened.",
            hint='If you trust it, pass trust="your name"; it is recorded.',
        )
    with pickled_by_value():
        (folder / "model.pkl").write_bytes(cloudpickle.dumps(model))
    called = "model" if callable(model) else "model.predict"
    returned = handed.expression(called) if handed else "model"
    needed = f"import {handed.library}\n" if handed else ""
    (folder / "model.py").write_text(
        f"{HEADER}\nimport pickle\nfrom pathlib import Path\n{needed}\n\n"
        "def load():\n"
        '    """Open a pickle that somebody trusted."""\n'
        '    model = pickle.loads((Path(__file__).parent / "model.pkl").read_bytes())\n'
        f"    return {returned}\n",
        encoding="utf-8",
    )
    day = (now or datetime.now(UTC)).date().isoformat()
    return {"load": "model:load", "trust": f"{trust}, {day}"}
