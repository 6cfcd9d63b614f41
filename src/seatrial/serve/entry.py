"""Where rows enter the model: whoever is let in waits in a queue, whoever is not is told why.

Asked in this order: has this input killed workers, do the release's workers live, is there room;
and where there is none, what the ladder offers instead: a cheaper variant, a ticket, a refusal.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from seatrial.core.errors import OverloadedError, ServingError
from seatrial.schedule.admission import ADMITTED, Verdict
from seatrial.schedule.ladder import Defer, Ladder, Refuse, Serve, State
from seatrial.serve.call import Call
from seatrial.serve.deployment import Deployment
from seatrial.serve.pending import Pending
from seatrial.serve.salvage import quarantined
from seatrial.serve.tickets import WAIT_MAX_S, Ticket, Tickets

RETRY_COUNT = b"x-stainless-retry-count"
"""How often a client says that it has tried already; several client libraries send it."""

Deferred = Callable[[Call, Ticket], None]
"""Told of a call that was put aside: its caller gets the ticket, the ticket gets the answer."""


class Entry:
    """Lets rows in.

    Args:
        ladder: Says what is done where there is no room.
        tickets: Holds the answers of calls that are put aside.
        on_deferred: Told of those.
        chance: Spreads when callers come again.

    Attributes:
        cheaper: What answers on the rung ``variant``; ``None`` where nothing does.
    """

    def __init__(
        self,
        ladder: Ladder,
        *,
        tickets: Tickets,
        on_deferred: Deferred,
        chance: random.Random | None = None,
    ) -> None:
        self.cheaper: Deployment | None = None
        self._ladder = ladder
        self._tickets = tickets
        self._on_deferred = on_deferred
        self._chance = chance or random.Random()  # noqa: S311  (spreads retries, guards nothing)

    def run(
        self, call: Call, rows: list[Any], *, owner: Any, now_s: float, deadline_s: float
    ) -> Pending:
        """Let rows of a call in; they come back settled, with their owner.

        Raises:
            QuarantinedError: One of them has killed workers.
            OverloadedError: There is no room, and the ladder ends here.
            ServingError: The release's workers do not live.
        """
        deployment = call.deployment
        if deployment.wary:
            self._beware(deployment, rows, now_s)
        sizes = deployment.sizes(rows)
        said = call.request.headers.get(RETRY_COUNT)
        retries = int(said) if said is not None and said.isdigit() else 0

        def admit(to: Deployment) -> Verdict:
            return to.admission.admit(
                now_s,
                rows=len(rows),
                deadline_s=deadline_s,
                sizes=sizes,
                key=call.key_id or "",
                retries=retries,
                jitter=self._chance.random(),
            )

        verdict = None if self._ladder.relieved else admit(deployment)
        if verdict is ADMITTED:
            return deployment.run(
                call, rows, owner=owner, now_s=now_s, deadline_s=deadline_s, sizes=sizes
            )
        return self._descend(
            call,
            rows,
            admit,
            verdict,
            owner=owner,
            now_s=now_s,
            deadline_s=deadline_s,
            sizes=sizes,
        )

    def state(self, now_s: float) -> State:
        """Return what the public is told."""
        return self._ladder.state(now_s)

    def _descend(
        self,
        call: Call,
        rows: list[Any],
        admit: Callable[[Deployment], Verdict],
        verdict: Verdict | None,
        *,
        owner: Any,
        now_s: float,
        deadline_s: float,
        sizes: Sequence[int] | int,
    ) -> Pending:
        model, cheaper = call.deployment, self.cheaper

        def eta_s() -> float:
            return model.admission.eta_s(now_s, rows=len(rows), sizes=sizes)

        may_wait = call.door.defers and call.degraded is None and not self._tickets.full(now_s)
        step = self._ladder.step(
            now_s,
            lambda: verdict or admit(model),
            variant=None if cheaper is None else lambda: admit(cheaper),
            eta=eta_s if may_wait else None,
            pressure=lambda: (cheaper or model).admission.pressure,
        )
        if isinstance(step, Refuse):
            call.degraded = "reject"
            raise _full(step)
        if isinstance(step, Serve):
            answers = model
            if step.variant and cheaper is not None:
                answers, call.degraded = cheaper, "variant"
            call.deployment = answers
            return answers.run(
                call, rows, owner=owner, now_s=now_s, deadline_s=deadline_s, sizes=sizes
            )
        return self._defer(call, rows, step, owner=owner, now_s=now_s, sizes=sizes)

    def _defer(
        self,
        call: Call,
        rows: list[Any],
        step: Defer,
        *,
        owner: Any,
        now_s: float,
        sizes: Sequence[int] | int,
    ) -> Pending:
        call.degraded = "queue"
        ticket = self._tickets.open(call.id, key_id=call.key_id, now_s=now_s, eta_s=step.eta_s)
        self._on_deferred(call, ticket)
        pending = call.deployment.run(
            call,
            rows,
            owner=owner,
            now_s=now_s,
            deadline_s=now_s + WAIT_MAX_S,
            sizes=sizes,
            deferred=True,
        )
        if ticket.response is None:
            batcher = call.deployment.dispatcher.batcher
            place = batcher.rows_put_aside
            ticket.outlook = lambda at_s: batcher.eta_of(at_s, place)
        return pending

    def _beware(self, deployment: Deployment, rows: list[Any], now_s: float) -> None:
        for row, value in enumerate(rows):
            if deployment.quarantine and deployment.condemns(value, now_s):
                raise quarantined(row)
        if not deployment.breaker.passes(now_s):
            seconds = max(math.ceil(deployment.breaker.retry_after_s(now_s)), 1)
            raise ServingError(
                "the model's processes keep dying; nobody is made to wait for them.",
                hint=f"Try again in {seconds} s.",
                details={"retry_after_s": seconds},
            )


def _full(step: Refuse) -> OverloadedError:
    seconds = step.retry_after_s
    why = {
        "wait": f"a request would wait about {step.expected_wait_s:.1f} s, too long for this one",
        "size": "the rows of this request cannot be run in the time that it has left",
        "rows": "as many rows wait as may",
        "retries": "retries of this caller are more than a tenth of its requests",
    }.get(step.reason, "as much is in flight as the model keeps up with")
    return OverloadedError(
        f"the server is full: {why}.",
        hint=f"Try again in {seconds:.1f} s.",
        details={"retry_after_s": seconds, "reason": step.reason},
    )
