"""A real HTTP server whose queue is planted: one asyncio loop in a thread, no thread a request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

Reply = tuple[int, dict[str, str]]
Handler = Callable[[], Awaitable[Reply]]
"""Answers one request with a status and further headers; the body is the same for all."""

BODY = b'{"id": "1", "results": [{"output": 1}]}'


@contextmanager
def queueing(handler: Callable[[], Handler]) -> Iterator[str]:
    """Serve while the block runs, and yield the URL of ``/predict``.

    Args:
        handler: Makes the handler, inside the loop that it will run in.
    """
    ready = threading.Event()
    made: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []

    async def run() -> None:
        respond, ended = handler(), asyncio.Event()
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                connections.add(task)
            try:
                with suppress(asyncio.CancelledError):  # what is left when the block ends
                    await _serve(reader, writer, respond)
            finally:
                writer.close()
                if task is not None:
                    connections.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=4096)
        made.append((asyncio.get_running_loop(), ended, server.sockets[0].getsockname()[1]))
        ready.set()
        await ended.wait()
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    ready.wait()
    loop, ended, port = made[0]
    try:
        yield f"http://127.0.0.1:{port}/predict"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Handler
) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            lengths = [line for line in head.split("\r\n") if line.startswith("content-length:")]
            length = int(lengths[0].partition(":")[2]) if lengths else 0
            await reader.readexactly(length)
            status, headers = await respond()
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(
                f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
            )
