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

import msgspec

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import Conditions, conditions
from seatrial.measure.start import Started
from seatrial.models.answers import Answer
from seatrial.models.estimator import declared_order
from seatrial.models.identity import release_of
from seatrial.models.process import ModelProcess
from seatrial.models.subject import Subject
from seatrial.models.url import UrlSubject
from seatrial.stats.scores import ACCURACY, WITHIN, RowScore
from seatrial.trials.answering import Outcome, answer_all, answer_each
from seatrial.trials.server import ServerProcess
from seatrial.trials.supplied import Supplied, read_supplied

URL_ADAPTER = "url"
SCORE_ADAPTER = "score"

BATCH = 64
"""Rows a call while eval and production rows are answered, as a notebook would."""


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
    def eval_answers(self) -> list[Answer]:
        """What the original answers to the eval set, in process.

        Raises:
            ModelError: It cannot answer a row; the message names it.
        """
        # From outside, "in process" cannot be had: alone is the nearest to it.
        batch = BATCH if self.inside else 1
        return answer_all(self.original, self.supplied.eval.inputs, batch=batch)

    @cached_property
    def served_eval(self) -> list[Outcome]:
        """What the service answers to the eval set, batched, over HTTP."""
        return answer_each(self.outside, self.supplied.eval.inputs, batch=BATCH)

    @cached_property
    def served_production(self) -> list[Outcome]:
        """What the service answers to the production rows, batched, over HTTP."""
        rows = self.supplied.production
        return answer_each(self.outside, rows.inputs if rows else [], batch=BATCH)

    @cached_property
    def score(self) -> RowScore | None:
        """The user's own per-row score, run in a process of its own like all user code."""
        metric = self.settings.eval.metric
        if metric == ACCURACY or metric.startswith(WITHIN) or ":" not in metric:
            return None
        model = msgspec.structs.replace(self.settings.model, adapter=SCORE_ADAPTER, location=metric)
        settings = msgspec.structs.replace(self.settings, model=model)
        process = self._stack.enter_context(ModelProcess(self.folder, settings=settings))
        return lambda answer, label: process.answer([[answer, label]]).answers[0].output

    @cached_property
    def server(self) -> ServerProcess:
        """The server of the whole trial."""
        return self._stack.enter_context(self._server())

    @cached_property
    def outside(self) -> UrlSubject:
        """The service as a client sees it."""
        subject = UrlSubject.native(self.server.url) if self.inside else self._elsewhere()
        self._stack.callback(subject.close)
        return subject

    @contextmanager
    def fresh_server(self) -> Iterator[Started]:
        """Start another server, cold, and end it."""
        with self._server() as server:
            yield Started(url=UrlSubject.native(server.url).url, spawned_s=server.started_s)

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

    def _elsewhere(self) -> UrlSubject:
        model, asked = self.settings.model, self.settings.endpoint
        return UrlSubject.open(
            model.location,
            body=asked.body or None,
            answer=asked.answer or None,
            sample=self.supplied.eval.inputs[0],
            kind=model.input,
            task=model.task,
            order=declared_order(self.settings.eval.input),
            header_env=asked.header_env,
            timeout_s=asked.timeout_s,
            model=model.name,
        )

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
