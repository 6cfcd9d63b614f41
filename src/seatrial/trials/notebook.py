"""The notebook door: a model and rows in memory, tried as a folder would be."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.core import settings as table
from seatrial.core.errors import UsageError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.report.notebook import TrialView
from seatrial.trials.outcome import Written, run_and_write
from seatrial.trials.progress import Progress, Silent
from seatrial.trials.project import write_project
from seatrial.trials.trial import names


class NotebookTrial:
    """A finished trial: shows itself, and can be kept as a project folder.

    Attributes:
        folder: The project folder it ran in; gone with this object unless it was saved.
    """

    def __init__(self, folder: Path, written: Written, *, temporary: bool) -> None:
        self.folder = folder
        self.trial: TrialDocument = written.trial
        self.gap: GapDocument | None = written.trial.gap
        self.evidence: tuple[Evidence, ...] = written.evidence
        self._view = TrialView(written.trial, written.trial.gap, written.evidence)
        if temporary:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def save(self, folder: str | Path) -> Path:
        """Keep the project folder: ``seatrial trial`` and ``seatrial serve`` take it.

        Raises:
            UsageError: There is something at that place already.
        """
        target = Path(folder)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target} is there already and not empty.", hint="Name a new folder.")
        shutil.copytree(self.folder, target, dirs_exist_ok=True)
        return target

    def __repr__(self) -> str:
        return repr(self._view)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._view._repr_mimebundle_(**options)


def trial(
    model: Any,
    inputs: Any,
    labels: Any,
    *,
    production: Any = None,
    production_labels: Any = None,
    slices: Mapping[str, Sequence[Any]] | None = None,
    name: str = "notebook",
    metric: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    only: str | None = None,
    trust: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> NotebookTrial:
    """Put a model from a notebook through its trial.

    The model and the rows are written as a project folder first, and tried there exactly as
    ``seatrial trial FOLDER`` would; works inside a running event loop.

    Args:
        model: A fitted scikit-learn estimator, a function of a list of inputs, or an object with
            ``predict``.
        inputs: Eval inputs: a list, an array, a Series or a DataFrame.
        labels: One label per input, or the name of a column of ``inputs``.
        production: Inputs as users sent them, or ``(inputs, labels)``.
        production_labels: Their labels; ``None`` where a row has none.
        slices: Columns to report production accuracy by.
        name: Name of the model.
        metric: As ``[eval] metric``.
        settings: Further sections of ``seatrial.toml``: ``{"budget": {"p99_ms": 50}}``.
        only: Item ids, comma separated.
        trust: Who trusts the code in the model, where it can only be pickled.
        folder: Where the project folder goes; default: a temporary one (see ``save``).
        progress: Told about each stage; default: nobody.

    Returns:
        The trial, which shows its report when it is the last value of a cell.

    Raises:
        UntrustedCodeError: The model carries code and ``trust`` is not given.
        DataError: Rows and labels do not fit together.
        ModelError: The model cannot answer its own eval set.
    """
    temporary = folder is None
    place = Path(tempfile.mkdtemp(prefix="seatrial-")) if folder is None else Path(folder)
    try:
        write_project(
            place,
            model=model,
            inputs=inputs,
            labels=labels,
            production=production,
            production_labels=production_labels,
            slices=slices,
            name=name,
            metric=metric,
            settings=settings,
            trust=trust,
        )
        read = table.load(place)
        told = _Stoppable(progress or Silent())
        written = _in_thread(
            lambda: run_and_write(read, place, only=names(only), report=None, progress=told),
            stop=told.stop,
        )
    except BaseException:
        if temporary:
            shutil.rmtree(place, ignore_errors=True)
        raise
    return NotebookTrial(place, written, temporary=temporary)


class _Stoppable:
    """Passes progress on, and ends the trial at its next word once it is told to stop."""

    def __init__(self, told: Progress) -> None:
        self._told = told
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def stage(self, sentence: str) -> None:
        self._check()
        self._told.stage(sentence)

    def note(self, sentence: str) -> None:
        self._check()
        self._told.note(sentence)

    def _check(self) -> None:
        if self._stopped:
            raise KeyboardInterrupt


def _in_thread(work: Callable[[], Written], *, stop: Callable[[], None]) -> Written:
    """Run the work in a thread of its own, where no event loop runs yet."""
    results: list[Written] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            errors.append(error)

    thread = threading.Thread(target=run, name="seatrial-trial", daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        stop()
        raise
    if errors:
        raise errors[0]
    return results[0]
