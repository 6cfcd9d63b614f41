"""The rig: everything a measurement may ask for, started when it is first asked for.

It starts the model in a process of its own and a real server as a subprocess, and hands ``measure``
and ``gap`` nothing but subjects, URLs and rows. All that it started ends with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import Conditions, conditions
from seatrial.models.identity import release_of
from seatrial.models.process import ModelProcess
from seatrial.models.subject import Subject
from seatrial.models.url import UrlSubject
from seatrial.trials.server import ServerProcess
from seatrial.trials.supplied import Supplied, read_supplied

URL_ADAPTER = "url"


class Rig:
    """What a trial works with.

    Args:
        settings: Settings of the folder.
        folder: Where ``seatrial.toml`` lies; for a bare URL, where evidence is kept.
        clock: Where time comes from.

    Attributes:
        inside: Whether seatrial starts the model itself; false for a URL.
        at: Conditions of every measurement.
        budget: What is left of the trial's time.
    """

    def __init__(self, settings: Settings, folder: Path, *, clock: Clock = SYSTEM) -> None:
        self.settings = settings
        self.folder = folder
        self.inside = settings.model.adapter != URL_ADAPTER
        self.clock = clock
        self.budget = TimeBudget(settings.trial.time_budget_s, clock=clock)
        self._stack = ExitStack()

    @cached_property
    def at(self) -> Conditions:
        """Conditions of every measurement: release, machine, seed, clock."""
        release = release_of(self.settings, self.folder)
        return conditions(release, seed=self.settings.trial.seed, clock=self.clock)

    @cached_property
    def supplied(self) -> Supplied:
        """Eval and production rows."""
        return read_supplied(self.settings, self.folder)

    @cached_property
    def original(self) -> Subject:
        """The model as it was given, in a process of its own; behind its URL where it has one."""
        if not self.inside:
            return self.outside
        return self._stack.enter_context(ModelProcess(self.folder, settings=self.settings))

    @cached_property
    def variant(self) -> Subject:
        """The variant that is served."""
        name = self.settings.serving.variant
        if not self.inside or name == "original":
            return self.original
        return self._stack.enter_context(
            ModelProcess(self.folder, settings=self.settings, variant=name)
        )

    @cached_property
    def server(self) -> ServerProcess:
        """The server of the whole trial."""
        return self._stack.enter_context(self._server())

    @cached_property
    def outside(self) -> UrlSubject:
        """The service as a client sees it."""
        if self.inside:
            subject = UrlSubject.native(self.server.url, settings=self.settings)
        else:
            subject = UrlSubject.from_settings(self.settings)
        self._stack.callback(subject.close)
        return subject

    @contextmanager
    def fresh_server(self) -> Iterator[ServerProcess]:
        """Start another server, cold, and end it."""
        with self._server() as server:
            yield server

    def bodies(self, inputs: Sequence[Any]) -> list[bytes]:
        """Return one request body per input, as the service takes them."""
        return [self.outside.body([value]) for value in inputs]

    def close(self) -> None:
        """End all that was started."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _server(self) -> ServerProcess:
        return ServerProcess(
            self.folder,
            variant=self.settings.serving.variant,
            log_folder=self._log_folder,
            clock=self.clock,
        )

    @cached_property
    def _log_folder(self) -> Path:
        """Drill traffic is recorded like any other, but not among the user's records."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="seatrial-")))
