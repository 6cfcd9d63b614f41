"""Single requests: is it up, is it right, how long does one take."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import ServerFailedError
from servers import Peer

START_S = 60.0
ANSWER_S = 30.0
POLL_S = 0.005
CLOSE_ENOUGH = 2e-4
"""Largest difference in confidence: padding to longer batch mates changes the last digits."""

REPEATED = 30
LANES = 8
"""Connections that check answers side by side, so that batched ones are checked too."""


@dataclass(frozen=True)
class Question:
    text: str
    body: bytes
    output: str
    confidence: float


@dataclass(frozen=True)
class Opening:
    """How a server came up.

    Attributes:
        ready_s: From spawning it until its readiness route said yes.
        start_s: From spawning it until its first correct answer.
        first_ms: That first request, on a connection that stood already.
        warm_ms: Median of the same request asked again and again, one at a time.
    """

    ready_s: float
    start_s: float
    first_ms: float
    warm_ms: float


def questions(folder: Path, peer: Peer) -> list[Question]:
    """Read the texts of a workload, with bodies as this peer wants them."""
    rows = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    return [
        Question(
            row["text"],
            json.dumps(peer.body(row["text"])).encode(),
            row["output"],
            row["confidence"],
        )
        for row in rows
    ]


class Asker:
    """One keep-alive connection."""

    def __init__(self, port: int, peer: Peer) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        self._peer = peer

    def connect(self) -> None:
        self._connection.connect()

    def close(self) -> None:
        self._connection.close()

    def ready(self) -> bool:
        self._connection.request("GET", self._peer.ready)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status == 200

    def ask(self, question: Question) -> Any:
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", self._peer.path, question.body, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ServerFailedError(f"status {answer.status}: {body[:300]!r}")
        return json.loads(body)

    def check(self, question: Question) -> float:
        """Ask, compare with the right answer, return the difference in confidence."""
        output, confidence = self._peer.answer(self.ask(question))
        difference = abs(confidence - question.confidence)
        near_the_line = question.confidence < 0.5 + CLOSE_ENOUGH
        if difference > CLOSE_ENOUGH or (output != question.output and not near_the_line):
            raise ServerFailedError(
                f"answered {output} {confidence:.5f} instead of {question.output} "
                f"{question.confidence:.5f} to {question.text[:60]!r}"
            )
        return difference


@contextlib.contextmanager
def asker(port: int, peer: Peer) -> Iterator[Asker]:
    one = Asker(port, peer)
    try:
        yield one
    finally:
        one.close()


def opening(
    process: subprocess.Popen[bytes],
    *,
    spawned_s: float,
    port: int,
    peer: Peer,
    asked: list[Question],
    has_model: bool,
) -> Opening:
    """Wait until a server is ready, then time its first requests."""
    _wait_until_ready(process, spawned_s=spawned_s, port=port, peer=peer)
    ready_s = time.perf_counter() - spawned_s
    # Of middling length: what one request takes is shown by one that is neither short nor long.
    question = sorted(asked, key=lambda question: len(question.text))[len(asked) // 2]
    with asker(port, peer) as one:
        one.connect()
        times_ms = []
        for _ in range(1 + REPEATED):
            began = time.perf_counter()
            if has_model:
                one.check(question)
            else:
                one.ask(question)
            times_ms.append(1e3 * (time.perf_counter() - began))
            if len(times_ms) == 1:
                start_s = time.perf_counter() - spawned_s
    return Opening(
        ready_s=ready_s,
        start_s=start_s,
        first_ms=times_ms[0],
        warm_ms=sorted(times_ms[1:])[len(times_ms[1:]) // 2],
    )


def _wait_until_ready(
    process: subprocess.Popen[bytes], *, spawned_s: float, port: int, peer: Peer
) -> None:
    while True:
        if process.poll() is not None:
            raise ServerFailedError(f"it ended with status {process.returncode}")
        if time.perf_counter() - spawned_s > START_S:
            raise ServerFailedError(f"not ready after {START_S:g} s")
        with contextlib.suppress(OSError, http.client.HTTPException), asker(port, peer) as one:
            if one.ready():
                return
        time.sleep(POLL_S)


def check_all(asked: list[Question], *, port: int, peer: Peer) -> float:
    """Ask everything over several connections; return the largest difference in confidence.

    Raises:
        ServerFailedError: An answer is wrong or missing.
    """
    differences: list[float] = []
    errors: list[Exception] = []

    def lane(first: int) -> None:
        try:
            with asker(port, peer) as one:
                differences.extend(one.check(question) for question in asked[first::LANES])
        except Exception as error:  # noqa: BLE001  (carried to the caller's thread)
            errors.append(error)

    threads = [threading.Thread(target=lane, args=(first,)) for first in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise ServerFailedError(f"wrong or no answer: {errors[0]}")
    return max(differences)


def given_tickets(port: int) -> int:
    """Return how many requests seatrial has put aside instead of answering them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    name = "seatrial_tickets_total"
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name))
