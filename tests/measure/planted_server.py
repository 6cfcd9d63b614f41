"""A small HTTP server whose every behaviour is planted; run as a subprocess by the tests.

The path says what happens: /answer, /sleep/MS, /status/CODE, /close, /unframed, /chunked,
/hangup, /garbage, /interim, /silence, /timing, /straggle/EVERY/MS, /one-at-a-time/MS,
/die/COUNT (the whole server, at that request), /stop/COUNT (until somebody sends SIGCONT),
/cold/MS (the first request alone), /again/TIMES/AFTER_S (503 with Retry-After until tried so
often), /later/READY_MS/ETA_S (202 with a ticket, which /tickets/ID then answers), /degraded.
It prints its port and ends when its standard input does.
"""

import asyncio
import os
import signal
import sys

BODY = b'{"results": [{"output": 1}]}'
state = {"count": 0}
tickets = {}


def answer(body=BODY, status=200, extra=b""):
    return b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, extra, len(body), body)


def again(retries, times, after_s):
    if retries >= int(times):
        return answer()
    return answer(b"busy", 503, b"Retry-After: %s\r\n" % after_s.encode())


def later(ready_ms, eta_s):
    name = str(len(tickets) + 1)
    tickets[name] = asyncio.get_running_loop().time() + float(ready_ms) / 1e3
    return answer(b'{"ticket": "%s", "eta_s": %s}' % (name.encode(), eta_s.encode()), 202)


def ticket(name):
    if name not in tickets:
        return answer(b"unknown", 404)
    ready = asyncio.get_running_loop().time() >= tickets[name]
    return answer() if ready else answer(b'{"ticket": "%s"}' % name.encode(), 202)


async def respond(path, writer, turn, retries=0):
    """Return False to end the connection."""
    what, *given = path.strip("/").split("/")
    state["count"] += 1
    if what == "sleep":
        await asyncio.sleep(float(given[0]) / 1e3)
    elif what == "one-at-a-time":
        async with turn:
            await asyncio.sleep(float(given[0]) / 1e3)
    elif what == "straggle" and state["count"] % int(given[0]) == 0:
        await asyncio.sleep(float(given[1]) / 1e3)
    elif what == "cold" and state["count"] == 1:
        await asyncio.sleep(float(given[0]) / 1e3)
    elif what == "silence":
        await asyncio.sleep(3600)
    elif what == "die" and state["count"] >= int(given[0]):
        os._exit(1)
    elif what == "stop" and state["count"] == int(given[0]):
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "hangup":
        return False
    special = {
        "status": lambda: answer(b"because", int(given[0])),
        "close": lambda: answer(extra=b"Connection: close\r\n"),
        "unframed": lambda: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
        "chunked": lambda: (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        ),
        "garbage": lambda: b"220 this is no HTTP\r\n\r\n",
        "interim": lambda: b"HTTP/1.1 102 Processing\r\n\r\n" + answer(),
        "timing": lambda: answer(extra=b"Server-Timing: queue;dur=1.5, model;dur=2\r\n"),
        "again": lambda: again(retries, *given),
        "later": lambda: later(*given),
        "tickets": lambda: ticket(*given),
        "degraded": lambda: answer(extra=b"X-Degraded: variant\r\nX-Served-By: m/int8\r\n"),
    }
    writer.write(special.get(what, answer)())
    return what not in {"close", "unframed", "garbage"}


def number(head, name):
    lines = (line for line in head.lower().splitlines() if line.startswith(name))
    return int(next(lines, f"{name}: 0").split(":")[1])


async def serve(reader, writer, turn):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            await reader.readexactly(number(head, "content-length"))
            retries = number(head, "x-stainless-retry-count")
            if not await respond(head.split()[1], writer, turn, retries):
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    turn = asyncio.Lock()
    server = await asyncio.start_server(lambda r, w: serve(r, w, turn), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
