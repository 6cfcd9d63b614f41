"""The desk at which reviewers work: which row comes next, what was said, where it stands."""

from __future__ import annotations

import bisect
import math
import re
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from seatrial.core.clock import SYSTEM, Clock
from seatrial.core.errors import DataError, InputError, UnknownNameError
from seatrial.records.reviewing import ReviewLabel, ReviewRow
from seatrial.stats.scores import ACCURACY, WITHIN, row_score
from seatrial.web.messages import Given, Order, Other, Rows, RowShown, Standpoint, Undo
from seatrial.web.question import (
    NAME_MAX,
    Question,
    checked_label,
    checked_tags,
    checked_text,
    family,
)
from seatrial.web.sampled import Key, Sampled, Source, drawn, wanted
from seatrial.web.shown import Nothing, Shown, shown
from seatrial.web.standing import Standing, agreed, agreement_lines, standing

REFRESH_S = 30.0
"""How long what others wrote to the log, and rows that are new there, may go unnoticed."""

BATCH_MAX = 30
"""Most rows sent at once."""

ANSWERED = "answered"

CURSOR = re.compile(r"(?P<first>[01]):(?P<turn>-?[0-9]{1,3}(\.[0-9]{1,25})?(e-[0-9]{1,3})?)")


class Sample(Source, Protocol):
    """What is needed of :class:`seatrial.records.reviewing.ReviewSample`."""

    def label(self, *given: ReviewLabel) -> None:
        """Write down what reviewers said, all or nothing."""
        ...


class Cursor(NamedTuple):
    """Where the next rows begin: in which pass, and after which turn."""

    first: bool = True
    turn: float = -1.0


