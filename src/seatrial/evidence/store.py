"""Where evidence is kept: one JSON file per document, named by its content."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from seatrial.core import digests
from seatrial.core.errors import DataError
from seatrial.evidence.documents import SCHEMA, Evidence
from seatrial.evidence.findings import TrialDocument
from seatrial.evidence.gap import GapDocument

LATEST_TRIAL = "trial.json"
LATEST_GAP = "gap.json"

Document = TypeVar("Document", Evidence, TrialDocument, GapDocument)


class EvidenceStore:
    """The folder ``FOLDER/.seatrial/evidence``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".seatrial" / "evidence"

    def put(self, evidence: Evidence) -> Path:
        """Write a measurement under its id; the same document twice is one file."""
        return self._write(f"{evidence.id}.json", evidence)

    def put_trial(self, trial: TrialDocument) -> Path:
        """Write the latest trial."""
        return self._write(LATEST_TRIAL, trial)

    def put_gap(self, gap: GapDocument) -> Path:
        """Write the latest gap."""
        return self._write(LATEST_GAP, gap)

    def get(self, evidence_id: str) -> Evidence:
        """Read a measurement.

        Raises:
            DataError: There is none of that id, it is unreadable, or its content was changed.
        """
        path = self.path / f"{evidence_id}.json"
        evidence = self._read(path, Evidence)
        if evidence.schema != SCHEMA:
            raise DataError(
                f"{path} is of schema {evidence.schema}; accepted is {SCHEMA}.",
                hint="Measure again.",
            )
        if evidence.id != evidence_id:
            raise DataError(
                f"{path} does not hash to its name: it was changed after it was written.",
                hint="Measure again.",
                details={"digest": digests.of_document(evidence)},
            )
        return evidence

    def trial(self) -> TrialDocument:
        """Read the latest trial."""
        return self._read(self.path / LATEST_TRIAL, TrialDocument)

    def gap(self) -> GapDocument:
        """Read the latest gap."""
        return self._read(self.path / LATEST_GAP, GapDocument)

    def ids(self) -> list[str]:
        """Return the ids of all measurements kept here, sorted."""
        latest = {LATEST_TRIAL, LATEST_GAP}
        return sorted(path.stem for path in self.path.glob("*.json") if path.name not in latest)

    def _write(self, name: str, document: msgspec.Struct) -> Path:
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / name
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
        temporary.replace(path)
        return path

    @staticmethod
    def _read(path: Path, kind: type[Document]) -> Document:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            raise DataError(f"there is no {path}.", hint="Run: seatrial trial") from None
        except msgspec.DecodeError as error:
            raise DataError(f"{path} is unreadable: {error}.", hint="Measure again.") from None
