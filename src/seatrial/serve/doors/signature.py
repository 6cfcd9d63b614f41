"""What a model takes and gives, as tensors: from its settings, and from what has passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from seatrial.core.settings import InputKind, Settings, Task
from seatrial.serve.doors.columns import ANY, Column, Columns, datatype
from seatrial.serve.doors.inference import TensorMetadata
from seatrial.serve.doors.outputs import ABSTAINED, CONFIDENCE, OUTPUT, SCORES, Output

INPUT = "input"
"""Name of the only tensor of a model whose rows are not records."""

COLUMNS_MAX = 4096
COLUMN_NAME_MAX = 256
"""Most and longest columns remembered: callers choose names, and memory must not grow with them."""


class Signature:
    """Remembers the form of what a model is asked and answers; never the content.

    Args:
        kind: What one input is.
        task: What the model is asked to do.
        columns: Names of a record's columns, where the settings list them.

    Attributes:
        table: The columns that every record must have; ``None`` where nobody has said them. What
            callers send is never taken for that.
        sample: A record known to be right.

    >>> seen = Signature("record", "regression")
    >>> seen.saw_rows([{"rooms": 3, "street": "Elm"}])
    >>> [(one.name, one.datatype) for one in seen.inputs()]
    [('rooms', 'INT64'), ('street', 'BYTES')]
    """

    def __init__(
        self, kind: InputKind, task: Task, *, columns: Sequence[str] | None = None
    ) -> None:
        self.kind: InputKind = kind
        self.table = Columns([Column(name) for name in columns]) if columns else None
        self.sample: Mapping[str, Any] | None = None
        self._listed = None if columns is None else tuple(columns)
        self._task = task
        self._datatypes: dict[str, str] = dict.fromkeys(columns or (), ANY)
        self._inner: list[int] | None = None
        self._learned = False
        self._outputs: dict[str, Output] = {}

    @classmethod
    def of(cls, settings: Settings) -> Signature:
        """Return what the settings alone say; ``"*"`` and columns of no eval set name nothing."""
        declared = settings.eval.input
        columns = [declared] if isinstance(declared, str) else declared
        named = isinstance(declared, list) or (settings.eval.data and declared != "*")
        model = settings.model
        known = model.input == "record" and named
        return cls(model.input, model.task, columns=columns if known else None)

    def learn(self, rows: Sequence[Any]) -> None:
        """Take the form of rows known to be right, after which callers' rows teach nothing."""
        self.saw_rows(rows)
        self._learned = self._learned or bool(rows)
        if rows and self.kind == "record":
            self.table = Columns.of_rows(rows, names=self._listed) or self.table
            self.sample = next((row for row in rows if isinstance(row, Mapping)), None)

    def learn_missing(self, refused: Set[str]) -> None:
        """Take which columns must hold something, for the model fails on null there."""
        if self.table is not None:
            self.table = self.table.with_missing(refused)

    def saw_rows(self, rows: Sequence[Any]) -> None:
        """Remember the form of rows that the model has answered."""
        if self._learned:
            return
        if self.kind == "record":
            for row in rows:
                if isinstance(row, Mapping):
                    self._saw_record(row)
        elif self.kind == "array" and rows:
            inner = _shape(rows[0])
            self._inner = inner if self._inner is None else _common(self._inner, inner)

    def saw_outputs(self, made: Sequence[Output]) -> None:
        """Remember the form of what the model gave, as output tensors."""
        for one in made:
            known = self._outputs.get(one.name)
            if known is not None and (known.datatype, len(known.shape)) == (
                one.datatype,
                len(one.shape),
            ):
                sizes = _common(known.shape[1:], one.shape[1:])
            else:
                sizes = one.shape[1:]
            if known is None or known.datatype != one.datatype or known.shape[1:] != sizes:
                self._outputs[one.name] = Output(
                    one.name, one.datatype, [-1, *sizes], [], one.parameters
                )

    @property
    def usual(self) -> Output | None:
        """What ``output`` looks like, where the model has answered."""
        return self._outputs.get(OUTPUT)

    def inputs(self) -> list[TensorMetadata]:
        """Return the tensors that the model takes."""
        if self.kind == "record":
            known = self._datatypes
            if self.table is not None:
                known = {one.name: one.datatype or known.get(one.name, ANY) for one in self.table}
            return [TensorMetadata(name, known[name] or "BYTES", [-1]) for name in known]
        if self.kind == "array":
            inner = [-1] if self._inner is None else self._inner
            return [TensorMetadata(INPUT, "FP64", [-1, *inner])]
        return [TensorMetadata(INPUT, "BYTES", [-1])]

    def outputs(self) -> list[TensorMetadata]:
        """Return the tensors that the model gives."""
        expected = "FP64" if self._task == "regression" else "BYTES"
        made = [TensorMetadata(OUTPUT, expected, [-1])]
        if (usual := self.usual) is not None:
            made = [TensorMetadata(OUTPUT, usual.datatype, usual.shape)]
        for name in (SCORES, CONFIDENCE):
            if (seen := self._outputs.get(name)) is not None:
                made.append(TensorMetadata(name, seen.datatype, seen.shape))
        return [*made, TensorMetadata(ABSTAINED, "BOOL", [-1])]

    def _saw_record(self, row: Mapping[str, Any]) -> None:
        known = self._datatypes
        for name, value in row.items():
            if value is None or (name not in known and not self._takes(name)):
                continue
            found = datatype(value)
            before = known.get(name, "")
            if before != found:
                known[name] = found if before == "" else _wider(before, found)

    def _takes(self, name: str) -> bool:
        """Say whether a new column is remembered: where the settings list all, it is none."""
        return (
            self._listed is None
            and len(self._datatypes) < COLUMNS_MAX
            and len(name) <= COLUMN_NAME_MAX
        )


Signatures = Callable[[], Signature]
"""Says what callers may send now, and what they get."""


def _wider(one: str, other: str) -> str:
    return "FP64" if {one, other} == {"INT64", "FP64"} else "BYTES"


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _common(one: list[int], other: list[int]) -> list[int]:
    """Return the shape that covers both: -1 where they differ in size, the newer one in rank."""
    if len(one) != len(other):
        return other
    return [size if size == more else -1 for size, more in zip(one, other, strict=True)]