class Desk:
    """Serves reviewers of one sample; safe to share between threads.

    Args:
        sample: What was drawn, and where labels go.
        ask: Returns the question; called once, with the model's answers and the labels so far.
        metric: The eval set's; a rule of the user's own runs elsewhere, and is left out here.
        clock: Where time comes from.
    """

    def __init__(
        self,
        sample: Sample,
        *,
        ask: Callable[[list[Any], list[Any]], Question],
        metric: str = ACCURACY,
        clock: Clock = SYSTEM,
    ) -> None:
        self._sample = sample
        self._clock = clock
        self._known = metric == ACCURACY or metric.startswith(WITHIN)
        self._metric = metric
        self._lock = threading.RLock()
        self._rows: dict[Key, Sampled] = drawn(sample)
        self._looked_s = clock.now_s()
        rows = self._rows.values()
        outputs = [row.output for row in rows if row.output is not None]
        labels = [one.label for row in rows for one in row.labels.values()]
        self.question = ask(outputs, [label for label in labels if label is not None])

    def rows(self, reviewer: str, *, after: str = "", limit: int = BATCH_MAX) -> Rows:
        """Return the next rows for a reviewer.

        First come those that nobody has labelled, and the share that everybody labels; once these
        are done, the others.

        Args:
            reviewer: Who asks.
            after: Where to begin: what the last call returned, or nothing.
            limit: At most so many.

        Raises:
            InputError: ``after`` is not what a call returned, or the name cannot be used.
        """
        reviewer = self.name(reviewer)
        limit = max(1, min(limit, BATCH_MAX))
        with self._lock:
            self._look()
            place = _cursor(after)
            found = self._next(reviewer, place, limit)
            turn = found[-1].turn if found else place.turn
            if place.first and len(found) < limit:
                place = Cursor(first=False)
                rest = self._next(reviewer, place, limit - len(found))
                turn = rest[-1].turn if rest else place.turn
                found += rest
        return Rows(
            rows=[self._shown(row) for row in found],
            after=f"{int(place.first)}:{turn!r}",
            more=len(found) == limit,
        )

    def give(self, order: Order) -> Given:
        """Write down what a reviewer says; saying it again replaces it.

        Raises:
            UnknownNameError: The row is not in the sample.
            InputError: It is no answer to the question.
        """
        reviewer = self.name(order.reviewer)
        with self._lock:
            row = self._row(order.id, order.row)
            tags = checked_tags(order.tags)
            label = None if order.skipped else self._label(order, row)
            self._write(row, reviewer, label=label, tags=tags, skipped=order.skipped)
            answer = None if row.output is None else shown(row.output, kind="text")
            return Given(
                label=label,
                status=row.status,
                answer=answer,
                confidence=row.confidence,
                right=None if order.skipped else self._is_right(row, label),
                others=[
                    Other(
                        reviewer=one.reviewer,
                        label=one.label,
                        tags=one.tags,
                        skipped=one.skipped,
                    )
                    for one in row.others(reviewer)
                ],
                progress=self.progress(reviewer),
            )

    def undo(self, order: Undo) -> Standpoint:
        """Withdraw what a reviewer said about a row.

        Raises:
            UnknownNameError: The row is not in the sample.
        """
        reviewer = self.name(order.reviewer)
        with self._lock:
            row = self._row(order.id, order.row)
            if row.said(reviewer) is not None:
                self._write(row, reviewer, label=None, tags=(), skipped=False)
            return self.progress(reviewer)

    def progress(self, reviewer: str) -> Standpoint:
        """Return how far a reviewer is, and what all labels say."""
        reviewer = self.name(reviewer)
        with self._lock:
            rows = list(self._rows.values())
            return Standpoint(
                mine=sum(row.said(reviewer) is not None for row in rows),
                total=len(rows),
                standing=self._standing(rows),
                agreement=agreement_lines(agreed(rows)),
            )

    def sample_rows(self) -> dict[Key, Sampled]:
        """Return every row of the sample, without inputs."""
        with self._lock:
            return dict(self._rows)

    def name(self, reviewer: str) -> str:
        """Return the name of a reviewer as it is written down.

        Raises:
            InputError: It is empty, too long, or has characters that cannot be seen.
        """
        return checked_text(reviewer, what="name", longest=NAME_MAX)

    def _standing(self, rows: list[Sampled]) -> Standing:
        if not self._known:
            labelled = sum(
                any(one.label is not None for one in row.labels.values()) for row in rows
            )
            said = f"The metric {self._metric} is your own: seatrial gap scores the labels with it."
            return Standing(n=labelled, headline="", lines=[said], narrower=[])
        try:
            return standing(rows, metric=self._metric)
        except DataError as error:
            return Standing(n=0, headline="", lines=[str(error)], narrower=[])

    def _look(self) -> None:
        """Take over what is new in the log, now and then."""
        if self._clock.now_s() - self._looked_s < REFRESH_S:
            return
        self._rows = drawn(self._sample)
        self._looked_s = self._clock.now_s()

    def _next(self, reviewer: str, place: Cursor, limit: int) -> list[ReviewRow]:
        turns = sorted(row.turn for row in self._rows.values())
        waiting = {
            key
            for key, row in self._rows.items()
            if row.turn > place.turn and wanted(row, reviewer, first=place.first)
        }
        found: list[ReviewRow] = []
        while waiting and len(found) < limit:
            # Straight to the first that is wanted: what lies before it may be long done.
            first = bisect.bisect_left(turns, min(self._rows[key].turn for key in waiting))
            page = self._sample.rows(limit=limit, after=turns[first - 1] if first else None)
            found += [row for row in page if (row.id, row.row) in waiting]
            end = page[-1].turn if page else math.inf
            waiting = {key for key in waiting if self._rows[key].turn > end}
        return found[:limit]

    def _row(self, id_: str, row: int) -> Sampled:
        if (id_, row) not in self._rows:
            raise UnknownNameError(
                f"row {row} of request {id_[:64]!r} is not in the review sample.",
                hint="Label the rows that the page shows.",
            )
        return self._rows[id_, row]

    def _label(self, order: Order, row: Sampled) -> Any:
        if order.right:
            if self.question.mode != "judged" or row.output is None:
                raise InputError(
                    "right was said of a row without an answer to judge.",
                    hint="Give a label instead.",
                )
            return row.output
        if order.label is None:
            raise InputError(
                "there is neither a label nor a skip; accepted is one of them.",
                hint="Skip a row that cannot be told.",
            )
        return checked_label(self.question, order.label, new=order.new)

    def _write(
        self, row: Sampled, reviewer: str, *, label: Any, tags: tuple[str, ...], skipped: bool
    ) -> None:
        given = ReviewLabel(
            id=row.id,
            row=row.row,
            reviewer=reviewer,
            label=label,
            tags=tags,
            skipped=skipped,
            time=self._clock.utc(),
        )
        self._sample.label(given)
        if given.says_something:
            row.labels[reviewer] = given
        else:
            row.labels.pop(reviewer, None)

    def _is_right(self, row: Sampled, label: Any) -> bool | None:
        if not self._known or row.status != ANSWERED or family(row.output) != family(label):
            return None
        if self._metric != ACCURACY and family(label) != "number":
            return None
        return row_score(self._metric)(row.output, label) >= 1.0

    def _shown(self, row: ReviewRow) -> RowShown:
        answer: Shown | None = None
        if self.question.mode == "judged":
            none = Nothing(f"There was no answer: {row.status}.")
            answer = none if row.output is None else shown(row.output, kind="text")
        return RowShown(
            id=row.id,
            row=row.row,
            time=f"{row.time:%Y-%m-%d %H:%M} UTC",
            status=row.status,
            input=shown(row.input, kind=self.question.kind),
            answer=answer,
        )


def _cursor(after: str) -> Cursor:
    """Read what an earlier call returned.

    >>> _cursor("0:0.25")
    Cursor(first=False, turn=0.25)
    """
    if not after:
        return Cursor()
    found = CURSOR.fullmatch(after)
    if found is None:
        raise InputError(f"after is {after[:40]!r}; accepted is what the last call returned.")
    return Cursor(first=found["first"] == "1", turn=float(found["turn"]))
