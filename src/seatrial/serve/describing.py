"""What inputs look like beside the eval set: ``python -m seatrial.serve.describing FOLDER``.

The reference is fitted in a process of its own, once for each eval set, and frozen into
``FOLDER/.seatrial/reference``. The keeper reads it from there, and so never holds the libraries
that fitting needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

import seatrial.describe
from seatrial._version import __version__
from seatrial.core import digests
from seatrial.core import settings as settings_table
from seatrial.core.errors import DataError, SeatrialError
from seatrial.core.settings import Settings
from seatrial.models.lifeline import die_with_parent
from seatrial.records.bins import Bins
from seatrial.serve.attendant import Attendant
from seatrial.serve.keyfile import put_private


def main(arguments: list[str] | None = None) -> int:
    """Fit the reference of a folder and freeze it."""
    parser = argparse.ArgumentParser(prog="seatrial.serve.describing")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lifeline", type=int, help="pipe that ends with the keeper")
    options = parser.parse_args(arguments)
    if options.lifeline is not None:
        die_with_parent(options.lifeline)
    try:
        freeze(settings_table.load(options.folder), options.folder)
    except (SeatrialError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201  (for the log of the server)
        return 1
    return 0


def freeze(settings: Settings, folder: Path) -> Path:
    """Fit the reference and write it down; return where.

    Raises:
        SeatrialError: The eval set cannot be read or described.
        OSError: It cannot be written.
    """
    from seatrial.describe.describer import describer_for
    from seatrial.records.tables import read_rows

    told = settings.eval
    path = place_of(settings, folder)
    rows = read_rows(folder / told.data, input=told.input, label=told.label)
    describer = describer_for(settings.model.input, rows.inputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    put_private(_bins_place(path), msgspec.json.encode(_bins(describer.describe(rows.inputs))))
    put_private(path, msgspec.json.encode(describer.to_document()))
    return path


def place_of(settings: Settings, folder: Path) -> Path:
    """Return where the reference lies: another eval set, or other code, has another place.

    Raises:
        OSError: The eval set cannot be read.
    """
    code = Path(seatrial.describe.__file__).parent
    made_by = {
        "version": __version__,
        "code": digests.of_files({path.name: path for path in code.glob("*.py")}),
        "eval": digests.of_file(folder / settings.eval.data),
        "input": settings.eval.input,
        "kind": settings.model.input,
    }
    name = digests.abbreviated(digests.of_document(made_by))
    return folder / ".seatrial" / "reference" / f"{name}.json"


def bins_of(settings: Settings, folder: Path) -> list[Bins]:
    """Return how the descriptors lie over the eval set, frozen with the reference.

    Raises:
        SeatrialError: The eval set cannot be read or described.
        OSError: It cannot be read, or the bins cannot be written.
    """
    path = place_of(settings, folder)
    if not _bins_place(path).exists():
        freeze(settings, folder)
    return msgspec.json.decode(_bins_place(path).read_bytes(), type=list[Bins])


def _bins_place(reference: Path) -> Path:
    return reference.with_suffix(".bins")


def _bins(described: Mapping[str, Any]) -> list[Bins]:
    from seatrial.describe.catalogue import factor_of

    found = (
        Bins.of(name, list(values.tolist()), factor=factor_of(name))
        for name, values in described.items()
    )
    return [bins for bins in found if bins is not None]


class Describing:
    """Describes inputs; the reference is read, or made, when it is first needed.

    Args:
        settings: Names the eval set and the kind of input.
        folder: The project folder.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._describer: Any = None
        self._failure: SeatrialError | None = None

    def __call__(self, inputs: list[Any]) -> Sequence[dict[str, Any] | None]:
        """Return one mapping of descriptors per input, ``None`` for one of another kind.

        Raises:
            SeatrialError: The eval set cannot be described; it is not tried again.
        """
        if not self._settings.eval.data:
            return [None] * len(inputs)
        if self._failure is not None:
            raise self._failure
        if self._describer is None:
            self._describer = self._opened()
        fitting = [place for place, value in enumerate(inputs) if self._fits(value)]
        described: list[dict[str, Any] | None] = [None] * len(inputs)
        if fitting:
            columns = self._describer.describe([inputs[place] for place in fitting])
            for number, place in enumerate(fitting):
                described[place] = {name: column[number] for name, column in columns.items()}
        return described

    def _opened(self) -> Any:
        from seatrial.describe.describer import describer_from

        try:
            path = place_of(self._settings, self._folder)
            if not path.exists():
                self._fit()
            return describer_from(msgspec.json.decode(path.read_bytes()))
        except (OSError, KeyError, ValueError, SeatrialError) as error:
            self._failure = DataError(
                f"the eval set {self._settings.eval.data} is no reference: {error}",
                hint="Inputs are logged without descriptors.",
            )
            raise self._failure from None

    def _fit(self) -> None:
        fitting = Attendant("seatrial.serve.describing", [str(self._folder)])
        try:
            status = fitting.process.wait()
        finally:
            fitting.kill()
        if status:
            raise DataError(f"describing it ended with {status}; standard error says why.")

    def _fits(self, value: Any) -> bool:
        kinds: dict[str, Any] = {"text": str, "record": dict, "array": (list, int, float)}
        return isinstance(value, kinds.get(self._settings.model.input, object))


if __name__ == "__main__":
    sys.exit(main())
