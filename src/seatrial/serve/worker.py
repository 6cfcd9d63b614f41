"""One model process as the event loop sees it: the same frames as everywhere, without waiting."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from seatrial.core.errors import DeadlineExceededError, SeatrialError, WorkerLostError
from seatrial.core.settings import Settings
from seatrial.models import frames
from seatrial.models.hostprocess import CLOSE_LIMIT_S, READ_BYTES, HostProcess
from seatrial.models.process import LOAD_LIMIT_S, launch, lost
from seatrial.models.subject import Batch

Reply = frames.Hello | frames.Told | frames.Failed | frames.Buried
Heard = Callable[[Reply], None]


class Worker(asyncio.Protocol):
    """Asks one thing at a time of one model process.

    Args:
        number: What the scheduler calls it; never used twice.
        host: The started process, which was told what to load; ended by this worker from now on.

    Attributes:
        lost: Done when the process is gone, with the status that it ended with.
        hello: What it said once the model was loaded.
        rss_bytes: Its resident memory after the last call.
        due: Done when that has passed what :meth:`limit_memory` said; a replacement is due.
        over: The same for its ceiling, where it should get nothing more to do.
    """

    def __init__(self, number: int, host: HostProcess) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.pid = host.pid
        self.lost: asyncio.Future[int | None] = loop.create_future()
        self.due: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self.hello = frames.Hello(takes_batches=True, visible=True, load_s=0.0, rss_bytes=0)
        self.rss_bytes = 0
        self._host = host
        self._loop = loop
        self._reader = frames.FrameReader(host.replies)
        self._writer = frames.FrameWriter(host.asks)
        self._transport: asyncio.Transport | None = None
        self._heard: Heard | None = None
        self._asked = 0
        self._ending: asyncio.Task[None] | None = None
        self._loaded = False
        self._due_bytes = self._ceiling_bytes = math.inf

    @property
    def ended(self) -> bool:
        """Whether it answers nothing more, though it may not be ``lost`` yet."""
        return self._ending is not None

    @classmethod
    async def start(
        cls,
        number: int,
        *,
        folder: Path,
        settings: Settings,
        variant: str,
        threads: int = 1,
        load_limit_s: float = LOAD_LIMIT_S,
    ) -> Worker:
        """Start a process and load the model in it.

        Raises:
            SeatrialError: What loading raised, :class:`WorkerLostError` if the process died.
        """
        worker = cls(number, launch(folder, settings=settings, variant=variant, threads=threads))
        try:
            await worker.open(load_limit_s=load_limit_s)
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def open(self, *, load_limit_s: float = LOAD_LIMIT_S) -> None:
        """Wait until the process has loaded its model.

        Raises:
            SeatrialError: What loading raised, :class:`WorkerLostError` if the process died.
        """
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._heard = _into(reply)
        await self._loop.create_unix_connection(lambda: self, sock=self._host.wire)
        hello = await self._reply(reply, load_limit_s, "loading the model")
        if isinstance(hello, frames.Hello):
            self.hello = hello
            self.pid = hello.pid
            self.rss_bytes = hello.rss_bytes
        self._loaded = True

    def limit_memory(self, *, due_bytes: float, ceiling_bytes: float) -> None:
        """Say from which resident memory on it is ``due`` for replacement, and ``over``."""
        self._due_bytes, self._ceiling_bytes = due_bytes, ceiling_bytes
        if self.due.done():
            self.due = self._loop.create_future()

    def run(self, inputs: list[Any], heard: Heard) -> None:
        """Answer a batch; ``heard`` is called with the reply unless the process dies first.

        Raises:
            InputError: An input cannot travel; nothing was sent.
        """
        self._asked += 1
        self._send(frames.Ask(self._asked, "answer", inputs), heard)

    def listen(self) -> None:
        """Hear what the process has said already, before the loop comes to it."""
        if self._heard is None or self.ended:
            return
        try:
            data = self._host.wire.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except OSError:  # nothing there; the loop hears of what is worse
            return
        if data:
            self.data_received(data)

    async def answer(self, inputs: list[Any], *, limit_s: float) -> Batch:
        """Answer a batch and wait for it, as warm-up does.

        Raises:
            SeatrialError: What the model raised, or that it hung or died.
        """
        self._asked += 1
        ask = frames.Ask(self._asked, "answer", inputs)
        reply = await self._exchange(ask, limit_s, f"answering {len(inputs)} rows")
        if isinstance(reply, frames.Told) and reply.batch is not None:
            return reply.batch
        raise SeatrialError(f"the model's process sent {type(reply).__name__} unasked.")

    async def ask(self, message: frames.Message, limit_s: float, what: str) -> Reply:
        """Send a message and wait for what is said to it.

        Raises:
            SeatrialError: What it failed with; it died, or took longer than ``limit_s``.
        """
        if self.ended:
            raise self.loss(what)
        return await self._exchange(message, limit_s, what)

    def send_descriptors(self, message: frames.Message, descriptors: Sequence[int]) -> None:
        """Send a message with descriptors beside it; for a process that is asked little else.

        Raises:
            OSError: It has ended, or reads nothing.
        """
        socket.send_fds(self._host.wire, [self._writer.encode(message)], descriptors)

    async def kill(self) -> int | None:
        """End the process now, if it has not ended; return the status it ended with."""
        self.end()
        return await asyncio.shield(self.lost)

    async def close(self) -> None:
        """Let the process end by itself, and make it if it does not or has loaded nothing yet."""
        if self._loaded and self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
            await asyncio.wait({self.lost}, timeout=CLOSE_LIMIT_S)
        await self.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; see :class:`asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        if self._ending is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand each complete message to whoever asked; what is none ends the process."""
        try:
            messages = list(self._reader.feed(data))
        except Exception:  # noqa: BLE001  (edge: user code can write what it likes to the wire)
            self.end()
            return
        for message in messages:
            if isinstance(message, frames.Told) and message.batch is not None:
                self._weigh(message.batch.rss_bytes or self.rss_bytes)
            heard, self._heard = self._heard, None
            if heard is not None:
                heard(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (of the protocol)
        """The process has died, or we ended it."""
        self.end()

    def _send(self, message: frames.Message, heard: Heard) -> None:
        frame = self._writer.encode(message)
        self._heard = heard
        if self._transport is not None:
            self._transport.write(frame)

    def _weigh(self, rss_bytes: int) -> None:
        self.rss_bytes = rss_bytes
        if rss_bytes > self._due_bytes and not self.due.done():
            self.due.set_result(None)
        if rss_bytes > self._ceiling_bytes and not self.over.done():
            self.over.set_result(None)

    async def _exchange(self, message: frames.Message, limit_s: float, what: str) -> Reply:
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._send(message, _into(reply))
        return await self._reply(reply, limit_s, what)

    async def _reply(self, reply: asyncio.Future[Reply], limit_s: float, what: str) -> Reply:
        either: set[asyncio.Future[Any]] = {reply, self.lost}
        await asyncio.wait(either, timeout=limit_s, return_when="FIRST_COMPLETED")
        if not reply.done():
            reply.cancel()
            if self.lost.done():
                raise self.loss(what)
            raise DeadlineExceededError(
                f"{what} took longer than {limit_s:g} s.",
                hint="Look for a wait or an endless loop in the model.",
            )
        said = reply.result()
        if isinstance(said, frames.Failed):
            raise said.error()
        return said

    def loss(self, what: str) -> WorkerLostError:
        """Build the error for a process that died while it did ``what``."""
        return lost(what, self.lost.result() if self.lost.done() else None)

    def end(self) -> None:
        """End the process now, if nobody has; ``lost`` tells when it is gone."""
        if self._ending is not None:
            return
        if self._transport is not None:
            self._transport.abort()
        self._host.end()
        self._ending = self._loop.create_task(self._bury())

    async def _bury(self) -> None:
        status = await self._loop.run_in_executor(None, self._host.wait)
        if not self.lost.done():
            self.lost.set_result(status)


def _into(reply: asyncio.Future[Reply]) -> Heard:
    def heard(said: Reply) -> None:
        if not reply.done():
            reply.set_result(said)

    return heard
