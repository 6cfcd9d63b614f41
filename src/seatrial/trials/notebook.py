"""The notebook door: a model and rows in memory, tried as a folder would be."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seatrial.core import settings as table
from seatrial.core.errors import UsageError
from seatrial.evidence.documents import Evidence
from seatrial.evidence.findings import ItemResult, TrialDocument
from seatrial.evidence.gap import GapDocument
from seatrial.report.html import render_html
from seatrial.report.notebook import GapView, TrialView
from seatrial.trials.outcome import REPORT, Written, run_and_write
from seatrial.trials.progress import Progress, shown
from seatrial.trials.project import from_notebook, ready, write_project
from seatrial.trials.trial import names


class NotebookTrial:
    """A finished trial: shows itself, and can be kept as a project folder.

    Attributes:
        folder: The project folder it ran in; gone with this object unless one was named.
        trial: The judged checklist, as ``seatrial trial --json`` prints it.
        evidence: The measurements behind it.
    """

    def __init__(self, folder: Path, written: Written, *, name: str, temporary: bool) -> None:
        self.folder = folder
        self.evidence: tuple[Evidence, ...] = written.evidence
        self.trial: TrialDocument = written.trial
        if temporary:
            # The command that comes next needs a folder that is still there when it is typed.
            after = _renamed(written.trial, folder, name).next
            kept = f'.save("{name}"), then in a terminal: {after}'
            self.trial = msgspec.structs.replace(written.trial, next=kept)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @property
    def items(self) -> dict[str, ItemResult]:
        """The judged items by id."""
        return {item.id: item for item in self.trial.items}

    @property
    def gap(self) -> GapDocument | None:
        """The gap as data; ``None`` where it was not measured."""
        return self.trial.gap

    @property
    def waterfall(self) -> GapView | None:
        """The gap as a picture and a ledger; ``None`` where it was not measured."""
        return None if self.trial.gap is None else GapView(self.trial.gap)

    def save(self, folder: str | Path, *, replace: bool = False) -> Path:
        """Keep the project folder: ``seatrial trial`` and ``seatrial serve`` take it.

        Args:
            folder: A new or empty folder.
            replace: Whether a folder that was saved from a notebook before may be replaced; what
                was recorded about it (``.seatrial/log``) stays.

        Raises:
            UsageError: There is something else at that place.
        """
        target = Path(folder)
        if target.resolve() == self.folder.resolve():
            return target
        if target.is_dir() and from_notebook(target) and not replace:
            raise UsageError(
                f"{target} is there already and not empty.",
                hint="Name a new folder, or pass replace=True to replace what a notebook saved.",
            )
        ready(target)
        shutil.copytree(self.folder, target, dirs_exist_ok=True)
        trial = _renamed(self.trial, self.folder, str(target))
        trial = msgspec.structs.replace(trial, next=f"seatrial serve {shlex.quote(str(target))}")
        page = render_html(trial, trial.gap, self.evidence)
        (target / ".seatrial" / REPORT).write_text(page, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        return repr(self._view())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._view()._repr_mimebundle_(include, exclude)

    def _view(self) -> TrialView:
        return TrialView(self.trial, self.trial.gap, self.evidence)


def trial(
    model: Any,
    inputs: Any,
    labels: Any,
    *,
    production: Any = None,
    production_labels: Any = None,
    slices: Mapping[str, Sequence[Any]] | Sequence[str] | None = None,
    name: str = "notebook",
    metric: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    only: str | Sequence[str] | None = None,
    trust: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> NotebookTrial:
    """Put a model from a notebook through its trial.

    The model and the rows are written as a project folder first, and tried there exactly as
    ``seatrial trial FOLDER`` would; works inside a running event loop.

    Args:
        model: A fitted scikit-learn estimator, a function of the inputs, or an object with
            ``predict``. A function goes with all it refers to.
        inputs: Eval inputs: a list, an array, a Series or a DataFrame.
        labels: One label per input, or the name of a column of ``inputs``.
        production: Inputs as users sent them, or ``(inputs, labels)``.
        production_labels: Their labels; ``None`` where a row has none.
        slices: Columns to report production accuracy by: name to one value per production row, or
            names of columns that ``production`` has.
        name: Name of the model.
        metric: As ``[eval] metric``; for a regression the default is a tolerance of half the
            standard deviation of the labels.
        settings: Further sections of ``seatrial.toml``: ``{"budget": {"p99_ms": 50}}``.
        only: Item ids; default: all.
        trust: Who trusts the code in the model, where it can only be pickled.
        folder: Where the project folder goes: a new one, or one that was written from a notebook;
            default: a temporary one (see ``save``).
        progress: Told about each stage; default: in a notebook one line that is replaced as the
            trial goes on, elsewhere nobody.

    Returns:
        The trial, which shows its report when it is the last value of a cell.

    Raises:
        UntrustedCodeError: The model carries code and ``trust`` is not given.
        DataError: Rows and labels do not fit together.
        ModelError: The model cannot answer its own eval set.
    """
    wanted = names(only if only is None or isinstance(only, str) else ",".join(only))
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
        with shown(progress) as told:
            if read.model.task == "regression" and metric is None:
                told.note(f"an answer counts as right by {read.eval.metric}; pass metric= to say")
            written = run_and_write(read, place, only=wanted, report=None, progress=told)
    except BaseException:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
        raise
    return NotebookTrial(place, written, name=name, temporary=folder is None)


def _renamed(document: TrialDocument, folder: Path, name: str) -> TrialDocument:
    """Return the document with the next command for another folder."""
    after = document.next.replace(shlex.quote(str(folder)), shlex.quote(name))
    return msgspec.structs.replace(document, next=after)
