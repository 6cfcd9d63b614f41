"""What ``seatrial review`` does: the page of one folder on loopback, and files out and in."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from seatrial.core import settings as settings_table
from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.closing import Closing
from seatrial.core.errors import DataError, EnvironmentMismatchError, UsageError
from seatrial.records.reviewing import Plan, ReviewSample
from seatrial.serve.admin_server import SmallServer
from seatrial.serve.consoles import Doorman
from seatrial.serve.keyfile import new_secret, put_private
from seatrial.serve.keys import Keyring
from seatrial.web import label_studio, sheet
from seatrial.web.review import BASE, application, open_desk
from seatrial.web.sampled import pages
from seatrial.web.transfer import Imported, Incoming, import_labels

HOST = "127.0.0.1"
"""Other machines reach the page through the keeper's admin port, where keys protect it."""

FORMATS = {".csv": "CSV", ".json": "Label Studio JSON"}

IMPORT_MAX_BYTES = 512 * 2**20
"""Largest file that is read: it is held in memory, and checked as a whole."""


class Ready(Struct, frozen=True, kw_only=True):
    """Where the page is, and what there is to do.

    Attributes:
        url: With the token, after ``#``, where no server and no log sees it.
        rows: Of the sample.
        labelled: Those that somebody has labelled.
    """

    url: str
    rows: int
    labelled: int


class Exported(Struct, frozen=True, kw_only=True):
    """What was written: lines of a sheet, or tasks."""

    file: str
    format: str
    rows: int


class Review(Closing):
    """The review of one folder.

    Args:
        folder: The project folder.
        log_folder: Whose log is reviewed; default the folder's own.
        size: Rows wanted in the sample; default as planned.
        clock: Where time comes from.

    Raises:
        SettingsError: The settings cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        log_folder: Path | None = None,
        size: int | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._folder = folder
        self._settings = settings_table.load(folder)
        self._clock = clock
        self._sample = ReviewSample(log_folder or folder, clock=clock)
        if size is not None:
            self._sample.draw(Plan(size=size))
        self._desk = open_desk(self._sample, settings=self._settings, folder=folder)

    def close(self) -> None:
        """Hand what was written over for sealing."""
        self._sample.close()

    def serve(self, *, port: int, announce: Callable[[Ready], None]) -> None:
        """Serve the page until a signal stops it.

        Args:
            port: Port to listen on; 0 takes a free one.
            announce: Told where it is.

        Raises:
            UnreachableError: The port cannot be had.
        """
        with _signalled() as stopping, self.served(port=port) as ready:
            announce(ready)
            stopping.wait()

    @contextmanager
    def served(self, *, port: int = 0) -> Iterator[Ready]:
        """Serve the page from a thread while the block lasts; yield where it is.

        Args:
            port: Port to listen on; 0 takes a free one.

        Raises:
            UnreachableError: The port cannot be had.
        """
        token = f"rt_{new_secret()}"
        right = hashlib.sha256(token.encode()).digest()

        def matches(shown: bytes) -> bool:
            return hmac.compare_digest(hashlib.sha256(shown).digest(), right)

        doorman = Doorman(matches, keyring=Keyring(self._folder))
        server = SmallServer(
            application(self._desk, identify=doorman.identify), host=HOST, port=port
        )
        server.start()
        try:
            yield self._ready(f"{server.url}{BASE}#token={token}")
        finally:
            server.stop()

    def export(self, path: Path, *, answers: bool) -> Exported:
        """Write the sample, with the labels so far, to a file, at once and whole.

        Args:
            path: ``.csv`` or ``.json`` (Label Studio).
            answers: Show what the model said, which leads those who label.

        Raises:
            UsageError: The ending is another.
            EnvironmentMismatchError: The file cannot be written.
        """
        kind = _format(path)
        rows = (row for page in pages(self._sample) for row in page)
        answers = answers or self._desk.question.mode == "judged"
        with _replacing(path) as new:
            if path.suffix.lower() == ".csv":
                # With a mark at its beginning, without which spreadsheets do not take it as UTF-8.
                with new.open("w", encoding="utf-8-sig", errors="replace", newline="") as lines:
                    count = sheet.write(lines, rows, answers=answers)
            else:
                with new.open("wb") as tasks:
                    asked = self._desk.question
                    count = label_studio.write(tasks, rows, asked=asked, answers=answers)
        return Exported(file=str(path), format=kind, rows=count)

    def take(self, path: Path, *, reviewer: str = "", new: bool = False) -> Imported:
        """Import the labels of a file, all or none.

        Args:
            path: ``.csv`` or ``.json`` (Label Studio).
            reviewer: Who labelled where the file does not say.
            new: Accept classes that are not known.

        Raises:
            UsageError: The ending is another.
            DataError: It cannot be read, or something in it is wrong: nothing was imported.
        """
        _format(path)
        try:
            if path.stat().st_size > IMPORT_MAX_BYTES:
                raise DataError(
                    f"{path} is larger than {IMPORT_MAX_BYTES / 2**20:g} MiB.",
                    hint="Import it in parts.",
                )
            incoming = list(_read(path))
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read: {error}.", hint="Save it as UTF-8.") from None
        return import_labels(
            incoming,
            rows=self._desk.sample_rows(),
            asked=self._desk.question,
            target=self._sample,
            clock=self._clock,
            reviewer=reviewer,
            new=new,
        )

    def _ready(self, url: str) -> Ready:
        rows = self._desk.sample_rows().values()
        labelled = sum(any(one.label is not None for one in row.labels.values()) for row in rows)
        return Ready(url=url, rows=len(rows), labelled=labelled)


def _format(path: Path) -> str:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"{path.name} ends in {path.suffix or 'nothing'!r}; accepted are "
            f"{' and '.join(f'{end} ({name})' for end, name in FORMATS.items())}.",
            hint="Name the file review.csv, say.",
        )
    return kind


def _read(path: Path) -> Iterator[Incoming]:
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from sheet.read(lines)
    else:
        with path.open("rb") as tasks:
            yield from label_studio.read(tasks)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a private file beside the wanted one, which it replaces in the end."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        put_private(new, b"")
        yield new
        new.replace(path)
    except OSError as error:
        raise EnvironmentMismatchError(
            f"{path} cannot be written: {error.strerror or error}.", hint="Choose another place."
        ) from None
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def _signalled() -> Iterator[threading.Event]:
    """Yield what is set once a signal asks us to stop."""
    stopping = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: stopping.set()) for number in numbers]
    try:
        yield stopping
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
