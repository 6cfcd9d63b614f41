"""The rig: everything a measurement may ask for, started when it is first asked for.

It starts the model in a process of its own and a real server as a subprocess, and hands ``measure``
and ``gap`` nothing but subjects, URLs and rows. All that it started ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seatrial.core.clock import SYSTEM, Clock, TimeBudget
from seatrial.core.closing import Closing
from seatrial.core.settings import Settings
from seatrial.evidence.recorder import Conditions, conditions
from seatrial.measure.start import Started
from seatrial.models.answers import Answer
from seatrial.models.endpoint import shown, split
from seatrial.models.estimator import declared_order
from seatrial.models.identity import release_of
from seatrial.models.process import ModelProcess
from seatrial.models.subject import Subject
from seatrial.models.url import UrlSubject, open_model
from seatrial.records.tables import Rows
from seatrial.stats.scores import RowScore, row_scores
from seatrial.trials.answering import Outcome, answer_all, answer_alone, answer_each
from seatrial.trials.pacing import ROWS_MIN, Pace, pace_of, thinned
from seatrial.trials.scoring import CustomScore, is_custom
from seatrial.trials.scratch import scratch_folder
from seatrial.trials.server import ServerProcess
from seatrial.trials.supplied import Supplied, read_supplied

URL_ADAPTER = "url"
OIP = "oip"

ROWS_SHARE = 0.5
"""Of the time budget, that asking eval and production rows may take before rows are left out."""


class Rig(Closing):
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

    @property
    def opening(self) -> str:
        """Say what begins a trial."""
        model = self.settings.model
        if not self.inside:
            return f"reading rows and asking {shown(split(model.location))}"
        return f"reading rows and loading {model.name}"

    @cached_property
    def at(self) -> Conditions:
        """Conditions of every measurement: release, machine, seed, clock."""
        release = release_of(self.settings, self.folder)
        return conditions(release, seed=self.settings.trial.seed, clock=self.clock)

    @cached_property
    def supplied(self) -> Supplied:
        """Eval and production rows, all that there are."""
        return read_supplied(self.settings, self.folder, release=self.at.release)

    @cached_property
    def pace(self) -> Pace:
        """How long the model takes for a row."""
        ask = self.original.answer if self.inside else self._alone
        return pace_of(ask, self.supplied.eval.inputs, clock=self.clock)

    @cached_property
    def rows(self) -> Supplied:
        """The rows that are asked: all of them, or as many as the time budget allows."""
        found = self.supplied
        asked = found.production if found.recorded is None else None
        # Eval rows are asked twice: in process and through the serving path.
        wanted = 2 * len(found.eval) + (len(asked) if asked else 0)
        share = self.pace.rows_in(ROWS_SHARE * self.budget.seconds) / wanted
        return msgspec.structs.replace(
            found,
            eval=self._thinned(found.eval, share),
            production=self._thinned(asked, share) if asked else found.production,
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Say which rows were not asked for want of time; nothing where all were."""
        pairs = (("eval", "eval"), ("production", "production"))
        said = []
        for name, what in pairs:
            asked, given = getattr(self.rows, name), getattr(self.supplied, name)
            if asked is not None and len(asked) < len(given):
                said.append(
                    f"{len(asked):,} of {len(given):,} {what} rows were asked, drawn by chance: a "
                    f"row takes {1e3 * self.pace.row_s:.0f} ms and [trial] time_budget_s is "
                    f"{self.budget.seconds:g}"
                )
        return tuple(said)

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
        return self.version(name)

    @cached_property
    def eval_answers(self) -> list[Answer]:
        """What the original answers to the eval set, in process; from outside, one row a request.

        Raises:
            SeatrialError: It cannot answer a row; the message names it.
        """
        inputs = self.rows.eval.inputs
        if self.inside:
            return answer_all(self.original, inputs, batch=self.pace.batch)
        # From outside, "in process" cannot be had: alone is the nearest to it.
        return self._alone(inputs)

    @cached_property
    def served_eval(self) -> list[Outcome]:
        """What the service answers to the eval set, batched, over HTTP."""
        if not self.inside and not self.outside.takes_batches:
            return list(self.eval_answers)
        return answer_each(self.outside, self.rows.eval.inputs, batch=self.pace.batch)

    @cached_property
    def served_production(self) -> list[Outcome]:
        """What the service answers to the production rows, batched, over HTTP."""
        rows = self.rows.production
        return answer_each(self.outside, rows.inputs if rows else [], batch=self.pace.batch)

    @cached_property
    def eval_scores(self) -> NDArray[np.float64]:
        """How right each of the :attr:`eval_answers` is.

        Raises:
            DataError: Answers and labels are of different types.
            UsageError: There is no such metric, or it does not score from 0 to 1.
            ModelError: The user's own metric cannot be loaded, or raised.
        """
        return self.scores(self.eval_answers, self.rows.eval.labels or [])

    def scores(
        self, answers: Sequence[Answer | None], labels: Sequence[Any]
    ) -> NDArray[np.float64]:
        """Score answers against labels; see :func:`seatrial.stats.scores.row_scores`."""
        return row_scores(
            [None if answer is None else answer.output for answer in answers],
            labels,
            metric=self.settings.eval.metric,
            custom=self.score,
        )

    @cached_property
    def score(self) -> RowScore | None:
        """The user's own per-row score, run in a process of its own like all user code."""
        if not is_custom(self.settings.eval.metric):
            return None
        return self._stack.enter_context(CustomScore(self.settings, self.folder))

    def version(self, name: str) -> Subject:
        """Return one variant of the model, in a process of its own."""
        process = ModelProcess(self.folder, settings=self.settings, variant=name)
        return self._stack.enter_context(process)

    @cached_property
    def server(self) -> ServerProcess:
        """The server of the whole trial."""
        return self._stack.enter_context(self._server())

    def bury_server(self) -> str:
        """Say how the server ended, if it did, and let the next who asks for one start another."""
        server: ServerProcess | None = self.__dict__.get("server")
        ending = server.ending() if server else ""
        if ending:
            self.__dict__.pop("server")
            self.__dict__.pop("outside", None)
        return ending

    @cached_property
    def outside(self) -> UrlSubject:
        """The service as a client sees it."""
        subject = (
            UrlSubject.native(self.server.url)
            if self.inside
            else self._elsewhere(self.settings.model.location)
        )
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

    def _alone(self, inputs: Sequence[Any]) -> list[Answer]:
        return answer_alone(self.outside, inputs)

    def _thinned(self, rows: Rows, share: float) -> Rows:
        if share >= 1.0:
            return rows
        return thinned(rows, max(ROWS_MIN, int(share * len(rows))), seed=self.settings.trial.seed)

    @contextmanager
    def also(self) -> Iterator[UrlSubject]:
        """Open the other model of the same service that the settings name, and close it."""
        subject = self._elsewhere(self.settings.endpoint.also)
        try:
            yield subject
        finally:
            subject.close()

    def _elsewhere(self, url: str) -> UrlSubject:
        model, asked = self.settings.model, self.settings.endpoint
        if asked.protocol == OIP:
            return open_model(url, settings=self.settings, folder=self.folder)
        return UrlSubject.open(
            url,
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
            trust=self.settings.model.trust,
            log_folder=self._log_folder,
            clock=self.clock,
        )

    @cached_property
    def _log_folder(self) -> Path:
        """Drill traffic is recorded like any other, but not among the user's records."""
        return self._stack.enter_context(scratch_folder())
