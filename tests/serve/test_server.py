from __future__ import annotations

import asyncio
import socket

import uvicorn

from seatrial.serve.server import Server

CALLERS = 10


class Answering(asyncio.Protocol):
    """Answers whatever comes, and waits for what was on its way when told to end."""

    def __init__(self, config, server_state, app_state, _loop=None):
        self.all = server_state.connections

    def connection_made(self, transport):
        self.transport = transport
        self.all.add(self)

    def data_received(self, data):
        self.transport.write(b"answered " + data)
        self.transport.close()

    def connection_lost(self, exc):
        self.all.discard(self)

    def shutdown(self):
        pass


class Late(Server):
    """Has callers whose connections stand, and of whom nobody has heard when it ends."""

    async def shutdown(self, sockets=None):
        self.callers = [socket.create_connection(at.getsockname()) for at in sockets * CALLERS]
        for number, caller in enumerate(self.callers):
            caller.sendall(b"%d" % number)
        await super().shutdown(sockets)


async def nothing(scope, receive, send):
    """No request reaches it."""


def test_who_waits_in_the_kernel_when_the_server_ends_is_answered():
    """Their connections stand, so they were let in; who comes later is refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = bound.getsockname()

        async def serve():
            config = uvicorn.Config(
                nothing, http=Answering, lifespan="off", log_config=None, backlog=4 * CALLERS
            )
            server = Late(config)
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            while not server.started:
                await asyncio.sleep(0.001)
            server.end()
            await serving
            return server.callers

        callers = asyncio.run(serve())
    for number, caller in enumerate(callers):
        with caller:
            caller.settimeout(60)
            assert caller.recv(100) == b"answered %d" % number
    with socket.socket() as late:
        assert late.connect_ex(address) != 0
